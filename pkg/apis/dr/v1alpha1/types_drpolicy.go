// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +genclient:nonNamespaced
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRPolicy says between which two clusters, how often and with which classes volumes are replicated.
type DRPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's name, labels and the like.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the administrator wants.
	Spec DRPolicySpec `json:"spec"`
	// status is what was found on the clusters; the server writes it.
	// +optional
	Status DRPolicyStatus `json:"status,omitempty"`
}

// DRPolicySpec is what the administrator wants.
type DRPolicySpec struct {
	// drClusters names exactly two DRClusters, which may be created later. Defaults to the names in drClusterSet.
	// Immutable.
	// +optional
	// +listType=set
	// +k8s:required
	// +k8s:listType=set
	// +k8s:minItems=2
	// +k8s:maxItems=2
	// +k8s:eachVal=+k8s:format=k8s-short-name
	// +k8s:immutable
	DRClusters []string `json:"drClusters"`
	// drClusterSet is how manifests for early versions of RamenDR name the clusters. It is read for the names only, and
	// has to name the same clusters as drClusters where that is given too. Immutable.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=name
	// +k8s:immutable
	DRClusterSet []DRClusterSetMember `json:"drClusterSet,omitempty"`
	// schedulingInterval is the longest time between two syncs of a volume: a number and m, h or d, such as 5m.
	// Defaults to empty, which means synchronous replication. Immutable.
	// +optional
	// +k8s:optional
	// +k8s:immutable
	SchedulingInterval string `json:"schedulingInterval"`
	// replicationClassSelector narrows the VolumeReplicationClasses that may be used. Unset means any that fits a
	// volume's StorageClass. Immutable.
	// +optional
	// +k8s:optional
	// +k8s:immutable
	ReplicationClassSelector *metav1.LabelSelector `json:"replicationClassSelector,omitempty"`
	// volumeSnapshotClassSelector narrows the VolumeSnapshotClasses that may be used. Unset means any that fits a
	// volume's StorageClass. Immutable.
	// +optional
	// +k8s:optional
	// +k8s:immutable
	VolumeSnapshotClassSelector *metav1.LabelSelector `json:"volumeSnapshotClassSelector,omitempty"`
	// volumeGroupSnapshotClassSelector narrows the VolumeGroupSnapshotClasses that may be used. Unset means any that fits a
	// volume's StorageClass. Immutable.
	// +optional
	// +k8s:optional
	// +k8s:immutable
	VolumeGroupSnapshotClassSelector *metav1.LabelSelector `json:"volumeGroupSnapshotClassSelector,omitempty"`
	// consistencyGroups says whether volumes whose storage can keep several of them at one point in time are replicated
	// as a group: WhereAvailable or Never. Defaults to empty, which means WhereAvailable. Immutable.
	// +optional
	// +k8s:optional
	// +k8s:immutable
	ConsistencyGroups ConsistencyGroups `json:"consistencyGroups,omitempty"`
}

// ConsistencyGroups says whether volumes are replicated as a group.
// +enum
// +k8s:enum
type ConsistencyGroups string

const (
	// ConsistencyGroupsWhereAvailable groups the volumes of an application wherever the storage can.
	ConsistencyGroupsWhereAvailable ConsistencyGroups = "WhereAvailable"
	// ConsistencyGroupsNever replicates each volume by itself.
	ConsistencyGroupsNever ConsistencyGroups = "Never"
)

// DRClusterSetMember is one cluster in the form of early versions of RamenDR.
type DRClusterSetMember struct {
	// name of the DRCluster.
	// +k8s:required
	Name string `json:"name"`
	// region is ignored: it belongs into the DRCluster's spec.
	// +optional
	Region string `json:"region,omitempty"`
	// s3ProfileName is ignored: it belongs into the DRCluster's spec.
	// +optional
	S3ProfileName string `json:"s3ProfileName,omitempty"`
}

// ConditionValidated of a DRPolicy or DRCluster is True while it can be used; else the message says what to mend.
const ConditionValidated = "Validated"

// DRPolicyStatus is what was found on the clusters.
type DRPolicyStatus struct {
	// observedGeneration is the generation of spec this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions: Validated is True while the policy can be used; else its message says what to mend.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// async lists the storage classes whose volumes can be replicated at intervals.
	// +optional
	Async *PeerClasses `json:"async,omitempty"`
	// sync lists the storage classes whose volumes both clusters reach on the same storage, or whose storage mirrors every
	// write at once. A policy has either async or sync.
	// +optional
	Sync *PeerClasses `json:"sync,omitempty"`
	// unpaired lists the storage classes that have no peer, and why.
	// +optional
	// +listType=map
	// +listMapKey=storageClassName
	Unpaired []UnpairedClass `json:"unpaired,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRPolicyList is a list of DRPolicies.
type DRPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the list: its resourceVersion to watch from, and continue if there is more.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the DRPolicies.
	Items []DRPolicy `json:"items"`
}
