// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
)

// A ReplicationSource is synced by manual triggers only: each is a cycle. VolSync repeats the trigger in status.lastManualSync
// when a sync ends, and it repeats what the trigger is by then: a trigger written while a sync is under way is answered by that
// one, which began before. So a trigger is written only while nothing is under way, or has come to stand still.
const (
	// A sync ends for the source once the destination's mover has everything; the destination makes an image of it
	// afterwards. It does not receive again before that. So a second sync that succeeds proves the image of the first.
	triggerFinal, triggerConfirm = "final-%d", "final-%d-confirm"
	confirmSuffix                = "-confirm"
	// quietEvery is how often a source or destination that was paused is looked at, until nothing of it runs.
	quietEvery = 2 * time.Second
)

func finalConfirm(epoch int64) string { return fmt.Sprintf(triggerConfirm, epoch) }

// isFirstFinal tells the first of the two that a final sync is.
func isFirstFinal(final string) bool { return final != "" && !strings.HasSuffix(final, confirmSuffix) }

func trigger(rs *volsyncv1alpha1.ReplicationSource) string {
	if rs.Spec.Trigger == nil {
		return ""
	}
	return rs.Spec.Trigger.Manual
}

// idle tells whether the last trigger was answered and nothing is under way.
func idle(rs *volsyncv1alpha1.ReplicationSource) bool {
	return rs.Status != nil && rs.Status.LastSyncStartTime.IsZero() && trigger(rs) != "" && rs.Status.LastManualSync == trigger(rs)
}

// begins tells whether a source is about to be told to sync, while nothing is under way.
func begins(rs *volsyncv1alpha1.ReplicationSource) bool {
	return rs.Status != nil && rs.Status.LastSyncStartTime.IsZero() && !rs.Spec.Paused && trigger(rs) != rs.Status.LastManualSync
}

func succeeded(rs *volsyncv1alpha1.ReplicationSource) bool {
	return idle(rs) && rs.Status.LatestMoverStatus != nil && rs.Status.LatestMoverStatus.Result == volsyncv1alpha1.MoverResultSuccessful
}

// failing tells whether what a source is at has failed, and is tried again.
func failing(rs *volsyncv1alpha1.ReplicationSource) bool {
	return !idle(rs) && rs.Status != nil && rs.Status.LatestMoverStatus != nil && rs.Status.LatestMoverStatus.Result == volsyncv1alpha1.MoverResultFailed
}

// nextDue is the first point in time after last of those that are an interval apart. Each name has its own, so that volumes
// that were protected at once are not synced at once ever after. It is a whole second, as triggers say when a sync began: what is
// due within a second would be due again in it.
func nextDue(last time.Time, interval time.Duration, name string) time.Time {
	if interval <= 0 {
		return last
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name))
	offset := int64(hash.Sum64()%uint64(max(interval, time.Second)/time.Second)) * int64(time.Second)
	since := last.UnixNano() - offset
	rounds := since / int64(interval)
	if since < 0 && since%int64(interval) != 0 {
		rounds--
	}
	return time.Unix(0, (rounds+1)*int64(interval)+offset)
}

// final is what a source is to send that is to be synced a last time in an epoch, and has answered what it was told last.
func final(rs *volsyncv1alpha1.ReplicationSource, last sending, epoch int64, now time.Time) sending {
	first, second := fmt.Sprintf(triggerFinal, epoch), finalConfirm(epoch)
	switch {
	case last.final == second, last.final == first && !succeeded(rs):
		return last
	case last.final == first:
		return sending{last.next(), now, second}
	default:
		return sending{last.next(), now, first}
	}
}

// finalDone tells whether the peer has made an image of what was written up to the final sync.
func finalDone(rs *volsyncv1alpha1.ReplicationSource, epoch int64) bool {
	if rs == nil || !succeeded(rs) {
		return false
	}
	s, ours := parseSending(trigger(rs))
	return ours && s.final == finalConfirm(epoch)
}
