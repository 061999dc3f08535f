// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +genclient:onlyVerbs=get,list
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ProtectedVolume is one PersistentVolumeClaim on one cluster, computed from the reports of the VolumeReplicationGroups
// when read. It is named <cluster>.<volumereplicationgroup>.<pvc> and can't be watched: watch the VolumeReplicationGroup.
type ProtectedVolume struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's name, labels and the like.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// status is what is known of the volume.
	// +optional
	Status ProtectedVolumeStatus `json:"status,omitempty"`
}

// ProtectedVolumeStatus is what is known of a volume.
type ProtectedVolumeStatus struct {
	// cluster the PersistentVolumeClaim is on.
	Cluster string `json:"cluster"`
	// volumeReplicationGroup that reports it.
	VolumeReplicationGroup string `json:"volumeReplicationGroup"`
	// state is the role of that group on the cluster.
	// +optional
	State VolumeReplicationGroupState `json:"state,omitempty"`
	// pvc is the report itself.
	PVC ProtectedPVC `json:"pvc"`
	// behind is the time from lastSyncTime until now. Absent on secondaries and for volumes never synced.
	// +optional
	Behind *metav1.Duration `json:"behind,omitempty"`
	// freshness of the report.
	// +optional
	Freshness Freshness `json:"freshness,omitempty"`
	// observedAt is when the agent reported it.
	// +optional
	ObservedAt *metav1.Time `json:"observedAt,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ProtectedVolumeList is a list of ProtectedVolumes.
type ProtectedVolumeList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the list: its resourceVersion to watch from, and continue if there is more.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the ProtectedVolumes.
	Items []ProtectedVolume `json:"items"`
}
