// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"slices"
	"strings"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
)

// finalizerInGroup keeps a VolumeSnapshot for as long as the VolumeGroupSnapshot that it is a member of.
const finalizerInGroup = "snapshot.storage.kubernetes.io/volumesnapshot-in-group-protection"

// freeMembers lets members of our groups' snapshots go that the snapshot controller has forgotten: whose group was deleted before
// their status named it. It takes its other finalizers off those, looks at them no more, and, as they never become ready, keeps the
// claims that they are of, which then can't be replaced.
func (p *planner) freeMembers() {
	for _, s := range p.Snapshots {
		if p.stranded(s) {
			freed := s.DeepCopy()
			freed.Finalizers = nil
			p.out.Update = append(p.out.Update, freed)
		}
	}
}

func (p *planner) stranded(s *snapshotv1.VolumeSnapshot) bool {
	if s.DeletionTimestamp.IsZero() || !slices.Equal(s.Finalizers, []string{finalizerInGroup}) {
		return false
	}
	for _, owner := range s.OwnerReferences {
		if owner.Kind == "VolumeGroupSnapshot" {
			stays := func(g *GroupSnapshot) bool { return g.GetUID() == owner.UID && g.GetDeletionTimestamp() == nil }
			ofOurs := func(c Claim) bool { return c.Group != "" && strings.HasPrefix(owner.Name, c.Group+"-") }
			return slices.ContainsFunc(p.Claims, ofOurs) && !slices.ContainsFunc(p.GroupSnapshots, stays)
		}
	}
	return false
}
