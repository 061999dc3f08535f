// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"testing"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// asked is a source that was given a trigger and has done nothing yet.
func asked(trigger string) *volsyncv1alpha1.ReplicationSource {
	return source(group, Claim{Name: "data", Bound: true}, copying, "198.51.100.7", trigger)
}

// synced is a source whose last trigger was answered, with a sync that ended at noon and took so long.
func synced(trigger string, took time.Duration) *volsyncv1alpha1.ReplicationSource {
	rs := asked(trigger)
	rs.Status = &volsyncv1alpha1.ReplicationSourceStatus{
		LastManualSync: trigger, LastSyncTime: &metav1.Time{Time: noon}, LastSyncDuration: &metav1.Duration{Duration: took},
		LatestMoverStatus: &volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultSuccessful},
	}
	return rs
}

// underWay is a source that answered a trigger before and syncs for the one it has now.
func underWay(before, now string) *volsyncv1alpha1.ReplicationSource {
	rs := synced(before, time.Second)
	rs.Spec.Trigger.Manual = now
	rs.Status.LastSyncStartTime = &metav1.Time{Time: noon.Add(time.Minute)}
	return rs
}

func failed(rs *volsyncv1alpha1.ReplicationSource) *volsyncv1alpha1.ReplicationSource {
	rs.Status.LatestMoverStatus = &volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultFailed}
	return rs
}

func TestTheFinalSyncIsNeverAnsweredByASyncThatBeganBefore(t *testing.T) {
	for name, tc := range map[string]struct {
		rs   *volsyncv1alpha1.ReplicationSource
		next string
		done bool
	}{
		"nothing is under way":                          {synced("sync-x", time.Second), "final-7", false},
		"a sync is under way":                           {underWay("sync-w", "sync-x"), "sync-x", false},
		"a sync was asked for and has not begun":        {asked("sync-x"), "sync-x", false},
		"a sync failed and is tried again":              {failed(underWay("sync-w", "sync-x")), "sync-x", false},
		"the final sync is under way":                   {underWay("sync-x", "final-7"), "final-7", false},
		"the final sync has succeeded":                  {synced("final-7", time.Second), "final-7-confirm", false},
		"the one that proves its image is under way":    {underWay("final-7", "final-7-confirm"), "final-7-confirm", false},
		"the one that proves its image failed":          {failed(underWay("final-7", "final-7-confirm")), "final-7-confirm", false},
		"both have succeeded":                           {synced("final-7-confirm", time.Second), "final-7-confirm", true},
		"those of an earlier epoch have succeeded":      {synced("final-6-confirm", time.Second), "final-7", false},
		"the first of an earlier epoch is under way":    {underWay("sync-x", "final-6"), "final-6", false},
		"an answer without a result proves nothing":     {failed(synced("final-7-confirm", time.Second)), "final-7-confirm", false},
		"nor does one to the first without a result":    {failed(synced("final-7", time.Second)), "final-7", false},
		"a status that lags behind the trigger is none": {underWay("final-7", "final-7"), "final-7", false},
	} {
		t.Run(name, func(t *testing.T) {
			if next := final(tc.rs, 7); next != tc.next {
				t.Errorf("next trigger %s, not %s", next, tc.next)
			}
			if done := finalDone(tc.rs, 7); done != tc.done {
				t.Errorf("done: %t", done)
			}
		})
	}
}

func TestASyncIsDueEveryIntervalWhateverCronCanSay(t *testing.T) {
	for _, interval := range []time.Duration{time.Minute, 7 * time.Minute, 90 * time.Minute, 36 * time.Hour, 45 * 24 * time.Hour} {
		last := noon
		for range 5 {
			due := nextDue(last, interval, "shop/data")
			if gap := due.Sub(last); gap <= 0 || gap > interval {
				t.Fatalf("%s: %s after the last one", interval, gap)
			}
			if again := nextDue(due, interval, "shop/data"); again.Sub(due) != interval {
				t.Fatalf("%s: the next two are %s apart", interval, again.Sub(due))
			}
			last = due
		}
	}
}

func TestVolumesThatWereProtectedAtOnceAreNotSyncedAtOnce(t *testing.T) {
	seconds := map[int64]bool{}
	for i := range 100 {
		seconds[nextDue(noon, 5*time.Minute, "shop/data-"+string(rune('a'+i%26))+string(rune('a'+i/26))).Unix()] = true
	}
	if len(seconds) < 50 {
		t.Errorf("100 volumes are synced in %d different seconds of five minutes", len(seconds))
	}
}

func TestScheduledSyncs(t *testing.T) {
	const interval = 10 * time.Minute
	last := syncAt(noon)
	due := nextDue(noon, interval, "shop/data")
	for name, tc := range map[string]struct {
		rs   *volsyncv1alpha1.ReplicationSource
		now  time.Time
		next string
		due  time.Time
	}{
		"the first at once":                           {nil, noon, syncAt(noon), time.Time{}},
		"none while one is under way":                 {underWay("before", last), noon.Add(time.Hour), last, time.Time{}},
		"none before it is due":                       {synced(last, time.Second), due.Add(-time.Second), last, due},
		"one when it is due":                          {synced(last, time.Second), due, syncAt(due), time.Time{}},
		"one after a final sync that was for nothing": {synced("final-7-confirm", time.Second), noon.Add(interval), syncAt(noon.Add(interval)), time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			next, at := scheduled(tc.rs, interval, tc.now)
			if next != tc.next || !at.Equal(tc.due) {
				t.Errorf("%s, due %s; not %s, due %s", next, at, tc.next, tc.due)
			}
		})
	}
}

func TestADestinationReceivesAgainOnlyOnceItsImageIsCut(t *testing.T) {
	image := &snapshotv1.VolumeSnapshot{Status: &snapshotv1.VolumeSnapshotStatus{ReadyToUse: ptr.To(true)}}
	rd := func(trigger, answered string) *volsyncv1alpha1.ReplicationDestination {
		return &volsyncv1alpha1.ReplicationDestination{
			Spec:   volsyncv1alpha1.ReplicationDestinationSpec{Trigger: &volsyncv1alpha1.ReplicationDestinationTriggerSpec{Manual: trigger}},
			Status: &volsyncv1alpha1.ReplicationDestinationStatus{LastManualSync: answered},
		}
	}
	for name, tc := range map[string]struct {
		rd    *volsyncv1alpha1.ReplicationDestination
		image *snapshotv1.VolumeSnapshot
		want  string
	}{
		"the first":                     {nil, nil, "receive-1"},
		"while it receives":             {rd("receive-4", "receive-3"), image, "receive-4"},
		"while its image is cut":        {rd("receive-4", "receive-4"), nil, "receive-4"},
		"once its image can be used":    {rd("receive-4", "receive-4"), image, "receive-5"},
		"after one it was told by hand": {rd("mine", "mine"), image, "receive-1"},
	} {
		if got := receipt(tc.rd, tc.image); got != tc.want {
			t.Errorf("%s: %s, not %s", name, got, tc.want)
		}
	}
}

func TestTheSyncPointIsWhenASyncBeganAndNotWhenItEnded(t *testing.T) {
	state := report(rolePrimary, synced("sync-x", 90*time.Second), nil, false)
	if want := noon.Add(-90 * time.Second); state.LastSyncTime == nil || !state.LastSyncTime.Time.Equal(want) {
		t.Errorf("%v, not %s", state.LastSyncTime, want)
	}
	if state := report(rolePrimary, asked("sync-x"), nil, false); state.LastSyncTime != nil || state.Role != replication.Primary {
		t.Errorf("never synced: %+v", state)
	}
}
