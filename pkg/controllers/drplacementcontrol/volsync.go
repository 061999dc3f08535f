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
// primary where the secondary receives them. What an agent has not reported of its present role stays as it was carried last.
// A placement that has nothing to do with VolSync has groups that say nothing of it.
func (d *decider) volSync(cluster string, c command) *v1alpha1.VRGVolSyncSpec {
	spec := &v1alpha1.VRGVolSyncSpec{}
	if copying := d.facts.Placement.Spec.VolSyncSpec; copying != nil {
		spec.VolSyncSpec = *copying.DeepCopy()
	}
	before := v1alpha1.VRGVolSyncSpec{}
	existing := d.facts.Groups[cluster]
	known := existing != nil && existing.Spec.VolSync != nil
	if known && existing.Spec.ReplicationState == c.role {
		before = *existing.Spec.VolSync.DeepCopy()
	}
	if c.role == v1alpha1.Primary {
		spec.Sources = d.sources(before.Sources)
	} else {
		spec.Destinations = d.destinations(cluster, before.Destinations)
	}
	if !known && d.facts.Placement.Spec.VolSyncSpec == nil && len(spec.Sources)+len(spec.Destinations) == 0 {
		return nil
	}
	return spec
}

// destinations are the volumes that the primary of the current epoch says VolSync replicates.
func (d *decider) destinations(cluster string, before []v1alpha1.VolSyncDestination) []v1alpha1.VolSyncDestination {
	primary := d.ownGroups()[d.status.PrimaryCluster]
	if cluster == d.status.PrimaryCluster || !action.Confirms(primary, v1alpha1.PrimaryState, d.status.Epoch) {
		return before
	}
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
func (d *decider) sources(before []v1alpha1.VolSyncSource) []v1alpha1.VolSyncSource {
	peer := d.ownGroups()[d.peer()]
	if peer == nil || peer.Status.Epoch != d.status.Epoch || peer.Spec.ReplicationState != v1alpha1.Secondary || peer.Status.VolSync == nil {
		return before
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
