// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replicationgroupsource

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

type column = base.Column[*dr.ReplicationGroupSource]

func newTable() rest.TableConvertor {
	return base.NewTableConvertor(
		column{Name: "Cluster", Description: "The cluster that sends.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any { return s.Spec.ClusterName }},
		column{Name: "Peer", Description: "The cluster that receives.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any { return base.OrNone(s.Spec.Peer) }},
		column{Name: "Members", Type: "integer", Description: "How many volumes are sent as one.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any { return int64(len(s.Spec.Members)) }},
		column{Name: "Step", Description: "What is going on.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any { return base.OrNone(s.Status.Step) }},
		column{Name: "Sent", Description: "How many members were sent in the cycle under way.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any { return sent(s) }},
		column{Name: "Result", Description: "Failed while something of the cycle under way has failed.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any { return base.OrNone(s.Status.Result) }},
		column{Name: "Behind", Description: "Time since the snapshot of the last cycle in which all members were sent.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any { return base.HumanDuration(s.Status.Behind) }},
		column{Name: "Report", Description: "Fresh while the reporting agent is connected.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any { return string(s.Status.Freshness) }},
		column{Name: "Trigger", Wide: true, Description: "The interval of cycles, or the final sync that is asked for.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any {
				return base.OrNone(cmp.Or(s.Spec.Trigger.Manual, s.Spec.Trigger.SchedulingInterval))
			}},
		column{Name: "Cycle", Wide: true, Description: "The cycle under way.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any { return id(s.Status.Current) }},
		column{Name: "Last Cycle", Wide: true, Description: "The last cycle in which all members were sent.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any { return id(s.Status.Last) }},
		column{Name: "Took", Wide: true, Description: "How long the last cycle took.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any { return base.Took(last(s).Duration) }},
		column{Name: "Bytes", Wide: true, Description: "How much was sent in the last cycle.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any { return base.Bytes(last(s).Bytes) }},
		column{Name: "Class", Wide: true, Description: "The VolumeGroupSnapshotClass.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any {
				return base.OrNone(s.Spec.VolumeGroupSnapshotClassName)
			}},
		column{Name: "PVCs", Wide: true, Description: "The members.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any {
				return base.OrNone(strings.Join(s.Spec.Members, ","))
			}},
		column{Name: "Observed", Wide: true, Description: "Time since the agent reported it.",
			Cell: func(s *dr.ReplicationGroupSource, now time.Time) any {
				return base.ElapsedSince(s.Status.ObservedAt, now)
			}},
		column{Name: "Message", Wide: true, Description: "What is wrong or awaited.",
			Cell: func(s *dr.ReplicationGroupSource, _ time.Time) any { return base.OrNone(s.Status.Message) }},
	)
}

func sent(s *dr.ReplicationGroupSource) string {
	if s.Status.Current == nil {
		return base.None
	}
	return fmt.Sprintf("%d/%d", len(s.Status.Sent), len(s.Spec.Members))
}

func id(c *dr.VolSyncCycle) string {
	if c == nil {
		return base.None
	}
	return c.ID
}

func last(s *dr.ReplicationGroupSource) dr.VolSyncCycle {
	if s.Status.Last == nil {
		return dr.VolSyncCycle{}
	}
	return *s.Status.Last
}
