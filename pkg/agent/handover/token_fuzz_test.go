// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// FuzzVerify takes spec.handoverToken as it may come from the hub. Only one of the epoch, of another cluster and unchanged is
// good, and it stays so on its way through the API.
func FuzzVerify(f *testing.F) {
	good, err := json.Marshal(Seal(v1alpha1.HandoverToken{Epoch: 3, SourceCluster: "dr1", CaptureID: "a", CaptureDigest: "b",
		Volumes: []v1alpha1.HandoverVolume{{Namespace: "shop", Name: "data", VolumeHandle: "h"}}}, time.Unix(1, 5000)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, int64(3), "dr2")
	f.Add(good, int64(4), "dr2")
	f.Add(good, int64(3), "dr1")
	for _, seed := range []string{"null", "{}", `{"epoch":3}`, `{"issuedTime":"2026-01-01T00:00:00Z"}`, `{"volumes":[{}],"digest":"x"}`, `{"volumes":null}`} {
		f.Add([]byte(seed), int64(0), "")
	}
	f.Fuzz(func(t *testing.T, data []byte, epoch int64, cluster string) {
		var token *v1alpha1.HandoverToken
		if json.Unmarshal(data, &token) != nil {
			return
		}
		verified := Verify(token, epoch, cluster)
		if token == nil {
			if verified == nil {
				t.Error("no token is good")
			}
			return
		}
		if verified == nil && (token.Epoch != epoch || token.SourceCluster == cluster) {
			t.Errorf("%+v is good for epoch %d on %s", token, epoch, cluster)
		}
		sealed := Seal(*token, time.Unix(2, 0))
		written, err := json.Marshal(sealed)
		if err != nil {
			t.Fatalf("it can't be passed on: %v", err)
		}
		var passedOn v1alpha1.HandoverToken
		if err := json.Unmarshal(written, &passedOn); err != nil {
			t.Fatal(err)
		}
		if err := Verify(&passedOn, token.Epoch, token.SourceCluster+"x"); err != nil {
			t.Errorf("sealed and passed on, it is not good any more: %v", err)
		}
		passedOn.CaptureID += "x"
		if Verify(&passedOn, token.Epoch, token.SourceCluster+"x") == nil {
			t.Error("changed, it is good all the same")
		}
	})
}
