// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"strings"
	"testing"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// byItself is the name by which the claim data is sent.
const byItself = "volume/data"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// cycleAt is what a source was told at noon to send: a cycle of the stream k1, as a final sync or not.
func cycleAt(number int64, final ...string) string {
	return sending{cycle{"k1", number}, noon, strings.Join(final, "")}.String()
}

// asked is a source that was given a trigger and has done nothing yet.
func asked(trigger string) *volsyncv1alpha1.ReplicationSource {
	rs := source(group, Claim{Name: "data", Bound: true}, copying, "198.51.100.7", trigger)
	rs.Annotations[annotationGroup] = byItself
	if s, ok := parseSending(trigger); ok {
		rs.Spec.RsyncTLS.KeySecret = ptr.To(cycleKey(group, byItself, s.cycle))
	}
	return rs
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
	rs.Spec = asked(now).Spec
	rs.Status.LastSyncStartTime = &metav1.Time{Time: noon.Add(time.Minute)}
	return rs
}

func failed(rs *volsyncv1alpha1.ReplicationSource) *volsyncv1alpha1.ReplicationSource {
	rs.Status.LatestMoverStatus = &volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultFailed}
	return rs
}

func TestTheFinalSyncIsNeverAnsweredByASyncThatBeganBefore(t *testing.T) {
	first, confirm := "final-7", "final-7-confirm"
	for name, tc := range map[string]struct {
		rs   *volsyncv1alpha1.ReplicationSource
		next string
		done bool
	}{
		"nothing is under way":                          {synced(cycleAt(4), time.Second), cycleAt(5, first), false},
		"a sync is under way":                           {underWay(cycleAt(4), cycleAt(5)), cycleAt(5), false},
		"a sync was asked for and has not begun":        {asked(cycleAt(5)), cycleAt(5), false},
		"a sync failed and is tried again":              {failed(underWay(cycleAt(4), cycleAt(5))), cycleAt(5), false},
		"the final sync is under way":                   {underWay(cycleAt(4), cycleAt(5, first)), cycleAt(5, first), false},
		"the final sync has succeeded":                  {synced(cycleAt(5, first), time.Second), cycleAt(6, confirm), false},
		"the one that proves its image is under way":    {underWay(cycleAt(5, first), cycleAt(6, confirm)), cycleAt(6, confirm), false},
		"the one that proves its image failed":          {failed(underWay(cycleAt(5, first), cycleAt(6, confirm))), cycleAt(6, confirm), false},
		"both have succeeded":                           {synced(cycleAt(6, confirm), time.Second), cycleAt(6, confirm), true},
		"those of an earlier epoch have succeeded":      {synced(cycleAt(6, "final-6-confirm"), time.Second), cycleAt(7, first), false},
		"the first of an earlier epoch is under way":    {underWay(cycleAt(4), cycleAt(5, "final-6")), cycleAt(5, "final-6"), false},
		"an answer without a result proves nothing":     {failed(synced(cycleAt(6, confirm), time.Second)), cycleAt(6, confirm), false},
		"nor does one to the first without a result":    {failed(synced(cycleAt(5, first), time.Second)), cycleAt(5, first), false},
		"a status that lags behind the trigger is none": {underWay(cycleAt(5, first), cycleAt(5, first)), cycleAt(5, first), false},
		"a sync that somebody asked for is under way":   {underWay(cycleAt(4), "mine"), cycleAt(5), false},
	} {
		t.Run(name, func(t *testing.T) {
			p := &planner{Facts: there(), Command: Command{Interval: time.Minute}, now: noon}
			if next := p.next(&Claim{Name: "data", Role: "final-7"}, tc.rs, 7).String(); next != tc.next {
				t.Errorf("next is %s, not %s", next, tc.next)
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
			if begun := due.Add(time.Millisecond); !nextDue(begun.Truncate(time.Second), interval, "shop/data").After(begun) {
				t.Fatalf("%s: one that began at %s is followed by another at once", interval, begun)
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

func TestWhatAVolumeIsSentAsNext(t *testing.T) {
	const interval = 10 * time.Minute
	last, long := cycleAt(4), noon.Add(time.Hour)
	due := nextDue(noon, interval, "shop/data")
	afresh := func(now, asked time.Time, final string) string { return sending{newStream(now), asked, final}.String() }
	has := func(n int64) []v1alpha1.VolSyncGroup {
		return []v1alpha1.VolSyncGroup{{Name: byItself, Stream: "k1", Cycle: n}}
	}
	former := synced(last, time.Second)
	former.Annotations[annotationGroup] = together
	for name, tc := range map[string]struct {
		rs      *volsyncv1alpha1.ReplicationSource
		arrived []v1alpha1.VolSyncGroup
		now     time.Time
		next    string
	}{
		"the same while it is under way":                               {underWay(cycleAt(3), last), nil, long, last},
		"the same before the next is due":                              {synced(last, time.Second), nil, due.Add(-time.Second), last},
		"the next when it is due":                                      {synced(last, time.Second), nil, due, sending{cycle{"k1", 5}, due, ""}.String()},
		"the next after a final sync that was for nothing":             {synced(cycleAt(4, "final-7-confirm"), time.Second), nil, long, sending{cycle{"k1", 5}, long, ""}.String()},
		"the same while it fails, for all that is known":               {failed(underWay(cycleAt(3), last)), nil, long, last},
		"the same while the peer waits for it":                         {failed(underWay(cycleAt(3), last)), has(3), long, last},
		"the next at once if all has arrived and the answer was not":   {underWay(cycleAt(3), last), has(4), noon, cycleAt(5)},
		"as the final sync that it is":                                 {underWay(cycleAt(3), cycleAt(4, "final-7")), has(4), noon, cycleAt(5, "final-7")},
		"what arrived of it once more and was not answered either":     {underWay(cycleAt(3), cycleAt(5)), has(5), noon, cycleAt(6)},
		"nothing else for what arrived before":                         {underWay(cycleAt(3), last), has(3), noon, last},
		"nothing else for what was answered since":                     {synced(last, time.Second), has(4), noon, last},
		"another stream if the peer has lost what it had":              {failed(underWay(cycleAt(3), last)), has(0), long, afresh(long, noon, "")},
		"of which nothing is proven yet":                               {failed(underWay(cycleAt(3), cycleAt(4, "final-7-confirm"))), has(0), long, afresh(long, noon, "final-7")},
		"but not if it may be about to have it":                        {failed(underWay(cycleAt(3), last)), has(2), noon.Add(time.Minute), last},
		"nor if it gets through":                                       {underWay(cycleAt(3), last), has(0), long, last},
		"what somebody asked for as the one after the last":            {underWay(cycleAt(3), "mine"), nil, long, cycleAt(4)},
		"or the one after that if that had arrived":                    {underWay(cycleAt(3), "mine"), has(4), long, cycleAt(5)},
		"another stream if that was answered and nobody knows as what": {synced("mine", time.Second), nil, long, afresh(long, long, "")},
		"another stream if it was sent with others before":             {former, nil, long, afresh(long, long, "")},
	} {
		t.Run(name, func(t *testing.T) {
			p := &planner{Facts: there(), Command: Command{Interval: interval, Spec: &v1alpha1.VRGVolSyncSpec{Arrived: tc.arrived}}, now: tc.now}
			if next := p.next(&Claim{Name: "data", Role: rolePrimary}, tc.rs, 0).String(); next != tc.next {
				t.Errorf("%s, not %s", next, tc.next)
			}
		})
	}
}

func TestAStreamThatTheHubCanNotTellOfIsNotGivenUpAgainAtOnce(t *testing.T) {
	now := noon.Add(time.Hour)
	again := sending{cycle{newStream(now.Add(-time.Second)).stream, 2}, noon, ""}
	rs := failed(underWay(cycleAt(3), again.String()))
	p := &planner{Facts: there(), Command: Command{Spec: &v1alpha1.VRGVolSyncSpec{
		Arrived: []v1alpha1.VolSyncGroup{{Name: byItself, Stream: again.stream, Cycle: 0}},
	}}, now: now}
	if next := p.next(&Claim{Name: "data", Role: rolePrimary}, rs, 0); next != again {
		t.Errorf("%s, not %s", next, again)
	}
	if p.out.After <= 0 {
		t.Error("it is not looked at again")
	}
}

func TestTheSyncPointIsWhenASyncBeganAndNotWhenItEnded(t *testing.T) {
	state := report(rolePrimary, synced(cycleAt(4), 90*time.Second), nil, false)
	if want := noon.Add(-90 * time.Second); state.LastSyncTime == nil || !state.LastSyncTime.Time.Equal(want) {
		t.Errorf("%v, not %s", state.LastSyncTime, want)
	}
	if state := report(rolePrimary, asked(cycleAt(4)), nil, false); state.LastSyncTime != nil || state.Role != replication.Primary {
		t.Errorf("never synced: %+v", state)
	}
}
