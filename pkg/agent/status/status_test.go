// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestTheGroupsSyncIsTheOldestOfItsVolumes(t *testing.T) {
	at := func(s int) *metav1.Time { return &metav1.Time{Time: start.Add(time.Duration(s) * time.Second)} }
	lasting := func(s int) *metav1.Duration { return &metav1.Duration{Duration: time.Duration(s) * time.Second} }
	bytes := func(n int64) *int64 { return &n }
	for name, tc := range map[string]struct {
		volumes  []Volume
		time     *metav1.Time
		duration *metav1.Duration
		bytes    *int64
	}{
		"none": {},
		"several": {
			[]Volume{
				{Counts: true, LastSyncTime: at(9), LastSyncDuration: lasting(1), LastSyncBytes: bytes(10)},
				{Counts: true, LastSyncTime: at(3), LastSyncDuration: lasting(4), LastSyncBytes: bytes(5)},
				{Counts: true, LastSyncTime: at(5)},
			}, at(3), lasting(4), bytes(15),
		},
		"members of a group that tell of what was for all": {
			[]Volume{
				{Counts: true, Method: v1alpha1.MethodVolumeGroupReplication, ConsistencyGroup: "g", LastSyncTime: at(3), LastSyncBytes: bytes(10)},
				{Counts: true, Method: v1alpha1.MethodVolumeGroupReplication, ConsistencyGroup: "g", LastSyncTime: at(3), LastSyncBytes: bytes(10)},
			}, at(3), nil, bytes(10),
		},
		"members of a group that tell each of its own": {
			[]Volume{
				{Counts: true, Method: v1alpha1.MethodVolSyncGroup, ConsistencyGroup: "g", LastSyncTime: at(3), LastSyncBytes: bytes(10)},
				{Counts: true, Method: v1alpha1.MethodVolSyncGroup, ConsistencyGroup: "g", LastSyncTime: at(3), LastSyncBytes: bytes(5)},
			}, at(3), nil, bytes(15),
		},
		"one that was never synced":   {volumes: []Volume{{Counts: true, LastSyncTime: at(9)}, {Counts: true}}},
		"one that does not take part": {[]Volume{{Counts: true, LastSyncTime: at(9)}, {}}, at(9), nil, nil},
	} {
		gotTime, gotDuration, gotBytes := groupSync(tc.volumes)
		if diff := cmp.Diff([]any{tc.time, tc.duration, tc.bytes}, []any{gotTime, gotDuration, gotBytes}); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAConditionKeepsItsTimeUntilItTurns(t *testing.T) {
	report := &Report{Generation: 2, Conditions: map[string]Condition{"A": True("R", "m"), "B": False("R", "m")}}
	before := v1alpha1.VolumeReplicationGroupStatus{Conditions: []metav1.Condition{
		{Type: "A", Status: metav1.ConditionTrue, LastTransitionTime: metav1.NewTime(start)},
		{Type: "B", Status: metav1.ConditionTrue, LastTransitionTime: metav1.NewTime(start)},
		{Type: "Gone", Status: metav1.ConditionTrue},
	}}
	s := report.Status(before, start.Add(time.Minute))
	if len(s.Conditions) != 2 || !s.Conditions[0].LastTransitionTime.Time.Equal(start) || s.Conditions[1].LastTransitionTime.Time.Equal(start) || s.Conditions[0].ObservedGeneration != 2 {
		t.Errorf("%+v", s.Conditions)
	}
}

// server is a hub that keeps one group and counts.
type server struct {
	lock    sync.Mutex
	status  v1alpha1.VolumeReplicationGroupStatus
	patches int
	fail    error
	patched chan struct{}
	// meanwhile is called while the second patch is under way.
	meanwhile func()
}

func (s *server) PatchStatus(_ context.Context, _ types.NamespacedName, patch []byte) (*v1alpha1.VolumeReplicationGroup, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	defer func() { s.patched <- struct{}{} }()
	s.patches++
	if s.meanwhile != nil && s.patches == 2 {
		s.meanwhile()
	}
	if s.fail != nil {
		return nil, s.fail
	}
	before, err := json.Marshal(v1alpha1.VolumeReplicationGroup{Status: s.status})
	if err != nil {
		return nil, err
	}
	after, err := jsonpatch.MergePatch(before, patch)
	if err != nil {
		return nil, err
	}
	group := &v1alpha1.VolumeReplicationGroup{}
	if err := json.Unmarshal(after, group); err != nil {
		return nil, err
	}
	s.status = group.Status
	group.ResourceVersion = string(rune('1' + s.patches))
	return group, nil
}

type harness struct {
	t      *testing.T
	server *server
	clock  *clocktesting.FakeClock
	writer *Writer
	object *v1alpha1.VolumeReplicationGroup
}

func newHarness(t *testing.T) *harness {
	h := &harness{t: t, server: &server{patched: make(chan struct{}, 10)}, clock: clocktesting.NewFakeClock(start)}
	h.writer = NewWriter(h.server, h.clock)
	h.object = &v1alpha1.VolumeReplicationGroup{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop.dr1", ResourceVersion: "1"}}
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() { h.writer.Run(ctx) })
	t.Cleanup(func() { cancel(); wait.Wait() })
	return h
}

func (h *harness) report(state v1alpha1.VolumeReplicationGroupState, c Condition) {
	h.writer.Report(h.object, &Report{Generation: 1, Epoch: 1, State: state, Conditions: map[string]Condition{v1alpha1.ConditionDataReady: c}})
}

func (h *harness) await() {
	h.t.Helper()
	select {
	case <-h.server.patched:
	case <-time.After(10 * time.Second):
		h.t.Fatal("nothing was sent")
	}
}

// step lets the time pass that progress waits for, once something does.
func (h *harness) step() {
	h.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !h.writer.waits(h.object) {
		if time.Now().After(deadline) {
			h.t.Fatal("nothing waits to be sent")
		}
		time.Sleep(time.Millisecond)
	}
	h.clock.Step(spacing)
}

// waits tells whether a report is put off.
func (w *Writer) waits(object *v1alpha1.VolumeReplicationGroup) bool {
	w.lock.Lock()
	defer w.lock.Unlock()
	g := w.groups[types.NamespacedName{Namespace: object.Namespace, Name: object.Name}]
	return g != nil && g.due.After(w.clock.Now())
}

func (h *harness) message() string {
	h.server.lock.Lock()
	defer h.server.lock.Unlock()
	if c := meta.FindStatusCondition(h.server.status.Conditions, v1alpha1.ConditionDataReady); c != nil {
		return c.Message
	}
	return ""
}

func (h *harness) quiet() {
	h.t.Helper()
	select {
	case <-h.server.patched:
		h.t.Fatal("something was sent")
	case <-time.After(50 * time.Millisecond):
	}
}

func TestWhatSomebodyWaitsForIsSentAtOnceAndProgressAfterAWhile(t *testing.T) {
	h := newHarness(t)
	h.report(v1alpha1.PrimaryState, True("Ready", "one"))
	h.await()
	h.report(v1alpha1.PrimaryState, True("Ready", "two"))
	h.report(v1alpha1.PrimaryState, True("Ready", "three"))
	h.quiet()
	h.clock.Step(settle)
	h.quiet()
	h.clock.Step(spacing)
	h.await()
	if got := h.message(); got != "three" {
		t.Errorf("sent %q", got)
	}
	h.report(v1alpha1.PrimaryState, True("Ready", "three"))
	h.clock.Step(spacing)
	h.quiet()
}

func TestARunOfTheHubThatAsksIsAnsweredAtOnce(t *testing.T) {
	h := newHarness(t)
	h.report(v1alpha1.UnknownState, False("Stopping", ""))
	h.await()
	report := &Report{Session: "another", State: v1alpha1.UnknownState, Conditions: map[string]Condition{"A": False("Stopping", "")}}
	h.writer.Report(h.object, report)
	h.await()
	h.server.lock.Lock()
	defer h.server.lock.Unlock()
	if got := h.server.status.Session; got != "another" {
		t.Errorf("the report is for %q", got)
	}
}

func TestWhatIsFoundWhileAReportIsBeingSentIsSentAfterIt(t *testing.T) {
	h := newHarness(t)
	h.server.meanwhile = func() { h.report(v1alpha1.PrimaryState, False("Overdue", "three")) }
	h.report(v1alpha1.PrimaryState, True("Ready", "one"))
	h.await()
	h.report(v1alpha1.PrimaryState, True("Ready", "two"))
	h.step()
	h.await()
	h.step()
	h.await()
	if got := h.message(); got != "three" {
		t.Errorf("the hub has %q", got)
	}
}

func TestWhatChangesBackMeanwhileIsNotSent(t *testing.T) {
	h := newHarness(t)
	h.report(v1alpha1.PrimaryState, True("Ready", ""))
	h.await()
	h.report(v1alpha1.UnknownState, False("Promoting", ""))
	h.report(v1alpha1.PrimaryState, True("Ready", ""))
	h.clock.Step(spacing)
	h.quiet()
}

func TestAReportIsRenewed(t *testing.T) {
	h := newHarness(t)
	h.report(v1alpha1.PrimaryState, True("Ready", ""))
	h.await()
	h.clock.Step(refreshInterval)
	h.report(v1alpha1.PrimaryState, True("Ready", ""))
	h.await()
	if !h.server.status.LastUpdateTime.Time.Equal(start.Add(refreshInterval)) {
		t.Errorf("renewed at %s", h.server.status.LastUpdateTime)
	}
}

func TestTheLastReportIsSentWhenTheHubIsBack(t *testing.T) {
	h := newHarness(t)
	h.server.fail = errors.New("no route")
	h.report(v1alpha1.PrimaryState, True("Ready", "one"))
	h.await()
	h.server.lock.Lock()
	h.server.fail = nil
	h.server.lock.Unlock()
	h.report(v1alpha1.SecondaryState, True("Ready", "two"))
	h.clock.Step(maxBackoff)
	h.await()
	if got := h.message(); got != "two" {
		t.Errorf("sent %q", got)
	}
}

func TestAHubRestoredFromABackupIsToldAgain(t *testing.T) {
	h := newHarness(t)
	h.object.ResourceVersion = "5"
	h.report(v1alpha1.PrimaryState, True("R", "m"))
	h.await()
	h.server.lock.Lock()
	h.server.status = v1alpha1.VolumeReplicationGroupStatus{State: v1alpha1.SecondaryState, Epoch: 1}
	h.server.lock.Unlock()
	h.object.ResourceVersion, h.object.Status = "3", h.server.status
	h.report(v1alpha1.PrimaryState, True("R", "m"))
	h.await()
	if state := h.server.status.State; state != v1alpha1.PrimaryState {
		t.Errorf("the hub believes that it is %s", state)
	}
}

func TestAReportThatArrivesLateIsOldAsAWhole(t *testing.T) {
	condition := func(s metav1.ConditionStatus) []metav1.Condition {
		return []metav1.Condition{{Type: v1alpha1.ConditionQuiesced, Status: s}}
	}
	stopping := v1alpha1.VolumeReplicationGroupStatus{ObservedGeneration: 2, Epoch: 2, State: v1alpha1.UnknownState, Conditions: condition("False")}
	stopped := v1alpha1.VolumeReplicationGroupStatus{ObservedGeneration: 2, Epoch: 2, State: v1alpha1.SecondaryState, Conditions: condition("True")}
	later := v1alpha1.VolumeReplicationGroupStatus{
		ObservedGeneration: 4, Epoch: 4, State: v1alpha1.UnknownState, Conditions: condition("False"),
		HandoverToken: &v1alpha1.HandoverToken{Epoch: 4},
	}
	patch, err := MergePatch(stopping, stopped)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{status: later, patched: make(chan struct{}, 1)}
	if _, err := s.PatchStatus(t.Context(), types.NamespacedName{}, patch); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(stopped, s.status); diff != "" {
		t.Errorf("half of it is of the later report: %s", diff)
	}
}
