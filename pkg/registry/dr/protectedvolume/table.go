// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package protectedvolume

import (
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

type column = base.Column[*dr.ProtectedVolume]

func newTable() rest.TableConvertor {
	return base.NewTableConvertor(
		column{Name: "PVC", Description: "The PersistentVolumeClaim.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return v.Status.PVC.Name }},
		column{Name: "Cluster", Description: "The cluster it is on.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return v.Status.Cluster }},
		column{Name: "State", Description: "The role of its group there.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return base.OrNone(v.Status.State) }},
		column{Name: "Protected", Description: "True while it is replicated.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any {
				return base.ConditionStatus(v.Status.PVC.Conditions, dr.ConditionDataProtected)
			}},
		column{Name: "Behind", Description: "How far the peer's copy is behind.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any {
				if v.Status.Behind == nil {
					return base.None
				}
				return duration.HumanDuration(v.Status.Behind.Duration)
			}},
		column{Name: "Report", Description: "Fresh while the reporting agent is connected.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return string(v.Status.Freshness) }},
		column{Name: "Method", Wide: true, Description: "How its bytes travel.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return base.OrNone(v.Status.PVC.ReplicationMethod) }},
		column{Name: "Class", Wide: true, Description: "Its storage class.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return base.OrNone(v.Status.PVC.StorageClassName) }},
		column{Name: "Observed", Wide: true, Description: "Time since the agent reported it.",
			Cell: func(v *dr.ProtectedVolume, now time.Time) any { return base.ElapsedSince(v.Status.ObservedAt, now) }},
	)
}
