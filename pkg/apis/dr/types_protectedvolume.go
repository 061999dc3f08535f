// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package dr

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ProtectedVolume is one PersistentVolumeClaim on one cluster, computed from the reports of the VolumeReplicationGroups
// when read. It is named <cluster>.<volumereplicationgroup>.<pvc> and can't be watched: watch the VolumeReplicationGroup.
type ProtectedVolume struct {
	metav1.TypeMeta
	metav1.ObjectMeta

	Status ProtectedVolumeStatus
}

// ProtectedVolumeStatus is what is known of a volume.
type ProtectedVolumeStatus struct {
	Cluster                string
	VolumeReplicationGroup string
	State                  VolumeReplicationGroupState
	PVC                    ProtectedPVC
	Behind                 *metav1.Duration
	Freshness              Freshness
	ObservedAt             *metav1.Time
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ProtectedVolumeList is a list of ProtectedVolumes.
type ProtectedVolumeList struct {
	metav1.TypeMeta
	metav1.ListMeta

	Items []ProtectedVolume
}
