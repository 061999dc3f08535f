// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drpolicy

import (
	"fmt"
	"slices"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// pair finds the storage classes whose volumes the policy's two clusters can protect for each other, and by which method,
// and says of every other one why not.
func pair(f Facts) (pairs []v1alpha1.PeerClass, unpaired []v1alpha1.UnpairedClass) {
	names := f.Policy.Spec.DRClusters
	rules, why := rulesOf(f.Policy)
	for _, class := range sortedNames(f.Configs[names[0]], f.Configs[names[1]]) {
		if why != "" {
			unpaired = append(unpaired, v1alpha1.UnpairedClass{StorageClassName: class, Message: why})
			continue
		}
		p := pairing{rules: rules, name: class, sides: [2]side{
			newSide(names[0], f.Configs[names[0]], class), newSide(names[1], f.Configs[names[1]], class),
		}}
		peer, why := p.find()
		if why != "" {
			unpaired = append(unpaired, v1alpha1.UnpairedClass{StorageClassName: class, Message: why})
			continue
		}
		pairs = append(pairs, peer)
	}
	return pairs, unpaired
}

// pairing is one storage class on the two clusters of a policy.
type pairing struct {
	rules rules
	name  string
	sides [2]side
}

// find is the whole rule. Volumes on storage that both clusters reach are protected by it synchronously. Others are
// replicated by the storage if it can, or else by VolSync from snapshots, and as groups wherever that is possible and wanted.
func (p *pairing) find() (v1alpha1.PeerClass, string) {
	if why := p.comparable(); why != "" {
		return v1alpha1.PeerClass{}, why
	}
	peer := v1alpha1.PeerClass{
		StorageClassName: p.name,
		StorageID:        slices.Compact([]string{storageID(p.sides[0].class), storageID(p.sides[1].class)}),
		Clusters:         []string{p.sides[0].cluster, p.sides[1].cluster},
	}
	same := len(peer.StorageID) == 1
	switch {
	case same && p.rules.interval != "":
		return peer, fmt.Sprintf("Both clusters use the same storage (%s), so there is nothing to replicate at intervals; "+
			"a DRPolicy with an empty schedulingInterval protects it.", peer.StorageID[0])
	case same && p.provisionersDiffer() != "":
		return peer, p.provisionersDiffer()
	case same:
		peer.Method = v1alpha1.MethodShared
		return peer, ""
	}
	noReplication := p.byStorage(&peer)
	switch {
	case noReplication == "":
		return peer, ""
	case p.rules.interval == "":
		return peer, noReplication + p.atIntervals()
	}
	if noSnapshots := p.bySnapshots(&peer); noSnapshots != "" {
		return peer, noReplication + " " + noSnapshots
	}
	return peer, ""
}

// atIntervals says which policies would protect the class, if it takes an interval.
func (p *pairing) atIntervals() string {
	var peer v1alpha1.PeerClass
	for _, interval := range p.sides[0].intervals() {
		scheduled := *p
		scheduled.rules.interval = interval
		if scheduled.byStorage(&peer) == "" {
			return fmt.Sprintf(" Its storage replicates every %s; a DRPolicy with that schedulingInterval protects it.", interval)
		}
	}
	if p.bySnapshots(&peer) == "" {
		return " VolSync can copy its snapshots at intervals; a DRPolicy with a schedulingInterval protects it."
	}
	return ""
}

// comparable says why the two classes can't even be compared.
func (p *pairing) comparable() string {
	for _, s := range p.sides {
		switch {
		case s.class == nil:
			return fmt.Sprintf("%s has no StorageClass of that name.", s.cluster)
		case storageID(s.class) == "":
			return fmt.Sprintf("The StorageClass has no label %s on %s.", v1alpha1.LabelStorageID, s.cluster)
		case s.class.Offloaded:
			return fmt.Sprintf("The label %s on %s says that something else drives the replication of its volumes; protect them with that.",
				v1alpha1.LabelOffloaded, s.cluster)
		}
	}
	return ""
}

func (p *pairing) provisionersDiffer() string {
	a, b := p.sides[0], p.sides[1]
	if a.class.Provisioner == b.class.Provisioner {
		return ""
	}
	return fmt.Sprintf("The provisioner is %s on %s but %s on %s.", a.class.Provisioner, a.cluster, b.class.Provisioner, b.cluster)
}

// byStorage has the storage replicate the volumes, or says why it can't.
func (p *pairing) byStorage(peer *v1alpha1.PeerClass) string {
	if why := p.provisionersDiffer(); why != "" {
		return why
	}
	id, why := p.common("VolumeReplicationClass", v1alpha1.LabelReplicationID, func(s side) []string {
		return s.ids(s.config.VolumeReplicationClasses, p.rules.usable, replicationID)
	})
	if why != "" {
		return why
	}
	group, why := p.groupReplicationID(id)
	if why != "" {
		return why
	}
	peer.Method, peer.ReplicationID = v1alpha1.MethodVolumeReplication, id
	if group != "" {
		peer.Method, peer.GroupReplicationID, peer.Grouping = v1alpha1.MethodVolumeGroupReplication, group, true
	}
	return ""
}

// groupReplicationID is the ID that the storage replicates groups by; empty if it replicates volumes one by one.
func (p *pairing) groupReplicationID(replication string) (id, why string) {
	fits := func(class *v1alpha1.ClassInfo) bool {
		own := replicationID(class)
		return p.rules.usable(class) && (own == "" || own == replication)
	}
	for _, s := range p.sides {
		for i := range s.config.VolumeGroupReplicationClasses {
			if class := &s.config.VolumeGroupReplicationClasses[i]; s.fits(class) && fits(class) && class.Global {
				return "", fmt.Sprintf("The label %s of VolumeGroupReplicationClass %s on %s says that its storage moves volumes of several "+
					"applications together, and applications are moved one by one.", v1alpha1.LabelGlobal, class.Name, s.cluster)
			}
		}
	}
	if !p.rules.grouping {
		return "", ""
	}
	id, _ = p.common("VolumeGroupReplicationClass", v1alpha1.LabelGroupReplicationID, func(s side) []string {
		return s.ids(s.config.VolumeGroupReplicationClasses, fits, groupReplicationID)
	})
	return id, ""
}

// common is the first ID that both sides have, or why there is none.
func (p *pairing) common(kind, label string, ids func(side) []string) (id, why string) {
	var found [2][]string
	for i, s := range p.sides {
		if found[i] = ids(s); len(found[i]) == 0 {
			return "", fmt.Sprintf("%s has no %s with provisioner %s, %s, a label %s, no other label %s than its StorageClass and "+
				"labels that the policy's replicationClassSelector matches.",
				s.cluster, kind, s.class.Provisioner, p.rules.says(), label, v1alpha1.LabelStorageID)
		}
	}
	for _, id := range found[0] {
		if slices.Contains(found[1], id) {
			return id, ""
		}
	}
	return "", fmt.Sprintf("The %ses of %s (label %s: %v) and %s (%v) have no replication ID in common.",
		kind, p.sides[0].cluster, label, found[0], p.sides[1].cluster, found[1])
}

// bySnapshots has VolSync copy snapshots of the volumes, or says why it can't: of all at one point in time where the storage
// of both clusters takes such.
func (p *pairing) bySnapshots(peer *v1alpha1.PeerClass) string {
	grouping := p.rules.grouping
	for _, s := range p.sides {
		if !s.has(s.config.VolumeSnapshotClasses, p.rules.snapshots) {
			return fmt.Sprintf("Nor can VolSync copy its snapshots: %s has no VolumeSnapshotClass with driver %s, no other label %s than its "+
				"StorageClass and labels that the policy's volumeSnapshotClassSelector matches.", s.cluster, s.class.Provisioner, v1alpha1.LabelStorageID)
		}
		grouping = grouping && s.has(s.config.VolumeGroupSnapshotClasses, p.rules.groupSnapshots)
	}
	peer.Method = v1alpha1.MethodVolSync
	if grouping {
		peer.Method, peer.Grouping = v1alpha1.MethodVolSyncGroup, true
	}
	return ""
}
