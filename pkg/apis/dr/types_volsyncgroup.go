// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package dr

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// VolSyncGroup is what is sent as one: a consistency group, or a volume that is sent by itself.
type VolSyncGroup struct {
	Name    string
	Stream  string
	Members []string
	Cycle   int64
}

// VolSyncGroupStatus is what a cluster says of what is sent as one.
type VolSyncGroupStatus struct {
	VolSyncGroup
	Asking      bool
	Source      *VolSyncGroupSource
	Destination *VolSyncGroupDestination
}

// ReplicationGroupStep is what is going on with a consistency group.
type ReplicationGroupStep string

// VolSyncCycleResult is how sending a consistency group has gone of late.
type VolSyncCycleResult string

// VolSyncGroupSource is how far a cluster is with sending a consistency group.
type VolSyncGroupSource struct {
	VolumeGroupSnapshotClassName string
	Manual                       string
	Step                         ReplicationGroupStep
	Current                      *VolSyncCycle
	Sent                         []string
	Completed                    []VolSyncCycle
	Result                       VolSyncCycleResult
	Message                      string
}

// VolSyncCycle is one round of sending a consistency group: one snapshot of all its members.
type VolSyncCycle struct {
	ID       string
	Manual   string
	Time     *metav1.Time
	Duration *metav1.Duration
	Bytes    *int64
}

// VolSyncGroupDestination is how far a cluster is with receiving a consistency group.
type VolSyncGroupDestination struct {
	Step      ReplicationGroupStep
	Current   string
	Arrived   []string
	Committed *VolSyncCommit
	Message   string
}

// VolSyncCommit is a cycle of which every member has arrived, and what is kept of it.
type VolSyncCommit struct {
	Cycle  string
	Time   metav1.Time
	Images []VolSyncImage
}

// VolSyncImage is what is kept of a volume.
type VolSyncImage struct {
	PVCName            string
	VolumeSnapshotName string
}
