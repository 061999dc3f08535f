// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drcluster

import (
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

type column = base.Column[*dr.DRCluster]

func newTable(heartbeats Heartbeats) rest.TableConvertor {
	return base.NewTableConvertor(
		column{Name: "Connected", Description: "True while the cluster's agent holds its Lease.",
			Cell: func(c *dr.DRCluster, _ time.Time) any {
				return base.ConditionStatus(c.Status.Conditions, dr.ConditionConnected)
			}},
		column{Name: "Heartbeat", Description: "Time since the agent last renewed its Lease.",
			Cell: func(c *dr.DRCluster, now time.Time) any {
				if age := heartbeatAge(c.Name, heartbeats, now); age != nil {
					return duration.HumanDuration(age.Duration)
				}
				return base.None
			}},
		column{Name: "Validated", Description: "True while the cluster's object store can be used.",
			Cell: func(c *dr.DRCluster, _ time.Time) any {
				return base.ConditionStatus(c.Status.Conditions, dr.ConditionValidated)
			}},
		column{Name: "Fence", Description: "Available, Fencing, Fenced or Unfencing; <none> if the cluster never was fenced.",
			Cell: func(c *dr.DRCluster, _ time.Time) any { return base.OrNone(c.Status.Phase) }},
		column{Name: "Region", Description: "Where the cluster is.",
			Cell: func(c *dr.DRCluster, _ time.Time) any { return base.OrNone(c.Spec.Region) }},
		column{Name: "S3 Profile", Wide: true, Description: "The object store that applications running here are recovered from.",
			Cell: func(c *dr.DRCluster, _ time.Time) any { return c.Spec.S3ProfileName }},
	)
}
