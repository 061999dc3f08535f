// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"time"

	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

type column = base.Column[*dr.DRPlacementControl]

func newTable() rest.TableConvertor {
	return base.NewTableConvertor(
		column{Name: "Phase", Description: "State of the application in one word.",
			Cell: func(p *dr.DRPlacementControl, _ time.Time) any { return base.OrNone(p.Status.Phase) }},
		column{Name: "Runs On", Description: "The cluster that may write in this epoch.",
			Cell: func(p *dr.DRPlacementControl, _ time.Time) any { return base.OrNone(p.Status.PrimaryCluster) }},
		column{Name: "Recovers On", Description: "The cluster a failover would go to.",
			Cell: func(p *dr.DRPlacementControl, _ time.Time) any { return base.OrNone(recoversOn(p)) }},
		column{Name: "Protected", Description: "True while everything of the application is saved off the cluster it runs on.",
			Cell: func(p *dr.DRPlacementControl, _ time.Time) any {
				return base.ConditionStatus(p.Status.Conditions, dr.ConditionProtected)
			}},
		column{Name: "Behind", Description: "Time since the point to which all volumes are replicated.",
			Cell: func(p *dr.DRPlacementControl, now time.Time) any {
				return base.ElapsedSince(p.Status.LastGroupSyncTime, now)
			}},
		column{Name: "Policy", Wide: true, Description: "The DRPolicy.",
			Cell: func(p *dr.DRPlacementControl, _ time.Time) any { return p.Spec.DRPolicyRef.Name }},
		column{Name: "Epoch", Type: "integer", Wide: true, Description: "How often the primary cluster was determined.",
			Cell: func(p *dr.DRPlacementControl, _ time.Time) any { return p.Status.Epoch }},
		column{Name: "Available", Wide: true, Description: "True while the application is in place on the cluster it runs on.",
			Cell: func(p *dr.DRPlacementControl, _ time.Time) any {
				return base.ConditionStatus(p.Status.Conditions, dr.ConditionAvailable)
			}},
		column{Name: "Peer Ready", Wide: true, Description: "True while the other cluster is ready to take over.",
			Cell: func(p *dr.DRPlacementControl, _ time.Time) any {
				return base.ConditionStatus(p.Status.Conditions, dr.ConditionPeerReady)
			}},
		column{Name: "Action", Wide: true, Description: "The action under way, or the last one.",
			Cell: func(p *dr.DRPlacementControl, _ time.Time) any {
				if p.Status.CurrentAction == nil {
					return base.None
				}
				return p.Status.CurrentAction.Name
			}},
	)
}

// recoversOn is the cluster that the application does not run on, as far as the object tells.
func recoversOn(p *dr.DRPlacementControl) string {
	primary := p.Status.PrimaryCluster
	for _, cluster := range []string{p.Spec.FailoverCluster, p.Spec.PreferredCluster} {
		if cluster != "" && primary != "" && cluster != primary {
			return cluster
		}
	}
	for _, view := range p.Status.Clusters {
		if primary != "" && view.Name != primary {
			return view.Name
		}
	}
	return p.Spec.FailoverCluster
}
