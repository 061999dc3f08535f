// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// A relocate there and back is carried out as an agent would, repeating each step until it succeeds, while one array is
// killed at one point and started again.
func TestRelocateSurvivesACrashAtAnyPoint(t *testing.T) {
	t.Parallel()
	for _, crash := range crashPoints("provision", "delete", "info", "write") {
		for _, victim := range []string{"dr1", "dr2"} {
			t.Run(fmt.Sprintf("%s on %s", crash, victim), func(t *testing.T) {
				t.Parallel()
				a, b, acked := protected(t, interval)
				guard := nurse(t, a, b)
				map[string]*site{"dr1": a, "dr2": b}[victim].plant(crash)

				acked = append(acked, guard.write(a, 20)...)
				guard.handOver(a, b)
				b.mustHold(acked)
				acked = append(acked, guard.write(b, 20)...)
				guard.handOver(b, a)
				a.mustHold(acked)
				acked = append(acked, guard.write(a, 1)...)
				if seq := acked[len(acked)-1].Seq; seq < 51 {
					t.Errorf("the last record is number %d", seq)
				}
			})
		}
	}
}

// A forced failover and the return of the old primary, with the new primary killed at one point.
func TestFailoverSurvivesACrashAtAnyPoint(t *testing.T) {
	t.Parallel()
	for _, crash := range crashPoints("provision", "delete", "info", "write", "disable") {
		for _, victim := range []string{"dr1", "dr2"} {
			t.Run(fmt.Sprintf("%s on %s", crash, victim), func(t *testing.T) {
				t.Parallel()
				a, b, acked := protected(t, interval)
				a.write(10) // may be lost
				a.stop()
				guard := nurse(t, a, b)
				if victim == b.name {
					b.plant(crash)
				}
				guard.until("promote", func(ctx context.Context) error { return b.Promote(ctx, handle, true) }, b)
				acked = append(acked, guard.write(b, 20)...)
				a.start()
				if victim == a.name {
					a.plant(crash)
				}
				guard.until("demote", func(ctx context.Context) error { return a.Demote(ctx, handle) }, a)
				guard.until("resync", func(ctx context.Context) error { return notReady(a.Resync(ctx, handle, true)) }, a)
				a.mustHold(acked)
				b.mustHold(acked)
				acked = append(acked, guard.write(b, 5)...)
				guard.handOver(b, a)
				a.mustHold(acked)
			})
		}
	}
}

func crashPoints(except ...string) []string {
	return slices.DeleteFunc(faults.Points(), func(point string) bool {
		op, _, _ := strings.Cut(point, ".")
		return slices.Contains(except, op) || op == "restore" || strings.HasPrefix(op, "mover-") || strings.HasSuffix(op, "-snapshot")
	})
}

func (s *site) plant(point string) {
	s.faults.Add(faults.Fault{Kind: faults.Crash, Point: point, Count: 1})
}

func notReady(ready bool, err error) error {
	if err == nil && !ready {
		return fmt.Errorf("not ready")
	}
	return err
}

// ward starts arrays again that crashed, and carries steps out in spite of it.
type ward struct {
	t     *testing.T
	sites []*site
}

func nurse(t *testing.T, sites ...*site) *ward { return &ward{t: t, sites: sites} }

// revive starts arrays again that crashed.
func (w *ward) revive() {
	w.t.Helper()
	for _, s := range w.sites {
		select {
		case point := <-s.crashed:
			w.t.Logf("%s crashed at %s", s.name, point)
			s.restart()
		default:
		}
	}
}

// until repeats a step until it succeeds. It runs in a goroutine, which a crash ends.
func (w *ward) until(what string, step func(context.Context) error, on *site) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		w.revive()
		ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
		ended := make(chan error, 1)
		go func() {
			err := fmt.Errorf("crashed")
			defer func() { ended <- err }()
			err = step(ctx)
		}()
		err := <-ended
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s on %s: %v; %+v", what, on.name, err, on.state())
		}
	}
}

func (w *ward) write(s *site, n int) []layout.Record {
	w.t.Helper()
	var records []layout.Record
	for range n {
		w.until("write", func(ctx context.Context) error {
			r, err := s.Append(ctx, handle, "pod")
			if err == nil {
				records = append(records, r)
			}
			return err
		}, s)
	}
	return records
}

func (w *ward) handOver(from, to *site) {
	w.t.Helper()
	w.until("demote", func(ctx context.Context) error { return from.Demote(ctx, handle) }, from)
	w.until("resync", func(ctx context.Context) error { return notReady(from.Resync(ctx, handle, false)) }, from)
	w.until("enable", func(ctx context.Context) error { return to.Enable(ctx, handle, interval) }, to)
	w.until("promote", func(ctx context.Context) error { return to.Promote(ctx, handle, false) }, to)
	for _, s := range w.sites {
		if v := s.state(); s != to && v.Writable {
			w.t.Fatalf("%s is writable after the promotion of %s: %+v", s.name, to.name, v)
		}
	}
}
