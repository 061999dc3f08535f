// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "strings"

// GroupNameFor is the name of the VolumeReplicationGroup that a DRPlacementControl keeps for a
// cluster.
func GroupNameFor(placement, cluster string) string {
	return placement + "." + cluster
}

// GroupNamedFor tells whether a VolumeReplicationGroup is named as DRPlacementControls name those of the cluster.
func GroupNamedFor(name, cluster string) bool {
	return strings.HasSuffix(name, "."+cluster)
}
