// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package replicationgroupsource computes ReplicationGroupSources from what agents report of VolumeReplicationGroups.
package replicationgroupsource

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

// compute returns one for each consistency group that an agent says it sends.
func compute(reports *base.Reports) []runtime.Object {
	var sources []runtime.Object
	for i := range reports.Groups {
		group := &reports.Groups[i]
		if group.Status.VolSync == nil {
			continue
		}
		for j := range group.Status.VolSync.Groups {
			if reported := group.Status.VolSync.Groups[j].DeepCopy(); reported.Source != nil {
				sources = append(sources, &dr.ReplicationGroupSource{
					ObjectMeta: base.ComputedMeta(group, reported.Name, plural, reported.Name),
					Spec:       spec(reports, group, reported),
					Status:     status(reports, group, reported.Source),
				})
			}
		}
	}
	return sources
}

func spec(reports *base.Reports, group *dr.VolumeReplicationGroup, reported *dr.VolSyncGroupStatus) dr.ReplicationGroupSourceSpec {
	s := dr.ReplicationGroupSourceSpec{
		ClusterName:                  group.Spec.ClusterName,
		VolumeReplicationGroup:       group.Name,
		Group:                        reported.Name,
		Peer:                         receiver(reports, group, reported),
		Members:                      reported.Members,
		VolumeGroupSnapshotClassName: reported.Source.VolumeGroupSnapshotClassName,
		Trigger:                      dr.ReplicationGroupTrigger{Manual: reported.Source.Manual},
	}
	if s.Trigger.Manual == "" && group.Spec.Async != nil {
		s.Trigger.SchedulingInterval = group.Spec.Async.SchedulingInterval
	}
	return s
}

// receiver is the cluster that is told to receive the stream that another sends; empty while none is.
func receiver(reports *base.Reports, from *dr.VolumeReplicationGroup, reported *dr.VolSyncGroupStatus) string {
	told := func(g dr.VolSyncGroup) bool { return g.Name == reported.Name && g.Stream == reported.Stream }
	for i := range reports.Groups {
		to := &reports.Groups[i]
		if to.Namespace == from.Namespace && to.Spec.VolSync != nil && slices.ContainsFunc(to.Spec.VolSync.Groups, told) {
			return to.Spec.ClusterName
		}
	}
	return ""
}

func status(reports *base.Reports, group *dr.VolumeReplicationGroup, reported *dr.VolSyncGroupSource) dr.ReplicationGroupSourceStatus {
	s := dr.ReplicationGroupSourceStatus{
		Step:       reported.Step,
		Current:    reported.Current,
		Sent:       reported.Sent,
		Result:     reported.Result,
		Message:    reported.Message,
		Freshness:  reports.Freshness(group),
		ObservedAt: group.Status.LastUpdateTime.DeepCopy(),
	}
	if len(reported.Completed) > 0 {
		s.Last = &reported.Completed[0]
		s.Behind = reports.Behind(s.Last.Time)
	}
	return s
}
