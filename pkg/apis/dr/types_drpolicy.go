// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package dr

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRPolicy says between which two clusters, how often and with which classes volumes are replicated.
type DRPolicy struct {
	metav1.TypeMeta
	metav1.ObjectMeta

	Spec   DRPolicySpec
	Status DRPolicyStatus
}

// DRPolicySpec is what the administrator wants.
type DRPolicySpec struct {
	DRClusters                       []string
	DRClusterSet                     []DRClusterSetMember
	SchedulingInterval               string
	ReplicationClassSelector         *metav1.LabelSelector
	VolumeSnapshotClassSelector      *metav1.LabelSelector
	VolumeGroupSnapshotClassSelector *metav1.LabelSelector
	ConsistencyGroups                ConsistencyGroups
}

// ConsistencyGroups says whether volumes are replicated as a group.
type ConsistencyGroups string

// DRClusterSetMember is one cluster in the form of early versions of RamenDR.
type DRClusterSetMember struct {
	Name          string
	Region        string
	S3ProfileName string
}

// ConditionValidated of a DRPolicy or DRCluster is True while it can be used; else the message says what to mend.
const ConditionValidated = "Validated"

// DRPolicyStatus is what was found on the clusters.
type DRPolicyStatus struct {
	ObservedGeneration int64
	Conditions         []metav1.Condition
	Async              *PeerClasses
	Sync               *PeerClasses
	Unpaired           []UnpairedClass
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRPolicyList is a list of DRPolicies.
type DRPolicyList struct {
	metav1.TypeMeta
	metav1.ListMeta

	Items []DRPolicy
}
