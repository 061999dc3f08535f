// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumereplicationgroup

import (
	"time"

	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

type column = base.Column[*dr.VolumeReplicationGroup]

func newTable() rest.TableConvertor {
	condition := func(conditionType string) func(*dr.VolumeReplicationGroup, time.Time) any {
		return func(g *dr.VolumeReplicationGroup, _ time.Time) any {
			return base.ConditionStatus(g.Status.Conditions, conditionType)
		}
	}
	return base.NewTableConvertor(
		column{Name: "Cluster", Description: "The cluster whose agent acts on the group.",
			Cell: func(g *dr.VolumeReplicationGroup, _ time.Time) any { return base.OrNone(g.Spec.ClusterName) }},
		column{Name: "Wanted", Description: "The role the cluster shall have.",
			Cell: func(g *dr.VolumeReplicationGroup, _ time.Time) any { return string(g.Spec.ReplicationState) }},
		column{Name: "State", Description: "The role the agent confirms.",
			Cell: func(g *dr.VolumeReplicationGroup, _ time.Time) any { return base.OrNone(g.Status.State) }},
		column{Name: "Ready", Description: "True while the volumes are usable in the group's role.", Cell: condition(dr.ConditionDataReady)},
		column{Name: "Protected", Description: "True while the volumes are replicated.", Cell: condition(dr.ConditionDataProtected)},
		column{Name: "Volumes", Type: "integer", Description: "Number of volumes.",
			Cell: func(g *dr.VolumeReplicationGroup, _ time.Time) any { return len(g.Status.ProtectedPVCs) }},
		column{Name: "Behind", Description: "Time since the point to which all volumes are replicated.",
			Cell: func(g *dr.VolumeReplicationGroup, now time.Time) any {
				return base.ElapsedSince(g.Status.LastGroupSyncTime, now)
			}},
		column{Name: "Epoch", Type: "integer", Wide: true, Description: "The epoch of the command.",
			Cell: func(g *dr.VolumeReplicationGroup, _ time.Time) any { return g.Spec.Epoch }},
		column{Name: "Action", Wide: true, Description: "What brought the role about.",
			Cell: func(g *dr.VolumeReplicationGroup, _ time.Time) any { return base.OrNone(g.Spec.Action) }},
		column{Name: "Captured", Wide: true, Description: "True while the last capture is in every object store.",
			Cell: condition(dr.ConditionClusterDataProtected)},
		column{Name: "Reported", Wide: true, Description: "Time since the agent's last report.",
			Cell: func(g *dr.VolumeReplicationGroup, now time.Time) any {
				return base.ElapsedSince(g.Status.LastUpdateTime, now)
			}},
	)
}
