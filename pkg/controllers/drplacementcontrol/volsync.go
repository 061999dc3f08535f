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
		return d.handedOver(cluster, primary, before)
	}
	spec := &v1alpha1.VRGVolSyncSpec{}
	if copying := d.facts.Placement.Spec.VolSyncSpec; copying != nil {
		spec.VolSyncSpec = *copying.DeepCopy()
	}
	if c.role == v1alpha1.Primary {
		spec.Sources, spec.Arrived = d.sources(before), d.arrived()
	} else {
		spec.Destinations, spec.Groups = untilCaptured(primary, existing, before), sentGroups(primary)
	}
	told := existing != nil && existing.Spec.VolSync != nil || d.facts.Placement.Spec.VolSyncSpec != nil
	if !told && len(spec.Sources)+len(spec.Destinations) == 0 {
		return nil
	}
	return spec
}

// untilCaptured are the volumes that the primary says VolSync replicates, and those that left it and may still be in its last capture:
// who restores that needs what it has received of them, and would else take what a claim of the name happens to hold.
func untilCaptured(primary, peer *v1alpha1.VolumeReplicationGroup, before *v1alpha1.VRGVolSyncSpec) []v1alpha1.VolSyncDestination {
	now := destinations(primary)
	if before == nil || isTrue(primary, v1alpha1.ConditionClusterDataProtected) {
		return now
	}
	for _, d := range before.Destinations {
		sent := slices.ContainsFunc(now, func(n v1alpha1.VolSyncDestination) bool { return n.Name == d.Name })
		received := peer.Status.VolSync != nil && slices.ContainsFunc(peer.Status.VolSync.Destinations,
			func(r v1alpha1.VolSyncDestinationStatus) bool { return r.Name == d.Name && r.LatestImage != "" })
		if !sent && received {
			now = append(now, d)
		}
	}
	slices.SortFunc(now, func(a, b v1alpha1.VolSyncDestination) int { return cmp.Compare(a.Name, b.Name) })
	return now
}

// destinations are the volumes that the primary says VolSync replicates.
func destinations(primary *v1alpha1.VolumeReplicationGroup) []v1alpha1.VolSyncDestination {
	var destinations []v1alpha1.VolSyncDestination
	for i := range primary.Status.ProtectedPVCs {
		row := primary.Status.ProtectedPVCs[i].DeepCopy()
		grouped := row.ReplicationMethod.Grouped()
		if !row.ReplicationMethod.ByVolSync() || row.Capacity == nil || grouped && row.ConsistencyGroup == "" {
			continue
		}
		destinations = append(destinations, v1alpha1.VolSyncDestination{
			Name: row.Name, Capacity: *row.Capacity, StorageClassName: row.StorageClassName,
			AccessModes: row.AccessModes, VolumeMode: row.VolumeMode,
		})
		if grouped {
			destinations[len(destinations)-1].Group = row.ConsistencyGroup
		}
	}
	slices.SortFunc(destinations, func(a, b v1alpha1.VolSyncDestination) int { return cmp.Compare(a.Name, b.Name) })
	return destinations
}

// sentGroups are what the primary says it sends as one. What has no stream is yet to be.
func sentGroups(primary *v1alpha1.VolumeReplicationGroup) []v1alpha1.VolSyncGroup {
	if primary.Status.VolSync == nil {
		return nil
	}
	var groups []v1alpha1.VolSyncGroup
	for _, g := range primary.Status.VolSync.Groups {
		if g.Stream != "" {
			groups = append(groups, v1alpha1.VolSyncGroup{Name: g.Name, Stream: g.Stream, Members: slices.Clone(g.Members)})
		}
	}
	return groups
}

// handedOver is what a cluster goes on with while the primary hands over: what it was told, but for the streams, of which the
// primary may have begun others for the final sync, and for volumes that have grown, which the final sync may not fit into otherwise.
func (d *decider) handedOver(cluster string, primary *v1alpha1.VolumeReplicationGroup, before *v1alpha1.VRGVolSyncSpec) *v1alpha1.VRGVolSyncSpec {
	if primary == nil || primary.Status.Epoch != d.status.Epoch {
		return before
	}
	if cluster == d.status.PrimaryCluster {
		return d.handingOver(primary, before)
	}
	if before == nil {
		return nil
	}
	if groups := sentGroups(primary); len(groups) > 0 {
		before.Groups = groups
	}
	for _, sent := range destinations(primary) {
		i := slices.IndexFunc(before.Destinations, func(to v1alpha1.VolSyncDestination) bool { return to.Name == sent.Name })
		if i >= 0 && before.Destinations[i].Capacity.Cmp(sent.Capacity) < 0 {
			before.Destinations[i].Capacity = sent.Capacity
		}
	}
	return before
}

// handingOver is what a primary that hands over is told: how much has arrived, where it can't know, until it has come to rest.
func (d *decider) handingOver(primary *v1alpha1.VolumeReplicationGroup, before *v1alpha1.VRGVolSyncSpec) *v1alpha1.VRGVolSyncSpec {
	if before != nil && len(before.Arrived) == 0 {
		return before
	}
	if arrived := d.arrived(); len(arrived) > 0 && primary.Status.State != v1alpha1.SecondaryState {
		return &v1alpha1.VRGVolSyncSpec{Arrived: arrived}
	}
	return nil
}

// arrived is how far the peer says it is with what the primary sends. The primary is told where it asks, and only what it does not
// know: anything else would be written to its group with each sync.
func (d *decider) arrived() []v1alpha1.VolSyncGroup {
	primary, peer := d.ownGroups()[d.status.PrimaryCluster], d.ownGroups()[d.peer()]
	if primary == nil || primary.Status.VolSync == nil || !d.facts.Clusters[d.peer()].Connected {
		return nil
	}
	var arrived []v1alpha1.VolSyncGroup
	for _, sent := range primary.Status.VolSync.Groups {
		received := action.SentAsOne(peer, sent.Name)
		if !sent.Asking || received.Stream == "" || received.Stream != sent.Stream || received.Cycle == sent.Cycle {
			continue
		}
		arrived = append(arrived, v1alpha1.VolSyncGroup{Name: sent.Name, Stream: sent.Stream, Cycle: received.Cycle})
	}
	return arrived
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
