// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

const (
	clusters   = 2
	maxVolumes = 2
	maxEpochs  = 10
	maxRecords = 7
)

var names = [clusters]string{"dr1", "dr2"}

func indexOf(cluster string) int {
	for i, name := range names {
		if name == cluster {
			return i
		}
	}
	return -1
}

// state is the whole system at one moment. It is small and comparable: what is large is kept in tables.
type state struct {
	hub     hubState
	sites   [clusters]siteState
	volumes [maxVolumes]ref
	stores  [clusters]ref
	// clock counts the records written; it is the time of everything.
	clock uint8
	// storageCut is true while the two arrays cannot reach each other; dead object stores do not answer.
	storageCut bool
	storeDead  [clusters]bool
	left       budget
	ghost      ref
}

// hubState is what the hub has stored, what its controllers have in their caches, and what they are about to do.
type hubState struct {
	placement ref
	groups    [clusters]ref
	actions   ref
	// seen is what the controllers have in their caches.
	seenPlacement ref
	seenGroups    [clusters]ref
	// plan is what is left to write of the placement controller's last decision; verb is a request that was judged and
	// is about to be stored, record one whose DRAction is about to be written.
	plan, verb, record ref
	// connected is what the hub believes, session the run that it is in.
	connected [clusters]bool
	session   uint8
	// backup is what was saved of the hub.
	backup ref
}

// siteState is a cluster: its agent, its part of the volumes, and the application.
type siteState struct {
	// up is true while the agent runs, cut while it cannot reach the hub, dead while nothing of the cluster runs.
	up, cut, dead bool
	watched       ref
	checkpoint    ref
	memory        ref
	plan          ref
	// wanted is the status that the agent wants the hub to have, base the one it believes the hub has. ahead is true if
	// it has seen a version later than any the hub, restored from a backup, gives now.
	wanted, base ref
	ahead        bool
	// late is a report that is still under way although its sender has given it up.
	late   ref
	claims [maxVolumes]claimState
	vrs    [maxVolumes]ref
	pods   podState
	// restored is true if the application's objects here came from a capture.
	restored bool
}

type claimState uint8

const (
	claimAbsent claimState = iota
	claimPlain
	claimOwned
)

type podState uint8

const (
	podsAbsent podState = iota
	podsRunning
	podsStopping
	podsStopped
)

// budget is how much may still happen.
type budget struct {
	verbs, faults, crashes, writes, backups int8
}

// saved is a backup of the hub.
type saved struct {
	placement, actions ref
	groups             [clusters]ref
}

// reachable tells whether the agent of a cluster and the hub can talk.
func (s *state) reachable(c int) bool { return s.sites[c].up && !s.sites[c].cut && !s.sites[c].dead }

// linked tells whether the arrays can reach each other.
func (s *state) linked() bool { return !s.storageCut && !s.sites[0].dead && !s.sites[1].dead }
