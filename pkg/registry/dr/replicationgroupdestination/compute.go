// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package replicationgroupdestination computes ReplicationGroupDestinations from what agents are told and report in
// VolumeReplicationGroups.
package replicationgroupdestination

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

const notReported = "the agent has not reported of this group yet"

// compute returns one for each consistency group that an agent is told to receive.
func compute(reports *base.Reports) []runtime.Object {
	var destinations []runtime.Object
	for i := range reports.Groups {
		group := &reports.Groups[i]
		if group.Spec.VolSync == nil || group.Spec.ReplicationState != dr.Secondary {
			continue
		}
		for j := range group.Spec.VolSync.Groups {
			told := group.Spec.VolSync.Groups[j].DeepCopy()
			if _, alone := v1alpha1.SentByItself(told.Name); alone {
				continue
			}
			destinations = append(destinations, &dr.ReplicationGroupDestination{
				ObjectMeta: base.ComputedMeta(group, told.Name, plural, told.Name),
				Spec: dr.ReplicationGroupDestinationSpec{
					ClusterName:            group.Spec.ClusterName,
					VolumeReplicationGroup: group.Name,
					Group:                  told.Name,
					Peer:                   sender(reports, group, told),
					Members:                told.Members,
				},
				Status: status(reports, group, told.Name),
			})
		}
	}
	return destinations
}

func status(reports *base.Reports, group *dr.VolumeReplicationGroup, name string) dr.ReplicationGroupDestinationStatus {
	s := dr.ReplicationGroupDestinationStatus{
		Message: notReported, Freshness: reports.Freshness(group), ObservedAt: group.Status.LastUpdateTime.DeepCopy(),
	}
	reported := reportOf(group, name)
	if reported == nil || reported.Destination == nil {
		return s
	}
	d := reported.Destination.DeepCopy()
	s.Step, s.Current, s.Arrived, s.Committed, s.Message = d.Step, d.Current, d.Arrived, d.Committed, d.Message
	if s.Committed != nil {
		s.LastSyncTime = takenAt(reports, group.Namespace, name, s.Committed.Cycle)
	}
	return s
}

func reportOf(group *dr.VolumeReplicationGroup, name string) *dr.VolSyncGroupStatus {
	if group.Status.VolSync == nil {
		return nil
	}
	groups := group.Status.VolSync.Groups
	if i := slices.IndexFunc(groups, func(g dr.VolSyncGroupStatus) bool { return g.Name == name }); i >= 0 {
		return &groups[i]
	}
	return nil
}

// sender is the cluster that sends the stream that another is told to receive; empty while none says so.
func sender(reports *base.Reports, to *dr.VolumeReplicationGroup, told *dr.VolSyncGroup) string {
	for i := range reports.Groups {
		from := &reports.Groups[i]
		reported := reportOf(from, told.Name)
		if from.Namespace == to.Namespace && reported != nil && reported.Source != nil && reported.Stream == told.Stream {
			return from.Spec.ClusterName
		}
	}
	return ""
}

// takenAt is when the snapshot of a cycle was taken, which only the cluster knows that took it.
func takenAt(reports *base.Reports, namespace, name, cycle string) *metav1.Time {
	for i := range reports.Groups {
		reported := reportOf(&reports.Groups[i], name)
		if reports.Groups[i].Namespace != namespace || reported == nil || reported.Source == nil {
			continue
		}
		cycles := slices.Clone(reported.Source.Completed)
		if reported.Source.Current != nil {
			cycles = append(cycles, *reported.Source.Current)
		}
		for _, c := range cycles {
			if c.ID == cycle {
				return c.Time.DeepCopy()
			}
		}
	}
	return nil
}
