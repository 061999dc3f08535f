// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +genclient:onlyVerbs=get,list
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ReplicationGroupSource is a consistency group of volumes that a cluster has VolSync send: at each interval one
// VolumeGroupSnapshot is taken and every member sent from it, which is a cycle. It is computed from what agents report of
// VolumeReplicationGroups when read, is named <cluster>.<volumereplicationgroup>.<group> and can't be watched: watch the
// VolumeReplicationGroup.
type ReplicationGroupSource struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's name, labels and the like.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is sent, and when.
	// +optional
	Spec ReplicationGroupSourceSpec `json:"spec,omitempty"`
	// status is how far that is.
	// +optional
	Status ReplicationGroupSourceStatus `json:"status,omitempty"`
}

// ReplicationGroupSourceSpec is what is sent, and when.
type ReplicationGroupSourceSpec struct {
	// clusterName is the DRCluster that sends.
	ClusterName string `json:"clusterName"`
	// volumeReplicationGroup that the consistency group belongs to.
	VolumeReplicationGroup string `json:"volumeReplicationGroup"`
	// group is the consistency group's name, the same on both clusters.
	Group string `json:"group"`
	// peer is the DRCluster that receives; empty while that is not known.
	// +optional
	Peer string `json:"peer,omitempty"`
	// members are the PersistentVolumeClaims, sorted.
	// +optional
	// +listType=atomic
	Members []string `json:"members,omitempty"`
	// volumeGroupSnapshotClassName is the VolumeGroupSnapshotClass that the members are snapshotted by.
	// +optional
	VolumeGroupSnapshotClassName string `json:"volumeGroupSnapshotClassName,omitempty"`
	// trigger says when cycles begin.
	// +optional
	Trigger ReplicationGroupTrigger `json:"trigger,omitempty"`
}

// ReplicationGroupTrigger says when cycles begin.
type ReplicationGroupTrigger struct {
	// schedulingInterval between two cycles, such as 5m. Empty while a final sync is asked for.
	// +optional
	SchedulingInterval string `json:"schedulingInterval,omitempty"`
	// manual is the final sync that is asked for: final-<epoch>. Empty otherwise.
	// +optional
	Manual string `json:"manual,omitempty"`
}

// ReplicationGroupSourceStatus is how far a cluster is with sending a consistency group.
type ReplicationGroupSourceStatus struct {
	// step that the group is in: Preparing, Waiting, Snapshotting, Sending or Confirming.
	// +optional
	Step ReplicationGroupStep `json:"step,omitempty"`
	// current is the cycle under way; absent between cycles.
	// +optional
	Current *VolSyncCycle `json:"current,omitempty"`
	// sent are the members that were sent in it already.
	// +optional
	// +listType=atomic
	Sent []string `json:"sent,omitempty"`
	// last is the last cycle in which every member was sent; absent if there was none.
	// +optional
	Last *VolSyncCycle `json:"last,omitempty"`
	// result is Failed while something of the cycle under way has failed, which is tried again, and else Successful once a
	// cycle was completed.
	// +optional
	Result VolSyncCycleResult `json:"result,omitempty"`
	// message says what is wrong or awaited; empty if nothing is.
	// +optional
	Message string `json:"message,omitempty"`
	// behind is the time from the last cycle's snapshot until now.
	// +optional
	Behind *metav1.Duration `json:"behind,omitempty"`
	// freshness of the report: Fresh while the agent of the cluster is connected, else Stale.
	// +optional
	Freshness Freshness `json:"freshness,omitempty"`
	// observedAt is when the agent reported it.
	// +optional
	ObservedAt *metav1.Time `json:"observedAt,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ReplicationGroupSourceList is a list of ReplicationGroupSources.
type ReplicationGroupSourceList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the list: its resourceVersion, which is that of the VolumeReplicationGroups.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the ReplicationGroupSources.
	Items []ReplicationGroupSource `json:"items"`
}

// +genclient
// +genclient:onlyVerbs=get,list
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ReplicationGroupDestination is a consistency group of volumes that a cluster receives by VolSync. What arrives is committed
// cycle by cycle: once every member of one has arrived their images are kept, and those of the cycle before are dropped, so
// that what can be promoted is of one point in time. It is computed from what agents report of VolumeReplicationGroups when
// read, is named <cluster>.<volumereplicationgroup>.<group> and can't be watched: watch the VolumeReplicationGroup.
type ReplicationGroupDestination struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's name, labels and the like.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is received.
	// +optional
	Spec ReplicationGroupDestinationSpec `json:"spec,omitempty"`
	// status is how far that is.
	// +optional
	Status ReplicationGroupDestinationStatus `json:"status,omitempty"`
}

// ReplicationGroupDestinationSpec is what is received.
type ReplicationGroupDestinationSpec struct {
	// clusterName is the DRCluster that receives.
	ClusterName string `json:"clusterName"`
	// volumeReplicationGroup that the consistency group belongs to.
	VolumeReplicationGroup string `json:"volumeReplicationGroup"`
	// group is the consistency group's name, the same on both clusters.
	Group string `json:"group"`
	// peer is the DRCluster that sends; empty while that is not known.
	// +optional
	Peer string `json:"peer,omitempty"`
	// members are the PersistentVolumeClaims, sorted.
	// +optional
	// +listType=atomic
	Members []string `json:"members,omitempty"`
}

// ReplicationGroupDestinationStatus is how far a cluster is with receiving a consistency group.
type ReplicationGroupDestinationStatus struct {
	// step that the group is in: Preparing, Waiting, Receiving or Committing.
	// +optional
	Step ReplicationGroupStep `json:"step,omitempty"`
	// current is the cycle that is received or awaited.
	// +optional
	Current string `json:"current,omitempty"`
	// arrived are the members that have arrived of it.
	// +optional
	// +listType=atomic
	Arrived []string `json:"arrived,omitempty"`
	// committed is the last cycle of which every member has arrived: what would be promoted. Absent if there was none.
	// +optional
	Committed *VolSyncCommit `json:"committed,omitempty"`
	// lastSyncTime is the point in time that what is committed is of: when the source took its snapshot. Absent while no
	// report of the source tells.
	// +optional
	LastSyncTime *metav1.Time `json:"lastSyncTime,omitempty"`
	// message says what is wrong or awaited; empty if nothing is.
	// +optional
	Message string `json:"message,omitempty"`
	// freshness of the report: Fresh while the agent of the cluster is connected, else Stale.
	// +optional
	Freshness Freshness `json:"freshness,omitempty"`
	// observedAt is when the agent reported it.
	// +optional
	ObservedAt *metav1.Time `json:"observedAt,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ReplicationGroupDestinationList is a list of ReplicationGroupDestinations.
type ReplicationGroupDestinationList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the list: its resourceVersion, which is that of the VolumeReplicationGroups.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the ReplicationGroupDestinations.
	Items []ReplicationGroupDestination `json:"items"`
}
