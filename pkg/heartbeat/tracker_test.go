// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package heartbeat

import (
	"slices"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func lease(renewed time.Time, seconds *int32) *coordinationv1.Lease {
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: "dr1", Namespace: "dr-agents"},
		Spec:       coordinationv1.LeaseSpec{RenewTime: &metav1.MicroTime{Time: renewed}, LeaseDurationSeconds: seconds},
	}
}

func TestTrackerGoesByTheHubsClock(t *testing.T) {
	// sight is a Lease as it is seen at a time after start.
	type sight struct {
		at      time.Duration
		renewed time.Duration
	}
	tests := map[string]struct {
		sights   []sight
		lastSeen time.Duration
	}{
		"the first sight counts from when the agent says it renewed": {
			sights: []sight{{at: 0, renewed: -15 * time.Second}}, lastSeen: -15 * time.Second,
		},
		"the first sight never counts from the future": {
			sights: []sight{{at: 0, renewed: time.Hour}}, lastSeen: 0,
		},
		"a renewal counts from when the hub saw it, though the agent's clock lags": {
			sights: []sight{{at: 0, renewed: -time.Hour}, {at: 5 * time.Second, renewed: -time.Hour + 10*time.Second}}, lastSeen: 5 * time.Second,
		},
		"a renewal counts from when the hub saw it, though the agent's clock leads": {
			sights: []sight{{at: 0, renewed: time.Hour}, {at: 10 * time.Second, renewed: time.Hour + 10*time.Second}}, lastSeen: 10 * time.Second,
		},
		"the same renewal seen again is no sign of life": {
			sights: []sight{{at: 0, renewed: 0}, {at: 30 * time.Second, renewed: 0}}, lastSeen: 0,
		},
		"an agent whose clock was set back is alive": {
			sights: []sight{{at: 0, renewed: 0}, {at: 10 * time.Second, renewed: -time.Hour}}, lastSeen: 10 * time.Second,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			clock := clocktesting.NewFakePassiveClock(start)
			tracker := NewTracker(clock)
			for _, s := range test.sights {
				clock.SetTime(start.Add(s.at))
				tracker.observe(lease(start.Add(s.renewed), ptr.To[int32](20)))
			}
			want := start.Add(test.lastSeen)
			if last, duration, ok := tracker.Last("dr1"); !ok || !last.Equal(want) || duration != 20*time.Second {
				t.Errorf("last seen at %v for %v (%v), wanted %v for 20s", last, duration, ok, want)
			}
			if expires, ok := tracker.Expires("dr1"); !ok || !expires.Equal(want.Add(20*time.Second)) {
				t.Errorf("expires at %v (%v)", expires, ok)
			}
			if !tracker.Connected("dr1", want.Add(20*time.Second-1)) || tracker.Connected("dr1", want.Add(20*time.Second)) {
				t.Error("it is not connected just until the lease runs out")
			}
		})
	}
}

func TestTrackerKnowsNothingOfClustersWithoutALease(t *testing.T) {
	tracker := NewTracker(clocktesting.NewFakePassiveClock(start))
	tracker.observe(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "dr1"}})
	if _, _, ok := tracker.Last("dr1"); ok {
		t.Error("a Lease that was never renewed counts")
	}
	if _, ok := tracker.Expires("dr2"); ok || tracker.Connected("dr2", start) {
		t.Error("a cluster nobody has heard of is connected")
	}
}

func TestLeaseWithoutADurationLastsAsByDefault(t *testing.T) {
	for _, seconds := range []*int32{nil, ptr.To[int32](0)} {
		tracker := NewTracker(clocktesting.NewFakePassiveClock(start))
		tracker.observe(lease(start, seconds))
		if _, duration, _ := tracker.Last("dr1"); duration != DefaultLeaseDuration {
			t.Errorf("a Lease of %v seconds lasts %v", seconds, duration)
		}
	}
}

func TestListenersAreToldOfWhatHappens(t *testing.T) {
	clock := clocktesting.NewFakePassiveClock(start)
	tracker := NewTracker(clock)
	var early, late []string
	tracker.OnChange(func(cluster string) { early = append(early, cluster) })
	steps := []struct {
		name  string
		do    func()
		calls int
	}{
		{"it is seen the first time", func() { tracker.observe(lease(start, ptr.To[int32](20))) }, 1},
		{"it renews in time", func() {
			clock.SetTime(start.Add(10 * time.Second))
			tracker.observe(lease(start.Add(10*time.Second), ptr.To[int32](20)))
		}, 1},
		{"it comes back after its lease ran out", func() {
			clock.SetTime(start.Add(time.Minute))
			tracker.observe(lease(start.Add(time.Minute), ptr.To[int32](20)))
		}, 2},
		{"its lease is deleted", func() {
			tracker.forget(cache.DeletedFinalStateUnknown{Obj: lease(start, nil)})
		}, 3},
	}
	for _, step := range steps {
		if step.do(); len(early) != step.calls {
			t.Errorf("when %s the listener had been told %d times, wanted %d", step.name, len(early), step.calls)
		}
	}
	if tracker.Connected("dr1", clock.Now()) {
		t.Error("a cluster whose lease was deleted is connected")
	}
	tracker.observe(lease(start.Add(2*time.Minute), nil))
	tracker.OnChange(func(cluster string) { late = append(late, cluster) })
	if !slices.Equal(late, []string{"dr1"}) {
		t.Errorf("who listens late was told of %v", late)
	}
}
