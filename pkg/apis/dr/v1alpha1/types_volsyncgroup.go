// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// VolSyncGroup is what is sent as one: a consistency group, of which the volumes are snapshotted at one point in time, or a
// volume that is sent by itself. It is sent in cycles, which are numbered within a stream; the cycles of one stream have the
// same members.
type VolSyncGroup struct {
	// name of the consistency group, the same on both clusters; volume/<PersistentVolumeClaim> of a volume that is sent by itself.
	Name string `json:"name"`
	// stream of cycles, named by the cluster that sends. Another one begins when members come or go, or a cycle was given up.
	Stream string `json:"stream"`
	// members are the PersistentVolumeClaims, sorted.
	// +optional
	// +listType=atomic
	Members []string `json:"members,omitempty"`
	// cycle of the stream that was completed last, by the cluster that says so: all members were sent, or all have arrived and
	// are kept. In spec.groups it is empty.
	// +optional
	Cycle int64 `json:"cycle,omitempty"`
}

// VolSyncGroupStatus is what a cluster says of what is sent as one. ReplicationGroupSources and ReplicationGroupDestinations
// show it of consistency groups.
type VolSyncGroupStatus struct {
	VolSyncGroup `json:",inline"`
	// asking is true while a cycle fails or takes longer than others, so that the cluster wants to be told how much has arrived.
	// +optional
	Asking bool `json:"asking,omitempty"`
	// source is how far the cluster is with sending a consistency group; absent where it is received.
	// +optional
	Source *VolSyncGroupSource `json:"source,omitempty"`
	// destination is how far the cluster is with receiving a consistency group; absent where it is sent.
	// +optional
	Destination *VolSyncGroupDestination `json:"destination,omitempty"`
}

// ReplicationGroupStep is what is going on with a consistency group.
// +enum
type ReplicationGroupStep string

const (
	// ReplicationGroupPreparing means that not all members can be sent or received yet.
	ReplicationGroupPreparing ReplicationGroupStep = "Preparing"
	// ReplicationGroupWaiting means between two cycles.
	ReplicationGroupWaiting ReplicationGroupStep = "Waiting"
	// ReplicationGroupSnapshotting means that the source takes the cycle's snapshot.
	ReplicationGroupSnapshotting ReplicationGroupStep = "Snapshotting"
	// ReplicationGroupSending means that members are sent.
	ReplicationGroupSending ReplicationGroupStep = "Sending"
	// ReplicationGroupConfirming means that a final sync is sent a second time, which proves that the first has been kept.
	ReplicationGroupConfirming ReplicationGroupStep = "Confirming"
	// ReplicationGroupReceiving means that some members have arrived.
	ReplicationGroupReceiving ReplicationGroupStep = "Receiving"
	// ReplicationGroupCommitting means that all members have arrived and their images are being kept.
	ReplicationGroupCommitting ReplicationGroupStep = "Committing"
)

// VolSyncCycleResult is how sending a consistency group has gone of late.
// +enum
type VolSyncCycleResult string

const (
	// VolSyncCycleSuccessful means that nothing has failed since a cycle was completed.
	VolSyncCycleSuccessful VolSyncCycleResult = "Successful"
	// VolSyncCycleFailed means that something of the cycle under way has failed and is tried again.
	VolSyncCycleFailed VolSyncCycleResult = "Failed"
)

// VolSyncGroupSource is how far a cluster is with sending a consistency group.
type VolSyncGroupSource struct {
	// volumeGroupSnapshotClassName is the VolumeGroupSnapshotClass that the members are snapshotted by.
	// +optional
	VolumeGroupSnapshotClassName string `json:"volumeGroupSnapshotClassName,omitempty"`
	// manual is the final sync that is asked for: final-<epoch>. Empty while cycles begin at intervals.
	// +optional
	Manual string `json:"manual,omitempty"`
	// step that the group is in.
	// +optional
	Step ReplicationGroupStep `json:"step,omitempty"`
	// current is the cycle under way; absent between cycles.
	// +optional
	Current *VolSyncCycle `json:"current,omitempty"`
	// sent are the members that were sent in it already, sorted.
	// +optional
	// +listType=atomic
	Sent []string `json:"sent,omitempty"`
	// completed are the last cycles in which every member was sent, the newest first: at most two.
	// +optional
	// +listType=atomic
	Completed []VolSyncCycle `json:"completed,omitempty"`
	// result of late: Successful or Failed.
	// +optional
	Result VolSyncCycleResult `json:"result,omitempty"`
	// message says what is wrong or awaited; empty if nothing is.
	// +optional
	Message string `json:"message,omitempty"`
}

// VolSyncCycle is one round of sending a consistency group: one snapshot of all its members.
type VolSyncCycle struct {
	// id tells it from all others of the group: <stream>.<cycle>.
	ID string `json:"id"`
	// manual is the final sync that it is; empty for one that began at its interval.
	// +optional
	Manual string `json:"manual,omitempty"`
	// time is the point in time that its snapshot is of; absent until it is taken.
	// +optional
	Time *metav1.Time `json:"time,omitempty"`
	// duration is how long it took from then until the last member was sent; absent before.
	// +optional
	Duration *metav1.Duration `json:"duration,omitempty"`
	// bytes is how much was sent of all members, as far as VolSync's movers tell.
	// +optional
	Bytes *int64 `json:"bytes,omitempty"`
}

// VolSyncGroupDestination is how far a cluster is with receiving a consistency group.
type VolSyncGroupDestination struct {
	// step that the group is in.
	// +optional
	Step ReplicationGroupStep `json:"step,omitempty"`
	// current is the cycle that is received or awaited.
	// +optional
	Current string `json:"current,omitempty"`
	// arrived are the members that have arrived of it, sorted.
	// +optional
	// +listType=atomic
	Arrived []string `json:"arrived,omitempty"`
	// committed is the last cycle of which every member has arrived; absent if there was none.
	// +optional
	Committed *VolSyncCommit `json:"committed,omitempty"`
	// message says what is wrong or awaited; empty if nothing is.
	// +optional
	Message string `json:"message,omitempty"`
}

// VolSyncCommit is a cycle of which every member has arrived, and what is kept of it.
type VolSyncCommit struct {
	// cycle is the id of the cycle.
	Cycle string `json:"cycle"`
	// time at which the image of the last member was made, by the cluster's clock.
	Time metav1.Time `json:"time"`
	// images of the members, sorted by pvcName.
	// +optional
	// +listType=map
	// +listMapKey=pvcName
	Images []VolSyncImage `json:"images,omitempty"`
}

// VolSyncImage is what is kept of a volume.
type VolSyncImage struct {
	// pvcName is the PersistentVolumeClaim that it is of.
	PVCName string `json:"pvcName"`
	// volumeSnapshotName is the VolumeSnapshot, in the application's namespace on the cluster.
	VolumeSnapshotName string `json:"volumeSnapshotName"`
}
