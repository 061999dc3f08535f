// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
)

// A cycle with a transfer that fails is given up for a new one, of a new stream, of which the peer then hears, once it has been
// under way for several times as long as transfers took before, within bounds; stuckAfter if that is not known. What was
// transferred is not lost with it. A transfer fails for good if the peer has all of it and the source was not told.
const (
	soonestStuck = time.Minute
	stuckAfter   = 5 * time.Minute
	timesLonger  = 4
)

// stuck tells whether a cycle has been under way for long and something of it fails or is missing.
func (s *sender) stuck(snapshot *GroupSnapshot) bool {
	failing := snapshot.Trouble() != ""
	for _, m := range membersOf(snapshot.GetAnnotations()) {
		if rs := s.Sources[m]; rs != nil && !idle(rs) && rs.Status != nil && rs.Status.LatestMoverStatus != nil {
			failing = failing || rs.Status.LatestMoverStatus.Result == volsyncv1alpha1.MoverResultFailed
		}
		failing = failing || snapshot.Ready() && s.Copies[copyName(m, snapshot.cycle())] == nil
	}
	if !failing {
		return false
	}
	until := snapshot.GetCreationTimestamp().Add(s.patience())
	if s.now.Before(until) {
		s.again(until)
		return false
	}
	return true
}

// patience is how long a cycle may be under way with a transfer that fails.
func (s *sender) patience() time.Duration {
	var longest time.Duration
	for _, rs := range s.SourcesOf(s.name) {
		if rs.Status != nil && rs.Status.LastSyncDuration != nil {
			longest = max(longest, rs.Status.LastSyncDuration.Duration)
		}
	}
	if longest == 0 {
		return stuckAfter
	}
	return min(max(timesLonger*longest, soonestStuck), stuckAfter)
}
