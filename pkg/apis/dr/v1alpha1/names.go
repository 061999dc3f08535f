// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "strings"

// volumePrefix begins the names by which volumes are sent that are sent by themselves; no consistency group has such a name.
const volumePrefix = "volume/"

// VolSyncGroupFor is the name by which VolSync sends a volume: that of its consistency group, or, where it has none, its own.
func VolSyncGroupFor(consistencyGroup, volume string) string {
	if consistencyGroup != "" {
		return consistencyGroup
	}
	return volumePrefix + volume
}

// SentByItself tells whether what VolSync sends by a name is a volume that is sent by itself, and which.
func SentByItself(name string) (volume string, yes bool) {
	return strings.CutPrefix(name, volumePrefix)
}

// GroupNameFor is the name of the VolumeReplicationGroup that a DRPlacementControl keeps for a
// cluster.
func GroupNameFor(placement, cluster string) string {
	return placement + "." + cluster
}

// GroupNamedFor tells whether a VolumeReplicationGroup is named as DRPlacementControls name those of the cluster.
func GroupNamedFor(name, cluster string) bool {
	return strings.HasSuffix(name, "."+cluster)
}
