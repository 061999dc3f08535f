// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package handover makes and verifies the token with which the source of a relocate proves that nothing is left behind.
package handover

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Seal completes a token: volumes sorted, time and digest set.
func Seal(token v1alpha1.HandoverToken, now time.Time) *v1alpha1.HandoverToken {
	token.Volumes = sorted(token.Volumes)
	token.IssuedTime = metav1.NewMicroTime(now.UTC().Truncate(time.Microsecond))
	token.Digest = digest(token)
	return &token
}

// Verify returns why a token does not allow cluster to become primary in epoch, or nil.
func Verify(token *v1alpha1.HandoverToken, epoch int64, cluster string) error {
	switch {
	case token == nil:
		return fmt.Errorf("spec.handoverToken is missing; a relocate promotes only with the token that the source's agent issued for epoch %d", epoch)
	case token.Epoch != epoch:
		return fmt.Errorf("the handover token is of epoch %d and the command of epoch %d; only a token of the same epoch is good", token.Epoch, epoch)
	case token.SourceCluster == cluster:
		return fmt.Errorf("the handover token was issued by this very cluster, %s; it must be the source's", cluster)
	case token.Digest != digest(*token):
		return fmt.Errorf("the handover token of %s for epoch %d is damaged: its digest does not fit its content; it must be passed on unchanged", token.SourceCluster, epoch)
	default:
		return nil
	}
}

// VerifyCapture returns why a capture is not the one that the token was issued for, or nil.
func VerifyCapture(token *v1alpha1.HandoverToken, manifestDigest string, volumes []v1alpha1.HandoverVolume) error {
	if manifestDigest != token.CaptureDigest {
		return fmt.Errorf("capture %s is not the one the handover token was issued for: its manifest has another digest", token.CaptureID)
	}
	if !slices.Equal(sorted(volumes), token.Volumes) {
		return fmt.Errorf("capture %s does not hold exactly the volumes that the handover token names", token.CaptureID)
	}
	return nil
}

func sorted(volumes []v1alpha1.HandoverVolume) []v1alpha1.HandoverVolume {
	volumes = slices.Clone(volumes)
	slices.SortFunc(volumes, func(a, b v1alpha1.HandoverVolume) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return volumes
}

func digest(token v1alpha1.HandoverToken) string {
	token.Digest = ""
	if token.Volumes == nil {
		token.Volumes = []v1alpha1.HandoverVolume{}
	}
	token.IssuedTime = metav1.NewMicroTime(token.IssuedTime.UTC())
	data, err := json.Marshal(token)
	if err != nil {
		// A struct of strings, numbers and times always encodes.
		panic(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
