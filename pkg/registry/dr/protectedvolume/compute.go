// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package protectedvolume computes ProtectedVolumes from what agents report of VolumeReplicationGroups.
package protectedvolume

import (
	"strings"
	"time"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

// volumesOf returns a row for each volume of the group.
func volumesOf(group *dr.VolumeReplicationGroup, freshness dr.Freshness, now time.Time) []dr.ProtectedVolume {
	volumes := make([]dr.ProtectedVolume, 0, len(group.Status.ProtectedPVCs))
	for i := range group.Status.ProtectedPVCs {
		pvc := group.Status.ProtectedPVCs[i].DeepCopy()
		volumes = append(volumes, dr.ProtectedVolume{
			ObjectMeta: metav1.ObjectMeta{
				Name:              strings.Join([]string{group.Spec.ClusterName, group.Name, pvc.Name}, "."),
				Namespace:         group.Namespace,
				UID:               uidOf(group, pvc),
				Labels:            group.Labels,
				ResourceVersion:   group.ResourceVersion,
				CreationTimestamp: group.CreationTimestamp,
			},
			Status: dr.ProtectedVolumeStatus{
				Cluster:                group.Spec.ClusterName,
				VolumeReplicationGroup: group.Name,
				State:                  group.Status.State,
				PVC:                    *pvc,
				Behind:                 behind(group, pvc, now),
				Freshness:              freshness,
				ObservedAt:             group.Status.LastUpdateTime.DeepCopy(),
			},
		})
	}
	return volumes
}

// uidOf tells a volume from all others, also from those that a group of the same name reported before: it follows from the
// group's UID, so that whoever keeps objects by UID finds the same one each time.
func uidOf(group *dr.VolumeReplicationGroup, pvc *dr.ProtectedPVC) types.UID {
	return types.UID(uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.Join([]string{string(group.UID), pvc.Namespace, pvc.Name}, "/"))).String())
}

// behind is how far the peer's copy is behind a primary's volume.
func behind(group *dr.VolumeReplicationGroup, pvc *dr.ProtectedPVC, now time.Time) *metav1.Duration {
	if group.Status.State == dr.SecondaryState || pvc.LastSyncTime == nil {
		return nil
	}
	return &metav1.Duration{Duration: max(0, now.Sub(pvc.LastSyncTime.Time)).Round(time.Second)}
}
