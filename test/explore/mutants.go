// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

// mutant is a product that is wrong on purpose in one decision. If the search does not notice, the search is wrong.
type mutant struct {
	name string
	// scenario in which it shows, within a bound.
	scenario string
	bound    budget
	// breaks is the invariant that is expected to notice.
	breaks invariant
	change func(*deciders)
	// after is what happens before the search begins: far more than it could find by itself in a short time.
	after []string
}

var (
	oneRequest  = budget{verbs: 1, writes: 1}
	twoRequests = budget{verbs: 2, faults: 1, writes: 1}
	oneRestore  = budget{verbs: 1, backups: 2}
	takenBack   = budget{verbs: 2, backups: 2}
	lostBetween = budget{verbs: 2, faults: 1, backups: 2}
)

var mutants = []mutant{
	{"the agent skips the epoch check", "backup", oneRestore, agentsOnlyGoForward, skipEpochCheck, nil},
	{"the hub drives agents that are ahead of it", "backup", oneRestore, agentsOnlyGoForward, driveBackwards, nil},
	{"an agent does not tell a restored hub again", "backup", oneRestore, everyActionEnds, func(d *deciders) { d.deafToRestores = true }, nil},
	{"reports that came back with a backup count", "rewind", takenBack, agentsOnlyGoForward, believeBackupsOf(anybody), nil},
	{"an abort does not ask the target", "rewind", takenBack, oneWriter, believeBackupsOf(abortedTarget), nil},
	{"who is past the point of no return asks nobody", "rewind", lostBetween, agentsOnlyGoForward, believeBackupsOf(passedSource), nil},
	{"a relocate promotes without the token", "relocate", oneRequest, nothingLost, promoteWithoutToken, nil},
	{"volumes are demoted before the final capture", "relocate", oneRequest, nothingLost, demoteBeforeCapture, nil},
	{"a stale report is taken for fresh", "failover", oneRequest, oneWriter, believeStaleReports, stoppedAndTakenBack},
	{"the source is not quiesced", "relocate", oneRequest, nothingLost, forgetQuiesce, nil},
	{"a failover restores a capture that is not complete", "captures", oneRequest, capturesAreComplete, restoreIncomplete, diedCapturing},
	{"an abort is accepted after the point of no return", "relocate", twoRequests, noReturn, abortAfterPointOfNoReturn, nil},
	{"a second action is accepted while one is under way", "relocate", twoRequests, everyActionEnds, acceptTwo, nil},
	{"an agent acts before it has noted down what it accepted", "relocate", oneRequest, everyActionEnds, actBeforeSaving, nil},
	{"the final sync need not have arrived", "relocate", oneRequest, nothingLost, ignoreResync, nil},
	{"a source that is not connected counts as stopped", "failover", twoRequests, oneWriter, disconnectedIsStopped, nil},
	{"groups are written before the status they follow from", "relocate", twoRequests, oneWriter, func(d *deciders) { d.groupsFirst = true }, nil},
	{"an epoch is used twice", "failover", twoRequests, oneWriter, reuseEpoch, nil},
	{"an action ends before the target confirms", "failover", oneRequest, everyActionEnds, endTooSoon, nil},
	{"an action that has succeeded fails afterwards", "failover", oneRequest, everyActionEnds, failAfterwards, nil},
	{"a restore that is half done is taken for done", "backup", oneRestore, everyActionEnds, takeForSettled, nil},
	{"a former primary holds on to what its successor lacks", "rewind", oneRequest, everyActionEnds, holdOn, promotedUnbeknown},
	{"a relocate goes on to a cluster that was promoted before", "rewind", oneRequest, everyActionEnds, ignorePromoted, promotedUnbeknown},
	{"a deleted primary that was failed away from goes on", "deletion", twoRequests, everyActionEnds, letGoRunning, nil},
}

// hunt searches for what a mutant breaks.
func (mu mutant) hunt() (*model, outcome, error) {
	sc, err := find(mu.scenario)
	if err != nil {
		return nil, outcome{}, err
	}
	d := theProducts()
	mu.change(&d)
	m := newModel(sc, theProducts())
	s, err := m.follow(m.begin(unbounded), mu.after)
	if err != nil {
		return nil, outcome{}, err
	}
	s.left = mu.bound
	m.decideWith(d)
	return m, m.searchFrom(s, "mutant", 0), nil
}

// promotedUnbeknown is a failover that the hub forgets while its source, which was not reachable then, writes on.
var promotedUnbeknown = []string{
	"the hub is backed up",
	"FAULT: dr1 cannot reach the hub",
	"FAULT: the hub is restored from its backup",
	"somebody asks: failover to dr2 acknowledging SourceMayStillWrite",
	"hub: the placement controller decides",
	"dr2: the agent sees its group",
	"FAULT: the hub is restored from its backup",
	"dr1 reaches the hub again",
	"dr1: the application writes a record",
}

// stoppedAndTakenBack is a failover that is aborted while its source, which has reported that it stopped, is away. When it
// returns it goes on, and its report of that is still to come.
var stoppedAndTakenBack = []string{
	"somebody asks: failover to dr2",
	"hub: the placement controller decides",
	"dr1: the agent sees its group",
	"dr1: the agent decides",
	"dr1: the agent decides",
	"dr1: the last pod ends",
	"dr1: the agent decides",
	"dr1: the agent decides",
	"dr1: the agent decides",
	"dr1: the agent reports",
	"FAULT: dr1 cannot reach the hub",
	"hub: the Lease of dr1 expires",
	"somebody asks: abort",
	"hub: the placement controller decides",
	"hub: the placement controller writes",
	"hub: the placement controller writes",
	"dr2: the agent sees its group",
	"dr2: the agent decides",
	"dr2: the agent decides",
	"dr2: the agent reports",
	"dr1 reaches the hub again",
	"dr1: the agent sees its group",
	"dr1: the agent decides",
	"dr1: the agent decides",
	"dr1: the agent decides",
	"dr1: csi-addons looks at volume 0",
	"dr1: the agent decides",
	"dr1: csi-addons looks at volume 0",
	"dr1: the agent decides",
	"dr1: the agent writes",
}

// diedCapturing is a failover whose target dies for good while its first capture is half put.
var diedCapturing = []string{
	"somebody asks: failover to dr2 acknowledging SourceMayStillWrite",
	"hub: the placement controller decides",
	"dr1: the agent sees its group",
	"dr1: the agent decides",
	"dr1: the agent decides",
	"dr1: the last pod ends",
	"dr1: the agent decides",
	"dr1: the agent decides",
	"dr1: the agent reports",
	"hub: the placement controller decides",
	"hub: the placement controller writes",
	"dr2: the agent sees its group",
	"dr2: the agent decides",
	"dr2: the agent decides",
	"dr2: the agent decides",
	"dr2: the restore ends",
	"dr2: the agent decides",
	"dr2: csi-addons looks at volume 0",
	"dr2: the agent decides",
	"dr2: the restore ends",
	"dr2: the agent decides",
	"dr2: the agent decides",
	"dr2: a capture is taken",
	"dr2: a capture goes to s3-dr1",
	"FAULT: cluster dr2 dies",
	"hub: the Lease of dr2 expires",
	"dr1: csi-addons looks at volume 0",
	"dr1: the agent decides",
	"dr1: csi-addons looks at volume 0",
	"dr1: the agent decides",
	"dr1: the agent reports",
}
