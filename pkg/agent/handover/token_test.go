// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func token() v1alpha1.HandoverToken {
	return v1alpha1.HandoverToken{
		Epoch: 3, SourceCluster: "dr1", CaptureID: "c", CaptureDigest: "d",
		Volumes: []v1alpha1.HandoverVolume{{Namespace: "shop", Name: "b", VolumeHandle: "2"}, {Namespace: "shop", Name: "a", VolumeHandle: "1"}},
	}
}

func TestATokenSurvivesTheWayThroughTheAPI(t *testing.T) {
	for name, edit := range map[string]func(*v1alpha1.HandoverToken){
		"as it is":        func(*v1alpha1.HandoverToken) {},
		"without volumes": func(token *v1alpha1.HandoverToken) { token.Volumes = nil },
	} {
		in := token()
		edit(&in)
		data, err := json.Marshal(Seal(in, time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		var out v1alpha1.HandoverToken
		if err := json.Unmarshal(data, &out); err != nil {
			t.Fatal(err)
		}
		if err := Verify(&out, 3, "dr2"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := VerifyCapture(&out, "d", in.Volumes); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestATokenIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(*v1alpha1.HandoverToken)
		want string
	}{
		"of an earlier epoch":     {func(token *v1alpha1.HandoverToken) { *token = *Seal(v1alpha1.HandoverToken{Epoch: 2}, time.Now()) }, "of epoch 2"},
		"issued by this cluster":  {func(token *v1alpha1.HandoverToken) { token.SourceCluster = "dr2" }, "this very cluster"},
		"with another time":       {func(token *v1alpha1.HandoverToken) { token.IssuedTime.Time = token.IssuedTime.Add(time.Second) }, "is damaged"},
		"with another capture":    {func(token *v1alpha1.HandoverToken) { token.CaptureID = "x" }, "is damaged"},
		"with another digest":     {func(token *v1alpha1.HandoverToken) { token.CaptureDigest = "x" }, "is damaged"},
		"with a volume less":      {func(token *v1alpha1.HandoverToken) { token.Volumes = token.Volumes[:1] }, "is damaged"},
		"with another volume":     {func(token *v1alpha1.HandoverToken) { token.Volumes[0].VolumeHandle = "x" }, "is damaged"},
		"with its digest altered": {func(token *v1alpha1.HandoverToken) { token.Digest = "x" }, "is damaged"},
	} {
		sealed := Seal(token(), time.Now())
		tc.edit(sealed)
		if err := Verify(sealed, 3, "dr2"); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Verify(nil, 3, "dr2"); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("none: %v", err)
	}
}

func TestACaptureOtherThanTheTokensIsRefused(t *testing.T) {
	sealed := Seal(token(), time.Now())
	if err := VerifyCapture(sealed, "other", sealed.Volumes); err == nil || !strings.Contains(err.Error(), "another digest") {
		t.Error(err)
	}
	if err := VerifyCapture(sealed, "d", sealed.Volumes[:1]); err == nil || !strings.Contains(err.Error(), "exactly the volumes") {
		t.Error(err)
	}
}
