// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"slices"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
)

// A cycle is given up for a new one, of a new stream, if what is to be sent can't be had, or if it fails and the peer does not wait
// for it: for an earlier one, as the hub says, since it has lost what it had, or perhaps not for the same of its members. That
// takes several times as long as transfers took before, within bounds; stuckAfter if that is not known. What was transferred is
// not lost with it.
const (
	soonestStuck = time.Minute
	stuckAfter   = 5 * time.Minute
	timesLonger  = 4
)

// stuck tells whether a cycle has been under way for long and can't come to its end.
func (s *sender) stuck(snapshot *GroupSnapshot) bool {
	members := membersOf(snapshot.GetAnnotations())
	lost := snapshot.Trouble() != "" || snapshot.Ready() && slices.ContainsFunc(members, func(m string) bool {
		return s.Copies[copyName(m, snapshot.cycle())] == nil
	})
	var sources []*volsyncv1alpha1.ReplicationSource
	for _, rs := range s.SourcesOf(s.name) {
		sources = append(sources, rs)
	}
	wanted := s.wantedOf(snapshot)
	arrived, told := s.hasArrivedOf(s.name, wanted.stream)
	astray := told && arrived < wanted.number-1 || slices.ContainsFunc(members, func(m string) bool { return sentAs(s.Sources[m], wanted) })
	lost = lost || astray && slices.ContainsFunc(sources, failing)
	return lost && s.over(snapshot.GetCreationTimestamp().Add(patience(sources...)))
}

// patience is how long sources may be at a cycle that they can't send.
func patience(sources ...*volsyncv1alpha1.ReplicationSource) time.Duration {
	var longest time.Duration
	for _, rs := range sources {
		if rs.Status != nil && rs.Status.LastSyncDuration != nil {
			longest = max(longest, rs.Status.LastSyncDuration.Duration)
		}
	}
	if longest == 0 {
		return stuckAfter
	}
	return min(max(timesLonger*longest, soonestStuck), stuckAfter)
}
