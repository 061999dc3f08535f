// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replicationgroupdestination

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

type column = base.Column[*dr.ReplicationGroupDestination]

func newTable() rest.TableConvertor {
	return base.NewTableConvertor(
		column{Name: "Cluster", Description: "The cluster that receives.",
			Cell: func(d *dr.ReplicationGroupDestination, _ time.Time) any { return d.Spec.ClusterName }},
		column{Name: "Peer", Description: "The cluster that sends.",
			Cell: func(d *dr.ReplicationGroupDestination, _ time.Time) any { return base.OrNone(d.Spec.Peer) }},
		column{Name: "Members", Type: "integer", Description: "How many volumes are received as one.",
			Cell: func(d *dr.ReplicationGroupDestination, _ time.Time) any { return int64(len(d.Spec.Members)) }},
		column{Name: "Step", Description: "What is going on.",
			Cell: func(d *dr.ReplicationGroupDestination, _ time.Time) any { return base.OrNone(d.Status.Step) }},
		column{Name: "Arrived", Description: "How many members have arrived of the cycle that is received or awaited.",
			Cell: func(d *dr.ReplicationGroupDestination, _ time.Time) any { return arrived(d) }},
		column{Name: "Last Sync", Description: "Time since the snapshot that what would be promoted is of.",
			Cell: func(d *dr.ReplicationGroupDestination, now time.Time) any {
				return base.ElapsedSince(d.Status.LastSyncTime, now)
			}},
		column{Name: "Report", Description: "Fresh while the reporting agent is connected.",
			Cell: func(d *dr.ReplicationGroupDestination, _ time.Time) any { return string(d.Status.Freshness) }},
		column{Name: "Cycle", Wide: true, Description: "The cycle that is received or awaited.",
			Cell: func(d *dr.ReplicationGroupDestination, _ time.Time) any { return base.OrNone(d.Status.Current) }},
		column{Name: "Committed", Wide: true, Description: "The last cycle of which all members have arrived.",
			Cell: func(d *dr.ReplicationGroupDestination, _ time.Time) any { return committed(d) }},
		column{Name: "PVCs", Wide: true, Description: "The members.",
			Cell: func(d *dr.ReplicationGroupDestination, _ time.Time) any {
				return base.OrNone(strings.Join(d.Spec.Members, ","))
			}},
		column{Name: "Observed", Wide: true, Description: "Time since the agent reported it.",
			Cell: func(d *dr.ReplicationGroupDestination, now time.Time) any {
				return base.ElapsedSince(d.Status.ObservedAt, now)
			}},
		column{Name: "Message", Wide: true, Description: "What is wrong or awaited.",
			Cell: func(d *dr.ReplicationGroupDestination, _ time.Time) any { return base.OrNone(d.Status.Message) }},
	)
}

func arrived(d *dr.ReplicationGroupDestination) string {
	if d.Status.Current == "" {
		return base.None
	}
	return fmt.Sprintf("%d/%d", len(d.Status.Arrived), len(d.Spec.Members))
}

func committed(d *dr.ReplicationGroupDestination) string {
	if d.Status.Committed == nil {
		return base.None
	}
	return d.Status.Committed.Cycle
}
