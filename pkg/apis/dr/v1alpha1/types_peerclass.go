// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ReplicationMethod is how a volume's bytes travel.
// +enum
type ReplicationMethod string

const (
	// MethodVolumeReplication is replication by the storage, driven by csi-addons VolumeReplication.
	MethodVolumeReplication ReplicationMethod = "VolumeReplication"
	// MethodVolumeGroupReplication is replication by the storage of several volumes at one point in time, driven by
	// csi-addons VolumeGroupReplication.
	MethodVolumeGroupReplication ReplicationMethod = "VolumeGroupReplication"
	// MethodVolSync copies snapshots of the volume to the peer, by VolSync.
	MethodVolSync ReplicationMethod = "VolSync"
	// MethodVolSyncGroup copies a snapshot taken of several volumes at one point in time, by VolSync.
	MethodVolSyncGroup ReplicationMethod = "VolSyncGroup"
	// MethodShared replicates nothing: both clusters reach the same storage, and the one that must not write is fenced off.
	MethodShared ReplicationMethod = "Shared"
)

// PeerClasses is a list of storage classes that have a peer.
type PeerClasses struct {
	// peerClasses, sorted by storage class name.
	// +optional
	// +listType=atomic
	PeerClasses []PeerClass `json:"peerClasses,omitempty"`
}

// PeerClass is a storage class that two clusters have under the same name, and how its volumes get from one to the other.
type PeerClass struct {
	// storageClassName on both clusters.
	StorageClassName string `json:"storageClassName"`
	// method by which its volumes are replicated: VolumeReplication, VolumeGroupReplication, VolSync, VolSyncGroup or
	// Shared. Empty, as in early versions, means VolumeReplication.
	// +optional
	Method ReplicationMethod `json:"method,omitempty"`
	// replicationID that the VolumeReplicationClasses of both clusters share.
	// +optional
	ReplicationID string `json:"replicationID,omitempty"`
	// groupReplicationID that the VolumeGroupReplicationClasses of both clusters share.
	// +optional
	GroupReplicationID string `json:"groupReplicationID,omitempty"`
	// grouping is true if the volumes of an application are replicated together, at one point in time.
	// +optional
	Grouping bool `json:"grouping,omitempty"`
	// storageID of the storage class on each cluster, in the order of the policy's drClusters; one where it is the same.
	// +optional
	// +listType=atomic
	StorageID []string `json:"storageID,omitempty"`
	// clusters in the order of the policy's drClusters.
	// +optional
	// +listType=atomic
	Clusters []string `json:"clusters,omitempty"`
}

// UnpairedClass is a storage class whose volumes can't be protected under the policy.
type UnpairedClass struct {
	// storageClassName on one or both of the clusters.
	StorageClassName string `json:"storageClassName"`
	// message says what is missing, and on which cluster.
	Message string `json:"message"`
}
