// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"fmt"
	"slices"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// HeldBy says what a claim's volume waits for before it is sent or received, where neither VolSync nor the peer says it; empty if it
// waits for nothing of the kind.
func (f *Facts) HeldBy(claim Claim, command Command) string {
	rs, rd := f.Sources[claim.Name], f.Destinations[claim.Name]
	switch {
	case rs != nil && claim.sent() && claim.Group == "" && idle(rs) && !f.cleaned(rs.Name):
		return fmt.Sprintf("waits until PersistentVolumeClaim %s/%s is gone, which VolSync made for the sync before; its finalizers say what holds it",
			f.Group.Namespace, sentFrom(rs.Name))
	case rs != nil || rd != nil || command.Spec == nil:
		return ""
	}
	i := slices.IndexFunc(command.Spec.Destinations, func(d v1alpha1.VolSyncDestination) bool { return d.Name == claim.Name })
	if i < 0 {
		return ""
	}
	if problem := f.Problems[command.Spec.Destinations[i].StorageClassName]; problem != "" {
		return problem
	}
	var before []*snapshotv1.VolumeSnapshot
	if images := f.images(claim.Name); len(images) > 0 {
		before = append(before, images[0])
	}
	if slices.Contains(command.Left, claim.Name) {
		before = append(before, f.Snapshots[leftImage(claim.Name, command.Epoch)])
	}
	for _, image := range before {
		if image != nil && !ready(image) {
			return "waits until " + unready(image)
		}
	}
	return ""
}

// unready names an image of what a claim holds that is being made, and what is wrong with it.
func unready(image *snapshotv1.VolumeSnapshot) string {
	text := fmt.Sprintf("VolumeSnapshot %s/%s is ready, which keeps what it holds before anything is received into it", image.Namespace, image.Name)
	if s := image.Status; s != nil && s.Error != nil && s.Error.Message != nil {
		text += ": " + *s.Error.Message
	}
	return text
}
