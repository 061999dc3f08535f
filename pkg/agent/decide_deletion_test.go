// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func TestDeletionLeavesTheApplicationAndNothingElse(t *testing.T) {
	deletedGroup := func(w world) world {
		w.Group.DeletionTimestamp = &metav1.Time{Time: now}
		return w
	}
	run(t, map[string]row{
		"replication is ended first": {
			world: deletedGroup(primaryWorld().with(vol("a", promoted), vol("b", ending))), does: []string{"release a", "release b"},
			state: v1alpha1.UnknownState, says: []string{"DataReady=False Deleting shop/a"},
		},
		"and hurried where it takes long": {
			world: deletedGroup(primaryWorld().with(vol("a", promoted), vol("b", ending))).unanswered("b", time.Minute),
			does:  []string{"refresh b", "release a", "release b"}, state: v1alpha1.UnknownState,
		},
		"a primary deletes its captures":                   {world: deletedGroup(primaryWorld().with(vol("a", unclaimed))), does: []string{"clear"}},
		"a secondary leaves them to the primary":           {world: deletedGroup(standingBy()), does: []string{"forget"}},
		"then it is forgotten":                             {world: func() world { w := deletedGroup(primaryWorld()); w.Cleared = true; return w }(), does: []string{"forget"}},
		"also if it was never accepted":                    {world: func() world { w := deletedGroup(primaryWorld()); w.Checkpoint = nil; return w }(), does: []string{"forget"}},
		"volumes of other groups stay theirs":              {world: deletedGroup(standingBy().with(vol("a", foreign))), does: []string{"forget"}},
		"a claim that is being deleted anyway is released": {world: deletedGroup(primaryWorld().with(vol("a", promoted, deleted))), does: []string{"release a"}},
		"who was failed away from learns that first":       {world: deletedGroup(failedAwayUnawares()), does: []string{"save"}},
		"and stops the application before anything else": {
			world: deletedGroup(givingWay().with(vol("a", promoted))), does: []string{"quiesce"}, state: v1alpha1.UnknownState,
			says: []string{"Quiesced=False Stopping"},
		},
		"volumes that have all that the peer has are noted to be copies": {
			world: deletedGroup(givingWay().with(vol("a", inSync, by(v1alpha1.MethodVolumeReplication)))).stopped(), state: v1alpha1.UnknownState,
			does: []string{"copy a", "quiesce", "release a"},
		},
		"those that have not are not": {
			world: deletedGroup(givingWay().with(vol("a", behind, by(v1alpha1.MethodVolumeReplication)))).stopped(), state: v1alpha1.UnknownState,
			does: []string{"quiesce", "release a"},
		},
		"nor those whose bytes come in other volumes": {
			world: deletedGroup(givingWay().with(vol("a", inSync, by(v1alpha1.MethodVolSync)))).stopped(), state: v1alpha1.UnknownState,
			does: []string{"quiesce", "release a"},
		},
		"then its volumes are released": {world: deletedGroup(givingWay().with(vol("a", promoted)).stopped()), does: []string{"quiesce", "release a"}, state: v1alpha1.UnknownState},
	})
}

// failedAwayUnawares is a primary that hears of the failover and the deletion at the same time.
func failedAwayUnawares() world {
	w := primaryWorld().with(vol("a", promoted))
	w.Group = w.Group.DeepCopy()
	w.Group.Spec.Epoch, w.Group.Spec.ReplicationState, w.Group.Spec.Action = epoch+1, v1alpha1.Secondary, v1alpha1.VRGActionFailover
	return w
}
