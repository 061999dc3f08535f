// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"time"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

// Liveness tells which clusters' agents are connected.
type Liveness interface {
	Connected(cluster string, now time.Time) bool
}

// withFreshness fills in how far each cluster's report can still be believed. The rows are copied first: what the store
// returned may share them with its cache.
func withFreshness(placement *dr.DRPlacementControl, liveness Liveness, now time.Time) {
	views := make([]dr.ClusterView, len(placement.Status.Clusters))
	copy(views, placement.Status.Clusters)
	for i := range views {
		views[i].Freshness = dr.Stale
		if liveness.Connected(views[i].Name, now) {
			views[i].Freshness = dr.Fresh
		}
	}
	placement.Status.Clusters = views
}

// forgetComputed takes off what is computed when read, so that it is neither stored nor makes two statuses differ.
func forgetComputed(placement *dr.DRPlacementControl) {
	for i := range placement.Status.Clusters {
		placement.Status.Clusters[i].Freshness = ""
	}
}
