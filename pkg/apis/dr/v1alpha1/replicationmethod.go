// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ByStorage tells whether storage keeps a copy of the volume in sync, which has the same handle on both clusters.
func (m ReplicationMethod) ByStorage() bool {
	return m == MethodVolumeReplication || m == MethodVolumeGroupReplication
}

// ByVolSync tells whether the peer makes a volume of its own, of the last snapshot that VolSync brought it.
func (m ReplicationMethod) ByVolSync() bool {
	return m == MethodVolSync || m == MethodVolSyncGroup
}

// Grouped tells whether several volumes are replicated at one point in time.
func (m ReplicationMethod) Grouped() bool {
	return m == MethodVolumeGroupReplication || m == MethodVolSyncGroup
}
