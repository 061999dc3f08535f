// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package protectedvolume

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
		column{Name: "Method", Description: "How its bytes travel.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return base.OrNone(v.Status.PVC.ReplicationMethod) }},
		column{Name: "Peer", Description: "The cluster that it is replicated with.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return base.OrNone(v.Status.PVC.Peer) }},
		column{Name: "Protected", Description: "True while it is replicated.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any {
				return base.ConditionStatus(v.Status.PVC.Conditions, dr.ConditionDataProtected)
			}},
		column{Name: "Behind", Description: "How far the peer's copy is behind.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return base.HumanDuration(v.Status.Behind) }},
		column{Name: "Wrong", Description: "What is wrong, if anything is.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return wrong(v.Status.PVC.Conditions) }},
		column{Name: "Report", Description: "Fresh while the reporting agent is connected.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return string(v.Status.Freshness) }},
		column{Name: "Last Sync", Wide: true, Description: "Time since the point up to which the peer has its data.",
			Cell: func(v *dr.ProtectedVolume, now time.Time) any {
				return base.ElapsedSince(v.Status.PVC.LastSyncTime, now)
			}},
		column{Name: "Took", Wide: true, Description: "How long the last sync took.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return base.Took(v.Status.PVC.LastSyncDuration) }},
		column{Name: "Bytes", Wide: true, Description: "How much the last sync transferred.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return base.Bytes(v.Status.PVC.LastSyncBytes) }},
		column{Name: "Group", Wide: true, Description: "The consistency group that it is replicated with.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return base.OrNone(v.Status.PVC.ConsistencyGroup) }},
		column{Name: "Class", Wide: true, Description: "Its storage class.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return base.OrNone(v.Status.PVC.StorageClassName) }},
		column{Name: "Handle", Wide: true, Description: "What the storage knows its volume by.",
			Cell: func(v *dr.ProtectedVolume, _ time.Time) any { return base.OrNone(v.Status.PVC.VolumeHandle) }},
		column{Name: "Observed", Wide: true, Description: "Time since the agent reported it.",
			Cell: func(v *dr.ProtectedVolume, now time.Time) any { return base.ElapsedSince(v.Status.ObservedAt, now) }},
	)
}

// wrong is the reason of the first condition that is not True, the volume's own readiness before its protection. One that nobody waits
// for is not wrong, but not what its condition makes it look like.
func wrong(conditions []metav1.Condition) string {
	for _, conditionType := range []string{dr.ConditionDataReady, dr.ConditionDataProtected} {
		if c := meta.FindStatusCondition(conditions, conditionType); c != nil && (c.Status != metav1.ConditionTrue || c.Reason == dr.ReasonSuperseded) {
			return c.Reason
		}
	}
	return base.None
}
