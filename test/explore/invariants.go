// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// invariant is a promise that holds in every state.
type invariant string

const (
	oneWriter           invariant = "1 one cluster writes"
	nothingLost         invariant = "2 a relocate loses nothing"
	lossBounded         invariant = "3 a failover loses no more than preflight named"
	capturesAreComplete invariant = "4 captures are complete and stay"
	everyActionEnds     invariant = "5 every action ends once"
	agentsOnlyGoForward invariant = "6 agents only go forward"
	noReturn            invariant = "7 no abort after the point of no return"
	wayOut              invariant = "8 whatever is lost, there is a way out"
)

// violation is a state in which an invariant does not hold.
type violation struct {
	invariant invariant
	message   string
}

func (v *violation) Error() string { return fmt.Sprintf("%s: %s", v.invariant, v.message) }

func (m *model) violated(_ *state, i invariant, format string, args ...any) error {
	return &violation{i, fmt.Sprintf(format, args...)}
}

// ghost is what an onlooker knows who sees everything and keeps it all in mind. Nothing of it decides anything.
type ghost struct {
	// promotedIn is one more than the cluster that was promoted in an epoch, last the epoch of each cluster's last promotion.
	promotedIn [maxEpochs]uint8
	last       [clusters]uint8
	// needed are the records that who is promoted in an epoch must have; relocated has a bit for each relocate's epoch.
	needed    [maxEpochs]recordSet
	relocated uint16
	// exempt has a bit for each cluster of which somebody acknowledged that it may still write.
	exempt uint8
	// restored is true once the hub was restored from a backup.
	restored bool
}

// checkWriters holds in every state.
func (m *model) checkWriters(s *state) error {
	for c := range clusters {
		if !m.canWrite(s, c) {
			return nil
		}
	}
	if m.ghosts.get(s.ghost).exempt != 0 {
		return nil
	}
	return m.violated(s, oneWriter, "%s write at the same time, and nobody acknowledged that they may", strings.Join(names[:], " and "))
}

// checkPromote holds when an agent tells its storage to be primary.
func (m *model) checkPromote(s *state, c int) error {
	site, g := &s.sites[c], m.ghosts.get(s.ghost)
	epoch := m.checkpoints.get(site.checkpoint).Current().Epoch
	if before := g.promotedIn[epoch]; before != 0 && int(before) != c+1 {
		return m.violated(s, oneWriter, "%s is promoted in epoch %d, in which %s was", names[c], epoch, names[before-1])
	}
	g.promotedIn[epoch], g.last[c] = uint8(c+1), uint8(epoch) //nolint:gosec // small
	s.ghost = m.ghosts.put(g)
	return nil
}

// checkPromoted holds when a volume has become writable.
func (m *model) checkPromoted(s *state, c int, array volume) error {
	g := m.ghosts.get(s.ghost)
	epoch := g.last[c]
	has, relocated := array[c].data.set(), g.relocated&(1<<epoch) != 0
	switch lost := g.needed[epoch] &^ has; {
	case lost == 0 && !relocated:
		return nil
	case lost == 0:
		if left := array[1-c].data.set() &^ has; left != 0 {
			return m.violated(s, nothingLost, "%s was promoted in epoch %d without records %s, which %s has", names[c], epoch, list(left), names[1-c])
		}
		return nil
	case relocated:
		return m.violated(s, nothingLost, "%s was promoted in epoch %d without records %s, written before the handover", names[c], epoch, list(lost))
	default:
		return m.violated(s, lossBounded, "%s was promoted in epoch %d without records %s, written before the sync point", names[c], epoch, list(lost))
	}
}

func list(set recordSet) string {
	var out []string
	for i := range 8 {
		if set&(1<<i) != 0 {
			out = append(out, fmt.Sprint(i))
		}
	}
	return strings.Join(out, ", ")
}

// checkPlacement holds for every change of the placement. It keeps in mind what an accepted action promised.
func (m *model) checkPlacement(s *state, before, after *v1alpha1.DRPlacementControl) error {
	if after == nil {
		return nil
	}
	was, is := before.Status.CurrentAction, after.Status.CurrentAction
	if err := m.checkAction(s, before, was, is); err != nil {
		return err
	}
	if is == nil {
		return nil
	}
	g := m.ghosts.get(s.ghost)
	if was == nil || was.Name != is.Name {
		g = m.promise(s, g, before, is)
	}
	if is.Status.Abort != nil && was != nil && was.Status.Abort == nil {
		g.needed[is.Status.Abort.Epoch] = m.arrays.get(s.volumes[0])[indexOf(is.Spec.SourceCluster)].data.set()
	}
	if action.PastPointOfNoReturn(is) && slices.Contains(is.Spec.Acknowledgements, v1alpha1.AckSourceMayStillWrite) &&
		(was == nil || was.Name != is.Name || !action.PastPointOfNoReturn(was)) {
		g.exempt |= 1 << (1 - indexOf(is.Spec.TargetCluster))
	}
	if is.Status.Abort != nil && slices.Contains(is.Spec.Acknowledgements, v1alpha1.AckTargetMayStillWrite) {
		g.exempt |= 1 << indexOf(is.Spec.TargetCluster)
	}
	s.ghost = m.ghosts.put(g)
	return nil
}

// promise keeps in mind what must not be lost by an action that was accepted.
func (m *model) promise(s *state, g ghost, before *v1alpha1.DRPlacementControl, is *v1alpha1.ActionRecord) ghost {
	source := indexOf(before.Status.PrimaryCluster)
	if source < 0 {
		return g
	}
	held, epoch := m.arrays.get(s.volumes[0])[source].data, is.Spec.Epoch
	g.relocated &^= 1 << epoch
	g.needed[epoch] = 0
	if is.Spec.Type == v1alpha1.ActionRelocate {
		g.relocated |= 1 << epoch
	} else if w := is.Status.DataLossWindow; w != nil {
		g.needed[epoch] = held.until(clockOf(w.SyncPoint.Time))
	}
	return g
}

func (m *model) checkAction(s *state, before *v1alpha1.DRPlacementControl, was, is *v1alpha1.ActionRecord) error {
	switch {
	case was == nil:
		return nil
	case is == nil:
		return m.violated(s, everyActionEnds, "%s is forgotten", was.Name)
	case was.Name != is.Name:
		target := indexOf(was.Spec.TargetCluster)
		if !action.Ended(was) && (!action.PastPointOfNoReturn(was) || s.hub.connected[target]) {
			return m.violated(s, everyActionEnds, "%s was accepted while %s is under way", is.Name, was.Name)
		}
		return nil
	case action.Ended(was) && ending(was.Status) != ending(is.Status):
		return m.violated(s, everyActionEnds, "%s ended as %s and then as %s", is.Name, ending(was.Status), ending(is.Status))
	case was.Status.Abort == nil && is.Status.Abort != nil && action.PastPointOfNoReturn(was):
		return m.violated(s, noReturn, "%s is aborted although %s is being promoted", is.Name, is.Spec.TargetCluster)
	}
	return nil
}

// ending is how an action has ended; empty while it has not.
func ending(status v1alpha1.DRActionStatus) string {
	c := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionComplete)
	if c == nil || c.Status != "True" {
		return ""
	}
	return c.Reason
}

// checkRecords holds for every change of the records.
func (m *model) checkRecords(s *state, before, after ref) error {
	for _, r := range m.actionSets.get(before) {
		was := m.actions.get(r)
		for _, r := range m.actionSets.get(after) {
			if is := m.actions.get(r); is.Name == was.Name && ending(was.Status) != "" && ending(is.Status) != ending(was.Status) {
				return m.violated(s, everyActionEnds, "the record of %s says %q and then %q", is.Name, ending(was.Status), ending(is.Status))
			}
		}
	}
	return nil
}

// checkCommand holds for every group that the hub writes.
func (m *model) checkCommand(s *state, c int, group *v1alpha1.VolumeReplicationGroup) error {
	if group == nil || group.Spec.ReplicationState != v1alpha1.Primary || group.DeletionTimestamp != nil {
		return nil
	}
	placement := m.placements.get(s.hub.placement)
	if placement == nil || group.Spec.Action == v1alpha1.VRGActionAbort || group.Spec.Action == "" {
		return nil
	}
	status := placement.Status
	if status.PrimaryCluster != names[c] && status.Epoch <= group.Spec.Epoch {
		return m.violated(s, oneWriter, "%s is told to be primary in epoch %d although it is stored that %s is", names[c], group.Spec.Epoch, status.PrimaryCluster)
	}
	return nil
}

// checkHeir holds when the hub has decided to tell a cluster to become primary: that the other, which it could have asked,
// did not become primary later.
func (m *model) checkHeir(s *state) error {
	last := m.ghosts.get(s.ghost).last
	for _, w := range m.hubPlans.get(s.hub.plan) {
		if w.op != hubUpdate {
			continue
		}
		before, after := m.groups.get(w.base), m.groups.get(w.becomes)
		own := m.checkpoints.get(s.sites[w.c].checkpoint)
		already := isPrimary(own) && own.Current().Epoch == after.Spec.Epoch
		if after.Spec.ReplicationState != v1alpha1.Primary || before.Spec.Epoch == after.Spec.Epoch || already {
			continue
		}
		if other := 1 - w.c; s.hub.connected[other] && s.reachable(other) && int64(last[other]) > after.Spec.Epoch {
			return m.violated(s, agentsOnlyGoForward, "%s is told to be primary in epoch %d although %s, which can be asked, became primary in epoch %d",
				names[w.c], after.Spec.Epoch, names[other], last[other])
		}
	}
	return nil
}

// checkCheckpoint holds for everything that an agent accepts or notes down.
func (m *model) checkCheckpoint(s *state, c int, before, after *checkpoint.Checkpoint) error {
	was, is := before.Current(), after.Current()
	switch {
	case is.Epoch < was.Epoch:
		return m.violated(s, agentsOnlyGoForward, "the agent of %s went from epoch %d to %d", names[c], was.Epoch, is.Epoch)
	case before != nil && (was.State != is.State || was.Epoch != is.Epoch) && s.sites[c].watched == 0:
		return m.violated(s, agentsOnlyGoForward, "the agent of %s changed its role without the hub", names[c])
	case after.Token != nil && (before == nil || before.Token == nil):
		return m.checkToken(s, c, after.Token)
	}
	return nil
}

// checkToken holds when a handover token is issued.
func (m *model) checkToken(s *state, c int, token *v1alpha1.HandoverToken) error {
	if pods := s.sites[c].pods; pods == podsRunning || pods == podsStopping {
		return m.violated(s, nothingLost, "%s hands over while the application runs", names[c])
	}
	if !m.complete(s, archive.Ref{Epoch: token.Epoch, ID: token.CaptureID}) {
		return m.violated(s, nothingLost, "%s hands over with capture %s, which is complete nowhere", names[c], token.CaptureID)
	}
	g := m.ghosts.get(s.ghost)
	for v := range m.scenario.volumes {
		array := m.arrays.get(s.volumes[v])
		if left := array[c].data.set() &^ array[1-c].data.set(); left != 0 {
			return m.violated(s, nothingLost, "%s hands over although %s does not have records %s", names[c], names[1-c], list(left))
		}
		g.needed[token.Epoch] |= array[c].data.set()
	}
	s.ghost = m.ghosts.put(g)
	return nil
}

// checkRestore holds for every capture that is restored.
func (m *model) checkRestore(s *state, c int, found *archive.Found) error {
	if !m.complete(s, found.Ref) {
		return m.violated(s, capturesAreComplete, "%s restores capture %s, which is complete nowhere", names[c], found.Ref)
	}
	return nil
}

func (m *model) complete(s *state, r archive.Ref) bool {
	for p := range m.profiles() {
		if slices.Contains(completeIn(m.contents.get(s.stores[p])), r) {
			return true
		}
	}
	return false
}

// completeIn lists the captures that have a manifest, the newest last.
func completeIn(objects map[string][]byte) (refs []archive.Ref) {
	for key := range objects {
		if strings.HasSuffix(key, "/manifest.json") {
			refs = append(refs, refOf(key))
		}
	}
	slices.SortFunc(refs, archive.Ref.Compare)
	return refs
}

// checkStore holds for every change of an object store but the deletion of all captures.
func (m *model) checkStore(s *state, p int, before ref) error {
	was, is := completeIn(m.contents.get(before)), completeIn(m.contents.get(s.stores[p]))
	if len(was) == 0 {
		return nil
	}
	if last := was[len(was)-1]; len(is) == 0 || is[len(is)-1].Compare(last) < 0 {
		return m.violated(s, capturesAreComplete, "%s lost its last complete capture, %s", profile(p), last)
	}
	return nil
}
