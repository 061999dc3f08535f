// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"cmp"
	"slices"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// latest is the image of the last complete copy that a destination received; nil if there is none that can be used.
func (f *Facts) latest(rd *volsyncv1alpha1.ReplicationDestination) *snapshotv1.VolumeSnapshot {
	name := latestImage(rd)
	if s := f.Snapshots[name]; name != "" && ready(s) {
		return s
	}
	return nil
}

func latestImage(rd *volsyncv1alpha1.ReplicationDestination) string {
	if rd == nil || rd.Status == nil || rd.Status.LatestImage == nil || rd.Status.LatestImage.Kind != "VolumeSnapshot" {
		return ""
	}
	return rd.Status.LatestImage.Name
}

// ready tells whether a claim can be made of a snapshot.
func ready(s *snapshotv1.VolumeSnapshot) bool {
	return s != nil && s.DeletionTimestamp.IsZero() && s.Status != nil && s.Status.ReadyToUse != nil && *s.Status.ReadyToUse
}

// images are the snapshots of a claim's volume that are kept here, the newest first.
func (f *Facts) images(claim string) []*snapshotv1.VolumeSnapshot {
	var kept []*snapshotv1.VolumeSnapshot
	for _, s := range f.Snapshots {
		if ours(s, f.Group.String()) && s.Annotations[annotationClaim] == claim {
			kept = append(kept, s)
		}
	}
	slices.SortFunc(kept, func(a, b *snapshotv1.VolumeSnapshot) int {
		return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return kept
}

// received tells whether a claim's volume has been received completely: with its group, if it is a member of one.
func (f *Facts) received(claim string, rd *volsyncv1alpha1.ReplicationDestination) bool {
	return receivedAlone(rd) && f.latest(rd) != nil || f.newestSet(claim) != nil
}

// receivedAlone tells of a destination whether it is of a volume that is sent by itself.
func receivedAlone(rd *volsyncv1alpha1.ReplicationDestination) bool {
	if rd == nil {
		return false
	}
	_, alone := v1alpha1.SentByItself(rd.Annotations[annotationGroup])
	return alone
}

// origin is the snapshot of a claim's volume as it was before it received anything.
func origin(group types.NamespacedName, c *Claim) *snapshotv1.VolumeSnapshot {
	s := &snapshotv1.VolumeSnapshot{ObjectMeta: meta(group, c.Name+"-before-sync")}
	s.Labels[labelDoNotDelete] = "true"
	s.Annotations[annotationClaim] = c.Name
	s.Spec.Source.PersistentVolumeClaimName = ptr.To(c.Name)
	if c.SnapshotClass != "" {
		s.Spec.VolumeSnapshotClassName = ptr.To(c.SnapshotClass)
	}
	return s
}

// keep takes an image from VolSync, which would delete it with its ReplicationDestination or once there is a newer one.
func keep(group types.NamespacedName, image *snapshotv1.VolumeSnapshot, claim, epoch string) *snapshotv1.VolumeSnapshot {
	s := image.DeepCopy()
	s.OwnerReferences = nil
	delete(s.Labels, labelCleanup)
	delete(s.Labels, labelCreatedBy)
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	if s.Annotations == nil {
		s.Annotations = map[string]string{}
	}
	s.Labels[labelDoNotDelete], s.Labels[mark.ManagedBy] = "true", mark.Agent
	s.Annotations[mark.Owner], s.Annotations[annotationClaim], s.Annotations[annotationEpoch] = group.String(), claim, epoch
	return s
}
