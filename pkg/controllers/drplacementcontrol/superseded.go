// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// superseded are the volumes of a former primary that the application no longer has. Storage may keep the copy of a volume
// that was deleted where it is primary, and never call it in sync again: its cluster can't tell why, and is told. What it
// was told last stays while it can't be known what the application has. What the former primary has may be long known: it is
// told by handle, and where it returns it is better told before it gives anything up.
func (d *decider) superseded(cluster string, c command) []v1alpha1.SupersededVolume {
	existing := d.facts.Groups[cluster]
	if c.role != v1alpha1.Secondary || c.action == "" || existing == nil {
		return nil
	}
	var before []v1alpha1.SupersededVolume
	if existing.Spec.ReplicationState == v1alpha1.Secondary {
		before = existing.Spec.Superseded
	}
	primary := d.ownGroups()[d.status.PrimaryCluster]
	if action.Running(d.placement()) || primary == existing || !d.facts.Clusters[d.status.PrimaryCluster].Connected ||
		!settledPrimary(primary, d.status.Epoch) {
		return d.leaving(existing, before)
	}
	return lacking(primary.Status.ProtectedPVCs, existing.Status.ProtectedPVCs, before)
}

// leaving adds what a failover goes on without to what its source is told. It may be the source that has the last good copy of it,
// which it would give up for one that nobody promotes. A consistency group keeps its members while it changes its role.
func (d *decider) leaving(source *v1alpha1.VolumeReplicationGroup, told []v1alpha1.SupersededVolume) []v1alpha1.SupersededVolume {
	record := d.record()
	if record == nil || !action.Running(d.placement()) || record.Status.Abort != nil || record.Spec.SourceCluster != source.Spec.ClusterName {
		return told
	}
	rows := slices.DeleteFunc(slices.Clone(source.Status.ProtectedPVCs), func(row v1alpha1.ProtectedPVC) bool {
		return row.ReplicationMethod != v1alpha1.MethodVolumeReplication || !slices.Contains(record.Spec.LeaveBehind, row.Name) ||
			slices.ContainsFunc(told, func(s v1alpha1.SupersededVolume) bool { return s.Name == row.Name })
	})
	all := slices.Concat(told, lacking(nil, rows, nil))
	slices.SortFunc(all, byName)
	return all
}

// settledPrimary tells whether a group says of itself that it is primary, with all that was to be restored in place. One that lists
// no claim at all may have yet to find them.
func settledPrimary(group *v1alpha1.VolumeReplicationGroup, epoch int64) bool {
	return action.Confirms(group, v1alpha1.PrimaryState, epoch) && len(group.Status.ProtectedPVCs) > 0 &&
		isTrue(group, v1alpha1.ConditionClusterDataReady) && isTrue(group, v1alpha1.ConditionKubeObjectsReady)
}

// lacking are those of a former primary's volumes, replicated by their storage, that the primary does not have, or has others
// instead of, sorted by name. One that was told of before is, also if nothing could replicate it any more. One that the primary
// has by any name is not; but if it was told of, its replication may have ended, and it is told that the new volume is that one.
// What was told stays told while a claim of the name has no volume yet: nothing may be given up for one that may be another.
func lacking(primary, former []v1alpha1.ProtectedPVC, before []v1alpha1.SupersededVolume) []v1alpha1.SupersededVolume {
	var lacking []v1alpha1.SupersededVolume
	for i := range former {
		row := &former[i]
		told := slices.IndexFunc(before, func(s v1alpha1.SupersededVolume) bool {
			return s.Name == row.Name && s.VolumeHandle == row.VolumeHandle
		})
		if row.VolumeHandle == "" || told < 0 && !row.ReplicationMethod.ByStorage() {
			continue
		}
		superseded := v1alpha1.SupersededVolume{Name: row.Name, VolumeHandle: row.VolumeHandle}
		has := slices.ContainsFunc(primary, func(p v1alpha1.ProtectedPVC) bool { return p.VolumeHandle == row.VolumeHandle })
		named := slices.IndexFunc(primary, func(p v1alpha1.ProtectedPVC) bool { return sameClaim(&p, row) })
		switch unknown := named >= 0 && primary[named].VolumeHandle == ""; {
		case (has || unknown) && told < 0:
			continue
		case has:
			superseded.NewVolumeHandle = row.VolumeHandle
		case unknown:
			superseded = before[told]
		case named >= 0:
			superseded.NewVolumeHandle = primary[named].VolumeHandle
		}
		lacking = append(lacking, superseded)
	}
	slices.SortFunc(lacking, byName)
	return lacking
}

func byName(a, b v1alpha1.SupersededVolume) int { return cmp.Compare(a.Name, b.Name) }

func sameClaim(a, b *v1alpha1.ProtectedPVC) bool {
	return a.Namespace == b.Namespace && a.Name == b.Name
}

// maxNamed is how many volumes a message names.
const maxNamed = 5

// namedSuperseded says which volumes of a secondary are superseded, for a person may want them, or be rid of them; empty if none is.
func namedSuperseded(group *v1alpha1.VolumeReplicationGroup) string {
	var texts []string
	for i := range group.Status.ProtectedPVCs {
		ready := meta.FindStatusCondition(group.Status.ProtectedPVCs[i].Conditions, v1alpha1.ConditionDataReady)
		if ready != nil && ready.Reason == v1alpha1.ReasonSuperseded {
			texts = append(texts, " "+strings.TrimSuffix(ready.Message, ".")+".")
		}
	}
	more := ""
	if len(texts) > maxNamed {
		texts, more = texts[:maxNamed], fmt.Sprintf(" So are %d more.", len(texts)-maxNamed)
	}
	return strings.Join(texts, "") + more
}
