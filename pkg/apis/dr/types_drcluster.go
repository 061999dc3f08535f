// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package dr

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRCluster is a managed cluster that takes part in disaster recovery. Its agent signs in as the ServiceAccount of the
// same name in the hub's agent namespace and holds the Lease of the same name there.
type DRCluster struct {
	metav1.TypeMeta
	metav1.ObjectMeta

	Spec   DRClusterSpec
	Status DRClusterStatus
}

// DRClusterSpec is what the administrator says of a cluster.
type DRClusterSpec struct {
	Region        string
	S3ProfileName string
	CIDRs         []string
}

// Conditions of a DRCluster.
const (
	// ConditionConnected is True while the cluster's agent holds its Lease.
	ConditionConnected = "Connected"
)

// DRClusterPhase is what a cluster can be used for.
type DRClusterPhase string

// ClusterAvailable means that the cluster has not been fenced, or nothing is left of it.
const ClusterAvailable DRClusterPhase = "Available"

// DRClusterStatus is what is known of a cluster.
type DRClusterStatus struct {
	ObservedGeneration int64
	Phase              DRClusterPhase
	Fence              *FenceRequest
	Conditions         []metav1.Condition
	HeartbeatAge       *metav1.Duration
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRClusterList is a list of DRClusters.
type DRClusterList struct {
	metav1.TypeMeta
	metav1.ListMeta

	Items []DRCluster
}
