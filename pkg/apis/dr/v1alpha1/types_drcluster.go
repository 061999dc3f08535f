// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +genclient:nonNamespaced
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRCluster is a managed cluster that takes part in disaster recovery. Its agent signs in as the ServiceAccount of the
// same name in the hub's agent namespace and holds the Lease of the same name there.
type DRCluster struct {
	metav1.TypeMeta `json:",inline"`
	// metadata.name is a DNS label: no dots.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the administrator says of the cluster.
	Spec DRClusterSpec `json:"spec"`
	// status is what is known of the cluster.
	// +optional
	Status DRClusterStatus `json:"status,omitempty"`
}

// DRClusterSpec is what the administrator says of a cluster.
type DRClusterSpec struct {
	// region the cluster is in, for people to tell clusters apart. Immutable.
	// +optional
	// +k8s:optional
	// +k8s:immutable
	Region string `json:"region,omitempty"`
	// s3ProfileName is the object store, by its name in the servers' and agents' configuration, that applications
	// running on this cluster can be recovered from. Immutable.
	// +k8s:required
	// +k8s:immutable
	S3ProfileName string `json:"s3ProfileName"`
	// cidrs are the addresses that the cluster's nodes reach their storage from, such as 10.0.1.0/24, for whoever fences
	// the cluster off. The server itself fences nothing.
	// +optional
	// +listType=set
	// +k8s:optional
	// +k8s:listType=set
	// +k8s:maxItems=256
	CIDRs []string `json:"cidrs,omitempty"`
}

// ConditionConnected of a DRCluster is True while its agent holds its Lease.
const ConditionConnected = "Connected"

// DRClusterStatus is what is known of a cluster.
type DRClusterStatus struct {
	// observedGeneration is the generation of spec this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions: Validated is True while the object store can be reached and its bucket is there, Connected while the
	// cluster's agent holds its Lease.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// heartbeatAge is the time since the agent last renewed its Lease. Computed when read; absent if it never did.
	// +optional
	HeartbeatAge *metav1.Duration `json:"heartbeatAge,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRClusterList is a list of DRClusters.
type DRClusterList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the list: its resourceVersion to watch from, and continue if there is more.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the DRClusters.
	Items []DRCluster `json:"items"`
}
