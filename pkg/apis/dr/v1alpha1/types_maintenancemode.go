// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// LabelMaintenanceModes is on the StorageClasses and VolumeReplicationClasses of storage that has to be told before its
// copies are promoted: a list of modes, separated by commas.
const LabelMaintenanceModes = "ramendr.openshift.io/maintenancemodes"

// +genclient
// +genclient:nonNamespaced
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// MaintenanceMode asks the storage of a cluster to prepare for the promotion of its copies. The server makes it for a
// failover and deletes it once no failover needs it any more; the storage's operator, which watches it, reports in status.
type MaintenanceMode struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's name, labels and the like.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the storage is asked for.
	Spec MaintenanceModeSpec `json:"spec"`
	// status is what the storage's operator reports.
	// +optional
	Status MaintenanceModeStatus `json:"status,omitempty"`
}

// MaintenanceModeType is one thing that storage can prepare for.
// +enum
// +k8s:enum
type MaintenanceModeType string

// MaintenanceModeFailover prepares for the promotion of copies whose primary is lost.
const MaintenanceModeFailover MaintenanceModeType = "Failover"

// MaintenanceModeSpec is what the storage is asked for.
type MaintenanceModeSpec struct {
	// clusterName is the DRCluster whose storage is asked. Immutable.
	// +k8s:required
	// +k8s:format=k8s-short-name
	// +k8s:immutable
	ClusterName string `json:"clusterName"`
	// storageProvisioner is the storage's driver. Immutable.
	// +k8s:required
	// +k8s:immutable
	StorageProvisioner string `json:"storageProvisioner"`
	// targetID is the replication ID or, where there is none, the storage ID by which the storage knows what is meant.
	// Immutable.
	// +optional
	// +k8s:optional
	// +k8s:immutable
	TargetID string `json:"targetID,omitempty"`
	// modes that are asked for.
	// +listType=set
	// +k8s:required
	// +k8s:listType=set
	// +k8s:maxItems=8
	Modes []MaintenanceModeType `json:"modes"`
}

// MaintenanceModeState is how far the storage is.
// +enum
type MaintenanceModeState string

const (
	// MaintenanceModeUnknown means that nothing is known.
	MaintenanceModeUnknown MaintenanceModeState = "Unknown"
	// MaintenanceModeError means that the storage can't do it; its conditions say why.
	MaintenanceModeError MaintenanceModeState = "Error"
	// MaintenanceModeProgressing means that it is under way.
	MaintenanceModeProgressing MaintenanceModeState = "Progressing"
	// MaintenanceModeCompleted means that the modes are in force.
	MaintenanceModeCompleted MaintenanceModeState = "Completed"
)

// ConditionFailoverActivated of a MaintenanceMode is True while copies may be promoted.
const ConditionFailoverActivated = "FailoverActivated"

// MaintenanceModeStatus is what the storage's operator reports.
type MaintenanceModeStatus struct {
	// state is how far the storage is: Unknown, Error, Progressing or Completed.
	// +optional
	State MaintenanceModeState `json:"state,omitempty"`
	// observedGeneration is the generation of spec this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions: FailoverActivated is True while copies may be promoted.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// MaintenanceModeList is a list of MaintenanceModes.
type MaintenanceModeList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the list: its resourceVersion to watch from, and continue if there is more.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the MaintenanceModes.
	Items []MaintenanceMode `json:"items"`
}
