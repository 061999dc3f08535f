// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package dr

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// MaintenanceMode asks the storage of a cluster to prepare for the promotion of its copies.
type MaintenanceMode struct {
	metav1.TypeMeta
	metav1.ObjectMeta

	Spec   MaintenanceModeSpec
	Status MaintenanceModeStatus
}

// MaintenanceModeType is one thing that storage can prepare for.
type MaintenanceModeType string

// MaintenanceModeSpec is what the storage is asked for.
type MaintenanceModeSpec struct {
	ClusterName        string
	StorageProvisioner string
	TargetID           string
	Modes              []MaintenanceModeType
}

// MaintenanceModeState is how far the storage is.
type MaintenanceModeState string

// MaintenanceModeStatus is what the storage's operator reports.
type MaintenanceModeStatus struct {
	State              MaintenanceModeState
	ObservedGeneration int64
	Conditions         []metav1.Condition
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// MaintenanceModeList is a list of MaintenanceModes.
type MaintenanceModeList struct {
	metav1.TypeMeta
	metav1.ListMeta

	Items []MaintenanceMode
}
