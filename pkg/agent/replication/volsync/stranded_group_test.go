// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"testing"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// memberOf is the snapshot of claim a in a group snapshot, which was deleted before it was noted to be of that.
func memberOf(g *GroupSnapshot) *snapshotv1.VolumeSnapshot {
	s := &snapshotv1.VolumeSnapshot{}
	s.Namespace, s.Name, s.Finalizers = group.Namespace, "snapshot-0123", []string{finalizerInGroup}
	s.DeletionTimestamp = ptr.To(metav1.NewTime(noon))
	s.OwnerReferences = []metav1.OwnerReference{{Kind: "VolumeGroupSnapshot", Name: g.GetName(), UID: g.GetUID()}}
	s.Spec.Source.PersistentVolumeClaimName = ptr.To("a")
	return s
}

func TestAClaimIsNotHeldByAGroupSnapshotThatWasDeletedWhileItWasMade(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Facts, *GroupSnapshot, *snapshotv1.VolumeSnapshot)
		want   bool
	}{
		"that is gone": {want: true},
		"that is being deleted": {want: true, change: func(f *Facts, g *GroupSnapshot, _ *snapshotv1.VolumeSnapshot) {
			g.SetDeletionTimestamp(ptr.To(metav1.NewTime(noon)))
			f.GroupSnapshots = append(f.GroupSnapshots, g)
		}},
		"that is still there": {change: func(f *Facts, g *GroupSnapshot, _ *snapshotv1.VolumeSnapshot) {
			f.GroupSnapshots = append(f.GroupSnapshots, g)
		}},
		"of which a member is not deleted": {change: func(_ *Facts, _ *GroupSnapshot, s *snapshotv1.VolumeSnapshot) { s.DeletionTimestamp = nil }},
		"of which the storage still has something": {change: func(_ *Facts, _ *GroupSnapshot, s *snapshotv1.VolumeSnapshot) {
			s.Finalizers = append(s.Finalizers, "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection")
		}},
		"of somebody else": {change: func(_ *Facts, _ *GroupSnapshot, s *snapshotv1.VolumeSnapshot) { s.OwnerReferences[0].Name = "nightly" }},
	} {
		t.Run("one "+name, func(t *testing.T) {
			for role, c := range map[string]Command{rolePrimary: {Settled: true}, roleSecondary: {Receiving: true}, finalRole(2): {}, "none": {Leaving: true}} {
				f := twoMembers(role)
				g := groupSnapshot(group, together, "together", cycle{"s", 2}, []string{"a", "b"}, 0)
				g.SetUID("g")
				s := memberOf(g)
				if test.change != nil {
					test.change(f, g, s)
				}
				f.Snapshots[s.Name] = s
				freed := false
				for _, o := range MakePlan(f, c, noon).Update {
					freed = freed || o.GetName() == s.Name && len(o.GetFinalizers()) == 0
				}
				if freed != test.want {
					t.Errorf("in role %s it is freed: %v", role, freed)
				}
			}
		})
	}
}
