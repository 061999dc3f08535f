// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"cmp"
	"slices"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// volSync carries between the two clusters what VolSync needs: to the secondary which volumes the primary sends, to the
// primary where the secondary receives them. What an agent has not reported of its present role stays as it was carried last;
// a secondary is told nothing before it is known what the primary of the current epoch sends. A placement that has nothing
// to do with VolSync has groups that say nothing of it.
func (d *decider) volSync(cluster string, c command) *v1alpha1.VRGVolSyncSpec {
	existing := d.facts.Groups[cluster]
	var before *v1alpha1.VRGVolSyncSpec
	if existing != nil && existing.Spec.ReplicationState == c.role {
		before = existing.Spec.VolSync.DeepCopy()
	}
	primary := d.ownGroups()[d.status.PrimaryCluster]
	if c.role == v1alpha1.Secondary && (cluster == d.status.PrimaryCluster || !action.Confirms(primary, v1alpha1.PrimaryState, d.status.Epoch)) {
		return before
	}
	spec := &v1alpha1.VRGVolSyncSpec{}
	if copying := d.facts.Placement.Spec.VolSyncSpec; copying != nil {
		spec.VolSyncSpec = *copying.DeepCopy()
	}
	if c.role == v1alpha1.Primary {
		spec.Sources = d.sources(before)
	} else {
		spec.Destinations = destinations(primary)
	}
	told := existing != nil && existing.Spec.VolSync != nil || d.facts.Placement.Spec.VolSyncSpec != nil
	if !told && len(spec.Sources)+len(spec.Destinations) == 0 {
		return nil
	}
	return spec
}

// destinations are the volumes that the primary says VolSync replicates.
func destinations(primary *v1alpha1.VolumeReplicationGroup) []v1alpha1.VolSyncDestination {
	var destinations []v1alpha1.VolSyncDestination
	for i := range primary.Status.ProtectedPVCs {
		row := primary.Status.ProtectedPVCs[i].DeepCopy()
		if row.ReplicationMethod != v1alpha1.MethodVolSync || row.Capacity == nil {
			continue
		}
		destinations = append(destinations, v1alpha1.VolSyncDestination{
			Name: row.Name, Capacity: *row.Capacity, StorageClassName: row.StorageClassName,
			AccessModes: row.AccessModes, VolumeMode: row.VolumeMode,
		})
	}
	slices.SortFunc(destinations, func(a, b v1alpha1.VolSyncDestination) int { return cmp.Compare(a.Name, b.Name) })
	return destinations
}

// sources are where the peer says that it receives, in the current epoch.
func (d *decider) sources(before *v1alpha1.VRGVolSyncSpec) []v1alpha1.VolSyncSource {
	peer := d.ownGroups()[d.peer()]
	if peer == nil || peer.Status.Epoch != d.status.Epoch || peer.Spec.ReplicationState != v1alpha1.Secondary || peer.Status.VolSync == nil {
		if before == nil {
			return nil
		}
		return before.Sources
	}
	var sources []v1alpha1.VolSyncSource
	for _, r := range peer.Status.VolSync.Destinations {
		if r.Address != "" {
			sources = append(sources, v1alpha1.VolSyncSource{Name: r.Name, Address: r.Address})
		}
	}
	slices.SortFunc(sources, func(a, b v1alpha1.VolSyncSource) int { return cmp.Compare(a.Name, b.Name) })
	return sources
}
