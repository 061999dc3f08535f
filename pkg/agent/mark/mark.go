// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package mark has the annotations and labels the agent puts on objects of its cluster.
package mark

const (
	// Owner names the VolumeReplicationGroup, as <namespace>/<name>, that a PersistentVolumeClaim is protected by or that
	// an object was restored for.
	Owner = "dr.ramen.io/volumereplicationgroup"
	// Method is how a PersistentVolumeClaim is replicated, noted with its owner. It travels with captures, so that what the
	// claim got stays as it is wherever it is.
	Method = "dr.ramen.io/replication-method"
	// Replicas is the scale a workload had before it was quiesced.
	Replicas = "dr.ramen.io/replicas"
	// ReclaimPolicy is the policy a PersistentVolume had before it was protected.
	ReclaimPolicy = "dr.ramen.io/reclaim-policy"
	// CopyOf names the VolumeReplicationGroup, as <namespace>/<name>, that a PersistentVolumeClaim was a secondary of when the
	// group was deleted. Should there be such a group again, what it copies is what the claim had.
	CopyOf = "dr.ramen.io/copy-of"
	// VolSync is what a PersistentVolumeClaim that VolSync replicates was last told to be.
	VolSync = "dr.ramen.io/volsync-role"
	// SnapshotGroup labels the claims that are snapshotted as one, with their group's name.
	SnapshotGroup = "dr.ramen.io/snapshot-group"
	// Shared is the role of a PersistentVolumeClaim whose storage both clusters reach.
	Shared = "dr.ramen.io/shared-role"
	// Restored is the epoch in which a PersistentVolumeClaim was put in place from a copy.
	Restored = "dr.ramen.io/restored-epoch"
	// VolumeGroup labels the claims that csi-addons replicates as one, with their group's name.
	VolumeGroup = "dr.ramen.io/volume-group"
	// VolumeGroupJoined is when a claim had become one of a group that was replicated already; empty until it has.
	VolumeGroupJoined = "dr.ramen.io/volume-group-joined"
	// VolumeHandles are those that a restored group was captured with.
	VolumeHandles = "dr.ramen.io/volume-handles"
	// LookedAt is changed to have a controller look at an object.
	LookedAt = "dr.ramen.io/looked-at"
	// ManagedBy labels what the agent creates for itself.
	ManagedBy = "app.kubernetes.io/managed-by"
	// Agent is the value of ManagedBy, and the agent's field manager.
	Agent = "dr-agent"
	// Checkpoint labels the agent's checkpoints.
	Checkpoint = "dr.ramen.io/checkpoint"
)

// IsOurs tells the keys of annotations and labels that say something about this cluster only and do not travel.
func IsOurs(key string) bool {
	switch key {
	case Owner, CopyOf, Replicas, ReclaimPolicy, VolSync, SnapshotGroup, Shared, Restored, VolumeGroup, VolumeGroupJoined, VolumeHandles, LookedAt:
		return true
	default:
		return false
	}
}
