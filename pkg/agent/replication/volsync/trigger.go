// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
)

// A ReplicationSource is synced by manual triggers only: by the time at which a sync is due, or by the epoch of the final
// one. VolSync repeats the trigger in status.lastManualSync when a sync ends, and it repeats what the trigger is by then: a
// trigger written while a sync is under way is answered by that one, which began before. So a trigger is written only
// while nothing is under way.
const (
	triggerSync = "sync-"
	// triggerReceive, with a number, is a destination's.
	triggerReceive = "receive-"
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

func succeeded(rs *volsyncv1alpha1.ReplicationSource) bool {
	return idle(rs) && rs.Status.LatestMoverStatus != nil && rs.Status.LatestMoverStatus.Result == volsyncv1alpha1.MoverResultSuccessful
}

// scheduled is the trigger of a source that is to be synced every interval, and when the next one is due if it is not.
func scheduled(rs *volsyncv1alpha1.ReplicationSource, interval time.Duration, now time.Time) (string, time.Time) {
	if rs == nil {
		return syncAt(now), time.Time{}
	}
	if !idle(rs) {
		return trigger(rs), time.Time{}
	}
	due := nextDue(began(rs), interval, rs.Namespace+"/"+rs.Name)
	if now.Before(due) {
		return trigger(rs), due
	}
	return syncAt(now), time.Time{}
}

func syncAt(t time.Time) string { return triggerSync + t.UTC().Format(time.RFC3339) }

// began is when the last sync was triggered.
func began(rs *volsyncv1alpha1.ReplicationSource) time.Time {
	if text, ok := strings.CutPrefix(trigger(rs), triggerSync); ok {
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return t
		}
	}
	if point := syncPoint(rs.Status.LastSyncTime, rs.Status.LastSyncDuration); point != nil {
		return point.Time
	}
	return time.Time{}
}

// nextDue is the first point in time after last of those that are an interval apart. Each name has its own, so that volumes
// that were protected at once are not synced at once ever after.
func nextDue(last time.Time, interval time.Duration, name string) time.Time {
	if interval <= 0 {
		return last
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name))
	offset := int64(hash.Sum64() % uint64(interval))
	since := last.UnixNano() - offset
	rounds := since / int64(interval)
	if since < 0 && since%int64(interval) != 0 {
		rounds--
	}
	return time.Unix(0, (rounds+1)*int64(interval)+offset)
}

// final is the trigger of a source that is to be synced a last time in an epoch. What is under way comes to its end first.
func final(rs *volsyncv1alpha1.ReplicationSource, epoch int64) string {
	first, second := fmt.Sprintf(triggerFinal, epoch), fmt.Sprintf(triggerConfirm, epoch)
	switch now := trigger(rs); {
	case !idle(rs) || now == second:
		return now
	case now == first:
		if succeeded(rs) {
			return second
		}
		return now
	default:
		return first
	}
}

// receipt is the trigger of a destination, which receives once for each. VolSync would have it receive again while the
// snapshot of what came last is still being cut, and mix what comes next into it: so it is told to only once that is done.
func receipt(rd *volsyncv1alpha1.ReplicationDestination, image *snapshotv1.VolumeSnapshot) string {
	now := ""
	if rd != nil && rd.Spec.Trigger != nil {
		now = rd.Spec.Trigger.Manual
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(now, triggerReceive), 10, 64)
	if err != nil {
		return triggerReceive + "1"
	}
	if rd.Status == nil || rd.Status.LastManualSync != now || image == nil {
		return now
	}
	return triggerReceive + strconv.FormatInt(n+1, 10)
}

// finalDone tells whether the peer has made an image of what was written up to the final sync.
func finalDone(rs *volsyncv1alpha1.ReplicationSource, epoch int64) bool {
	if rs == nil || !succeeded(rs) {
		return false
	}
	if s, inGroup := parseSending(trigger(rs)); inGroup {
		return s.final == finalConfirm(epoch)
	}
	return trigger(rs) == finalConfirm(epoch)
}
