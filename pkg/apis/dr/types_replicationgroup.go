// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package dr

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ReplicationGroupSource is a consistency group of volumes that a cluster has VolSync send, computed from what agents report
// of VolumeReplicationGroups when read. It is named <cluster>.<volumereplicationgroup>.<group>.
type ReplicationGroupSource struct {
	metav1.TypeMeta
	metav1.ObjectMeta

	Spec   ReplicationGroupSourceSpec
	Status ReplicationGroupSourceStatus
}

// ReplicationGroupSourceSpec is what is sent, and when.
type ReplicationGroupSourceSpec struct {
	ClusterName                  string
	VolumeReplicationGroup       string
	Group                        string
	Peer                         string
	Members                      []string
	VolumeGroupSnapshotClassName string
	Trigger                      ReplicationGroupTrigger
}

// ReplicationGroupTrigger says when cycles begin.
type ReplicationGroupTrigger struct {
	SchedulingInterval string
	Manual             string
}

// ReplicationGroupSourceStatus is how far a cluster is with sending a consistency group.
type ReplicationGroupSourceStatus struct {
	Step       ReplicationGroupStep
	Current    *VolSyncCycle
	Sent       []string
	Last       *VolSyncCycle
	Result     VolSyncCycleResult
	Message    string
	Behind     *metav1.Duration
	Freshness  Freshness
	ObservedAt *metav1.Time
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ReplicationGroupSourceList is a list of ReplicationGroupSources.
type ReplicationGroupSourceList struct {
	metav1.TypeMeta
	metav1.ListMeta

	Items []ReplicationGroupSource
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ReplicationGroupDestination is a consistency group of volumes that a cluster receives by VolSync, computed from what agents
// report of VolumeReplicationGroups when read. It is named <cluster>.<volumereplicationgroup>.<group>.
type ReplicationGroupDestination struct {
	metav1.TypeMeta
	metav1.ObjectMeta

	Spec   ReplicationGroupDestinationSpec
	Status ReplicationGroupDestinationStatus
}

// ReplicationGroupDestinationSpec is what is received.
type ReplicationGroupDestinationSpec struct {
	ClusterName            string
	VolumeReplicationGroup string
	Group                  string
	Peer                   string
	Members                []string
}

// ReplicationGroupDestinationStatus is how far a cluster is with receiving a consistency group.
type ReplicationGroupDestinationStatus struct {
	Step         ReplicationGroupStep
	Current      string
	Arrived      []string
	Committed    *VolSyncCommit
	LastSyncTime *metav1.Time
	Message      string
	Freshness    Freshness
	ObservedAt   *metav1.Time
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ReplicationGroupDestinationList is a list of ReplicationGroupDestinations.
type ReplicationGroupDestinationList struct {
	metav1.TypeMeta
	metav1.ListMeta

	Items []ReplicationGroupDestination
}
