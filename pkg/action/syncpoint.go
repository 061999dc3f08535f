// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// SyncPoint is the point in time up to which every volume of the primary is known to be with its peer: what the primary
// reports, unless the peer has not kept all yet of what it was sent last. Then it is what was known before.
func SyncPoint(primary, peer *v1alpha1.VolumeReplicationGroup, known *metav1.Time) *metav1.Time {
	if primary.Status.LastGroupSyncTime == nil {
		return nil
	}
	for i := range primary.Status.ProtectedPVCs {
		row := &primary.Status.ProtectedPVCs[i]
		if row.ReplicationMethod.ByVolSync() && !arrived(v1alpha1.VolSyncGroupFor(row.ConsistencyGroup, row.Name), primary, peer) {
			return known
		}
	}
	return primary.Status.LastGroupSyncTime
}

// arrived tells whether a peer keeps all of the cycle that the primary sent last.
func arrived(name string, primary, peer *v1alpha1.VolumeReplicationGroup) bool {
	sent, received := SentAsOne(primary, name), SentAsOne(peer, name)
	return sent.Cycle > 0 && sent.Stream == received.Stream && received.Cycle >= sent.Cycle
}

// SentAsOne is what a group says of what VolSync sends as one, by its name; nothing if it does not know it.
func SentAsOne(of *v1alpha1.VolumeReplicationGroup, name string) v1alpha1.VolSyncGroupStatus {
	if of != nil && of.Status.VolSync != nil {
		for _, g := range of.Status.VolSync.Groups {
			if g.Name == name {
				return g
			}
		}
	}
	return v1alpha1.VolSyncGroupStatus{}
}
