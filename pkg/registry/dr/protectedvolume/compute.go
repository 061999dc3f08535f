// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package protectedvolume computes ProtectedVolumes from what agents report of VolumeReplicationGroups.
package protectedvolume

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

// compute returns a row for each volume of each group.
func compute(reports *base.Reports) []runtime.Object {
	var volumes []runtime.Object
	for i := range reports.Groups {
		group := &reports.Groups[i]
		for j := range group.Status.ProtectedPVCs {
			pvc := group.Status.ProtectedPVCs[j].DeepCopy()
			volumes = append(volumes, &dr.ProtectedVolume{
				ObjectMeta: base.ComputedMeta(group, pvc.Name, pvc.Namespace, pvc.Name),
				Status: dr.ProtectedVolumeStatus{
					Cluster:                group.Spec.ClusterName,
					VolumeReplicationGroup: group.Name,
					State:                  group.Status.State,
					PVC:                    *pvc,
					Behind:                 behind(reports, group, pvc),
					Freshness:              reports.Freshness(group),
					ObservedAt:             group.Status.LastUpdateTime.DeepCopy(),
				},
			})
		}
	}
	return volumes
}

// behind is how far the peer's copy is behind a primary's volume.
func behind(reports *base.Reports, group *dr.VolumeReplicationGroup, pvc *dr.ProtectedPVC) *metav1.Duration {
	if group.Status.State == dr.SecondaryState {
		return nil
	}
	return reports.Behind(pvc.LastSyncTime)
}
