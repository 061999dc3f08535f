// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ClusterFence asks for a cluster to be fenced off from storage, or to be let back. It is the body of, and the answer to, a
// POST to the fence or unfence subresource of a DRCluster; it is not stored. What became of it, the DRCluster's status says.
type ClusterFence struct {
	metav1.TypeMeta `json:",inline"`
	// metadata.name, if given, has to be the DRCluster's; metadata.uid and metadata.resourceVersion are preconditions on it.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is asked for.
	// +optional
	Spec ClusterFenceSpec `json:"spec,omitempty"`
	// status is the answer.
	// +optional
	Status ClusterFenceStatus `json:"status,omitempty"`
}

// ClusterFenceSpec is what is asked for.
type ClusterFenceSpec struct {
	// manual says that the requester vouches for it: the cluster has been fenced off, or let back, by other means than a
	// storage driver. Nothing is carried out.
	// +optional
	Manual bool `json:"manual,omitempty"`
	// reason is the requester's own words, kept for the record: at most 1024 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=1024
	Reason string `json:"reason,omitempty"`
	// force overrides the checks that are marked as forceable, such as an application that is available on the cluster.
	// +optional
	Force bool `json:"force,omitempty"`
}

// ClusterFenceStatus is the answer to a request.
type ClusterFenceStatus struct {
	// checks are what preflight looked at and what it found.
	// +optional
	// +listType=map
	// +listMapKey=name
	Checks []PreflightCheck `json:"checks,omitempty"`
	// request is what was put into the DRCluster's status or, on a dry run, would be.
	// +optional
	Request *FenceRequest `json:"request,omitempty"`
}

// FenceState is whether a cluster is kept from its storage.
// +enum
type FenceState string

const (
	// FenceStateFenced means that storage refuses the cluster's nodes.
	FenceStateFenced FenceState = "Fenced"
	// FenceStateUnfenced means that storage serves them.
	FenceStateUnfenced FenceState = "Unfenced"
)

// FenceRequest is the last fence or unfence of a cluster that was accepted.
type FenceRequest struct {
	// number counts a cluster's requests.
	Number int64 `json:"number"`
	// state asked for.
	State FenceState `json:"state"`
	// manual is true if the requester vouches for it.
	// +optional
	Manual bool `json:"manual,omitempty"`
	// peer is the cluster whose agent carries it out; empty if nothing is to be carried out.
	// +optional
	Peer string `json:"peer,omitempty"`
	// cidrs are the addresses that are fenced off.
	// +optional
	// +listType=set
	CIDRs []string `json:"cidrs,omitempty"`
	// networkFenceClasses are the classes of the peer that it is carried out by.
	// +optional
	// +listType=set
	NetworkFenceClasses []string `json:"networkFenceClasses,omitempty"`
	// requestedBy is the user who asked.
	// +optional
	RequestedBy string `json:"requestedBy,omitempty"`
	// requestedTime is when it was accepted.
	RequestedTime metav1.MicroTime `json:"requestedTime"`
	// reason is the requester's own words.
	// +optional
	Reason string `json:"reason,omitempty"`
	// force is true if checks were overridden.
	// +optional
	Force bool `json:"force,omitempty"`
	// completionTime is when it was done.
	// +optional
	CompletionTime *metav1.MicroTime `json:"completionTime,omitempty"`
}

// FenceOrder tells an agent to fence another cluster off from the storage both reach, or to let it back.
type FenceOrder struct {
	// clusterName is the DRCluster that is fenced off.
	ClusterName string `json:"clusterName"`
	// number of the request; a report counts only if it is of the same.
	Number int64 `json:"number"`
	// state that shall be.
	State FenceState `json:"state"`
	// cidrs to fence off.
	// +listType=set
	CIDRs []string `json:"cidrs"`
	// networkFenceClasses to do it by, each by a NetworkFence of its own.
	// +listType=set
	NetworkFenceClasses []string `json:"networkFenceClasses"`
}

// FenceReport is what became of a FenceOrder.
type FenceReport struct {
	// clusterName is the DRCluster that is fenced off.
	ClusterName string `json:"clusterName"`
	// number of the order that the report is about.
	Number int64 `json:"number"`
	// state that the order asked for.
	State FenceState `json:"state"`
	// done is true once every class has confirmed.
	// +optional
	Done bool `json:"done,omitempty"`
	// message says what is awaited or wrong.
	// +optional
	Message string `json:"message,omitempty"`
}
