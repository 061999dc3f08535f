// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// SyncPoint is the point in time up to which every volume of the primary is known to be with its peer: what the primary
// reports, unless the peer has not made an image yet of what it was sent last. Then it is what was known before.
func SyncPoint(primary, peer *v1alpha1.VolumeReplicationGroup, known *metav1.Time) *metav1.Time {
	if primary.Status.LastGroupSyncTime == nil {
		return nil
	}
	for i := range primary.Status.ProtectedPVCs {
		row := &primary.Status.ProtectedPVCs[i]
		if row.ReplicationMethod == v1alpha1.MethodVolSync && !arrived(row, peer) ||
			row.ReplicationMethod == v1alpha1.MethodVolSyncGroup && !groupArrived(row.ConsistencyGroup, primary, peer) {
			return known
		}
	}
	return primary.Status.LastGroupSyncTime
}

// arrived tells whether a peer has completed an image since the last sync of a volume began. It did not receive again
// before it had completed the image of the sync before; an image completed since is of this one. Times are whole seconds, and
// one completed in the second in which the sync began may be of the sync before.
func arrived(row *v1alpha1.ProtectedPVC, peer *v1alpha1.VolumeReplicationGroup) bool {
	if row.LastSyncTime == nil || peer == nil || peer.Status.VolSync == nil {
		return false
	}
	return slices.ContainsFunc(peer.Status.VolSync.Destinations, func(d v1alpha1.VolSyncDestinationStatus) bool {
		return d.Name == row.Name && row.LastSyncTime.Before(d.LastSyncTime)
	})
}

// groupArrived tells whether a peer keeps all members of the cycle that the primary sent last.
func groupArrived(name string, primary, peer *v1alpha1.VolumeReplicationGroup) bool {
	sent, received := volSyncGroup(primary, name), volSyncGroup(peer, name)
	return sent.Cycle > 0 && sent.Stream == received.Stream && received.Cycle >= sent.Cycle
}

// volSyncGroup is what a group says of a consistency group; nothing if it does not know it.
func volSyncGroup(of *v1alpha1.VolumeReplicationGroup, name string) v1alpha1.VolSyncGroup {
	if of != nil && of.Status.VolSync != nil {
		for _, g := range of.Status.VolSync.Groups {
			if g.Name == name {
				return g.VolSyncGroup
			}
		}
	}
	return v1alpha1.VolSyncGroup{}
}
