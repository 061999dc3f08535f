// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +genclient:nonNamespaced
// +genclient:method=Fence,verb=create,subresource=fence,input=ClusterFence,result=ClusterFence
// +genclient:method=Unfence,verb=create,subresource=unfence,input=ClusterFence,result=ClusterFence
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
	// cidrs are the addresses that the cluster's nodes reach their storage from, such as 10.0.1.0/24: what is fenced off when
	// the cluster is. Unset: those that its storage drivers report.
	// +optional
	// +listType=set
	// +k8s:optional
	// +k8s:listType=set
	// +k8s:maxItems=256
	CIDRs []string `json:"cidrs,omitempty"`
}

// Conditions of a DRCluster.
const (
	// ConditionConnected is True while the cluster's agent holds its Lease.
	ConditionConnected = "Connected"
	// ConditionFenced is True while the cluster is known to be fenced off from storage. False does not mean that it can write:
	// see Clean.
	ConditionFenced = "Fenced"
	// ConditionClean is True while nothing of a fence is left, or there never was one.
	ConditionClean = "Clean"
	// ConditionCIDRsValidated is False if the storage is reached from addresses that spec.cidrs does not have.
	ConditionCIDRsValidated = "CIDRsValidated"
)

// DRClusterPhase is what a cluster can be used for.
// +enum
type DRClusterPhase string

const (
	// ClusterAvailable means that the cluster has not been fenced, or nothing is left of it.
	ClusterAvailable DRClusterPhase = "Available"
	// ClusterFencing means that a fence was accepted and is being carried out.
	ClusterFencing DRClusterPhase = "Fencing"
	// ClusterFenced means that storage refuses the cluster.
	ClusterFenced DRClusterPhase = "Fenced"
	// ClusterUnfencing means that the cluster is being let back.
	ClusterUnfencing DRClusterPhase = "Unfencing"
)

// DRClusterStatus is what is known of a cluster.
type DRClusterStatus struct {
	// observedGeneration is the generation of spec this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// phase is what the cluster can be used for: Available, Fencing, Fenced or Unfencing.
	// +optional
	Phase DRClusterPhase `json:"phase,omitempty"`
	// fence is the last fence or unfence that was accepted: who asked for it, when and why.
	// +optional
	Fence *FenceRequest `json:"fence,omitempty"`
	// conditions: Validated is True while the object store can be reached and its bucket is there, Connected while the
	// cluster's agent holds its Lease, Fenced while storage refuses the cluster, Clean while nothing of a fence is left;
	// CIDRsValidated says whether spec.cidrs has what storage reports.
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
