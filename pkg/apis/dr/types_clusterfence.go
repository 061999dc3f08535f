// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package dr

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ClusterFence asks for a cluster to be fenced off from storage, or to be let back. It is the body of, and the answer to, a
// POST to the fence or unfence subresource of a DRCluster; it is not stored. What became of it, the DRCluster's status says.
type ClusterFence struct {
	metav1.TypeMeta
	metav1.ObjectMeta

	Spec   ClusterFenceSpec
	Status ClusterFenceStatus
}

// ClusterFenceSpec is what is asked for.
type ClusterFenceSpec struct {
	Manual bool
	Reason string
	Force  bool
}

// ClusterFenceStatus is the answer to a request.
type ClusterFenceStatus struct {
	Checks  []PreflightCheck
	Request *FenceRequest
}

// FenceState is whether a cluster is kept from its storage.
type FenceState string

const (
	// FenceStateFenced means that storage refuses the cluster's nodes.
	FenceStateFenced FenceState = "Fenced"
	// FenceStateUnfenced means that storage serves them.
	FenceStateUnfenced FenceState = "Unfenced"
)

// FenceRequest is the last fence or unfence of a cluster that was accepted.
type FenceRequest struct {
	Number              int64
	State               FenceState
	Manual              bool
	Peer                string
	CIDRs               []string
	NetworkFenceClasses []string
	RequestedBy         string
	RequestedTime       metav1.MicroTime
	Reason              string
	Force               bool
	CompletionTime      *metav1.MicroTime
}

// FenceOrder tells an agent to fence another cluster off from the storage both reach, or to let it back.
type FenceOrder struct {
	ClusterName         string
	Number              int64
	State               FenceState
	CIDRs               []string
	NetworkFenceClasses []string
}

// FenceReport is what became of a FenceOrder.
type FenceReport struct {
	ClusterName string
	Number      int64
	State       FenceState
	Done        bool
	Message     string
}
