// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// replicate has a group's volumes replicated as the policy says.
func (d *decider) replicate(spec *v1alpha1.VolumeReplicationGroupSpec, policy *v1alpha1.DRPolicy) {
	if policy.Spec.SchedulingInterval == "" {
		spec.Async, spec.Sync = nil, nil
		if peers := d.peerClasses(policy.Status.Sync); len(peers) > 0 {
			spec.Sync = &v1alpha1.VRGSyncSpec{PeerClasses: peers}
		}
		return
	}
	spec.Sync = nil
	spec.Async = &v1alpha1.VRGAsyncSpec{
		SchedulingInterval:               policy.Spec.SchedulingInterval,
		ReplicationClassSelector:         policy.Spec.ReplicationClassSelector,
		VolumeSnapshotClassSelector:      policy.Spec.VolumeSnapshotClassSelector,
		VolumeGroupSnapshotClassSelector: policy.Spec.VolumeGroupSnapshotClassSelector,
		PeerClasses:                      d.peerClasses(policy.Status.Async),
	}
}

// peerClasses are those that the policy found, but for storage classes whose volumes are protected already: these keep the
// method they got, and as members of a group the group too, whatever becomes of the classes on the clusters.
func (d *decider) peerClasses(found *v1alpha1.PeerClasses) []v1alpha1.PeerClass {
	byName := map[string]v1alpha1.PeerClass{}
	if found != nil {
		for _, peer := range found.PeerClasses {
			byName[peer.StorageClassName] = peer
		}
	}
	for name, got := range d.inUse() {
		if now, ok := byName[name]; !ok || got.Grouping || methodOf(now) != methodOf(got) {
			byName[name] = got
		}
	}
	var peers []v1alpha1.PeerClass
	for _, peer := range byName {
		peers = append(peers, *peer.DeepCopy())
	}
	slices.SortFunc(peers, func(a, b v1alpha1.PeerClass) int { return cmp.Compare(a.StorageClassName, b.StorageClassName) })
	return peers
}

// inUse are the peer classes that volumes of the placement are protected by, as their group was told; the primary's word
// counts before the others'.
func (d *decider) inUse() map[string]v1alpha1.PeerClass {
	used := map[string]v1alpha1.PeerClass{}
	clusters := d.clusters()
	slices.SortStableFunc(clusters, func(a, b string) int { return d.rank(a) - d.rank(b) })
	groups := d.ownGroups()
	for _, cluster := range clusters {
		group := groups[cluster]
		if group == nil {
			continue
		}
		for _, peer := range action.PeersTold(group) {
			if _, known := used[peer.StorageClassName]; !known && protects(group, peer) {
				used[peer.StorageClassName] = peer
			}
		}
	}
	return used
}

// protects tells whether a group reports a volume that is protected by the peer class.
func protects(group *v1alpha1.VolumeReplicationGroup, peer v1alpha1.PeerClass) bool {
	return slices.ContainsFunc(group.Status.ProtectedPVCs, func(p v1alpha1.ProtectedPVC) bool {
		return p.StorageClassName == peer.StorageClassName && p.ReplicationMethod == methodOf(peer)
	})
}

func methodOf(peer v1alpha1.PeerClass) v1alpha1.ReplicationMethod {
	return cmp.Or(peer.Method, v1alpha1.MethodVolumeReplication)
}

// unpaired is why the policy has no peer for the storage classes of volumes that nothing replicates; empty if it says nothing
// of them.
func unpaired(group *v1alpha1.VolumeReplicationGroup, policy *v1alpha1.DRPolicy) string {
	text := ""
	if policy == nil {
		return text
	}
	for _, class := range policy.Status.Unpaired {
		if slices.ContainsFunc(group.Status.ProtectedPVCs, func(p v1alpha1.ProtectedPVC) bool {
			return p.StorageClassName == class.StorageClassName && p.ReplicationMethod == ""
		}) {
			text += fmt.Sprintf(". StorageClass %s: %s", class.StorageClassName, strings.TrimSuffix(class.Message, "."))
		}
	}
	return text
}
