// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package dr

// ReplicationMethod is how a volume's bytes travel.
type ReplicationMethod string

// PeerClasses is a list of storage classes that have a peer.
type PeerClasses struct {
	PeerClasses []PeerClass
}

// PeerClass is a storage class that two clusters have under the same name, and how its volumes get from one to the other.
type PeerClass struct {
	StorageClassName   string
	Method             ReplicationMethod
	ReplicationID      string
	GroupReplicationID string
	Grouping           bool
	StorageID          []string
	Clusters           []string
}

// UnpairedClass is a storage class whose volumes can't be protected under the policy.
type UnpairedClass struct {
	StorageClassName string
	Message          string
}
