// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

func TestSnapshotHoldsAllThatWasWrittenUpToItsTime(t *testing.T) {
	t.Parallel()
	a, b, acked := protected(t, interval)
	for range 20 {
		acked = append(acked, a.write(5)...)
		a.awaitSynced()
		at := a.state().LastSync.Time
		b.mustHold(slices.DeleteFunc(slices.Clone(acked), func(r layout.Record) bool { return r.Time.After(at) }))
	}
}

func TestRelocateThereAndBackLosesNothing(t *testing.T) {
	t.Parallel()
	a, b, acked := protected(t, never)
	acked = append(acked, a.write(100)...)
	handOver(a, b)
	a.mustRefuseWrites()
	b.mustHold(acked)
	acked = append(acked, b.write(100)...)
	handOver(b, a)
	b.mustRefuseWrites()
	acked = append(acked, a.write(1)...)
	a.mustHold(acked)
	if got := generations(a.state()); !slices.Equal(got, []int64{1, 2, 3}) {
		t.Errorf("generations %v", got)
	}
	if last := acked[len(acked)-1]; last.Seq != int64(len(acked)) || last.Generation != 3 {
		t.Errorf("the last record is %+v, of %d", last, len(acked))
	}
}

func TestPromoteIsRefusedWhileThePeerIsPrimary(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]bool{"and answers": false, "as far as is known, and does not answer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, _ := protected(t, interval)
			if cut {
				sever(a, b)
			}
			if err := b.Promote(t.Context(), handle, false); !errors.Is(err, engine.ErrPrecondition) {
				t.Fatalf("promote returned %v", err)
			}
			b.mustRefuseWrites()
			a.write(1)
		})
	}
}

func TestForcedPromotionStopsAPeerThatCanBeReached(t *testing.T) {
	t.Parallel()
	a, b, _ := protected(t, interval)
	b.must(b.Promote(t.Context(), handle, true))
	a.mustRefuseWrites()
	b.write(1)
	info, err := a.Info(t.Context(), handle)
	a.must(err)
	if info.Health != engine.Broken {
		t.Errorf("the old primary's replication is %v: %s", info.Health, info.Message)
	}
}

func TestForcedPromotionStopsTheOldPrimaryOnceTheLinkHeals(t *testing.T) {
	t.Parallel()
	a, b, acked := protected(t, interval)
	sever(a, b)
	b.must(b.Promote(t.Context(), handle, true))
	b.mustHold(acked)
	a.write(1) // nobody could tell it
	b.write(1)
	heal(a, b)
	a.eventually("read-only", func(v engine.State) bool { return !v.Writable })
	b.write(1)
}

func TestLastSnapshotArrivesOnceTheLinkHeals(t *testing.T) {
	t.Parallel()
	a, b, acked := protected(t, never)
	acked = append(acked, a.write(10)...)
	sever(a, b)
	a.must(a.Demote(t.Context(), handle))
	a.mustRefuseWrites()
	if ready, err := a.Resync(t.Context(), handle, false); err != nil || ready {
		t.Fatalf("resync with the link cut returned %v, %v", ready, err)
	}
	if err := b.Promote(t.Context(), handle, false); !errors.Is(err, engine.ErrPrecondition) {
		t.Fatalf("promote without the last snapshot returned %v", err)
	}
	heal(a, b)
	a.eventually("delivered", func(v engine.State) bool { return v.Final.Delivered })
	b.must(b.Promote(t.Context(), handle, false))
	b.mustHold(acked)
}

func TestPromoteAfterAHandoverNeedsNoPeer(t *testing.T) {
	t.Parallel()
	a, b, acked := protected(t, never)
	acked = append(acked, a.write(10)...)
	a.must(a.Demote(t.Context(), handle))
	a.eventually("delivered", func(v engine.State) bool { return v.Final.Delivered })
	a.stop()
	b.must(b.Promote(t.Context(), handle, false))
	b.mustHold(acked)
}

func TestACopyThatDivergedIsReplacedOnceItIsDeleted(t *testing.T) {
	t.Parallel()
	a, b, acked := protected(t, never)
	a.write(3)
	a.stop()
	b.must(b.Promote(t.Context(), handle, true))
	acked = append(acked, b.write(5)...)
	a.start()
	a.eventually("superseded", func(v engine.State) bool { return v.SupersededBy == 2 })
	a.must(a.Demote(t.Context(), handle))
	if _, err := a.Resync(t.Context(), handle, false); !errors.Is(err, engine.ErrPrecondition) {
		t.Fatalf("resync of a diverged copy without force returned %v", err)
	}
	a.must(a.Delete(t.Context(), handle))
	b.must(b.Enable(t.Context(), handle, interval))
	b.eventually("synced", func(v engine.State) bool { return v.LastSync != nil })
	a.mustHold(acked)
}

func TestACopyThatNobodyIsPrimaryOfAnyMoreIsKeptIfThatIsWanted(t *testing.T) {
	t.Parallel()
	a, b, _ := protected(t, interval)
	sever(a, b)
	b.must(b.Promote(t.Context(), handle, true))
	b.must(b.Disable(t.Context(), handle))
	heal(a, b)
	a.must(a.Demote(t.Context(), handle))
	if _, err := a.Resync(t.Context(), handle, true); !errors.Is(err, engine.ErrPrecondition) {
		t.Errorf("resyncing it returned %v", err)
	}
	a.faults.Add(faults.Fault{Kind: faults.Keep})
	if ready, err := a.Resync(t.Context(), handle, true); ready || err != nil {
		t.Errorf("resyncing what is kept: %t, %v", ready, err)
	}
}

func TestFailoverAndTheOldPrimaryComesBack(t *testing.T) {
	t.Parallel()
	a, b, acked := protected(t, never)
	lost := a.write(3)
	a.stop()
	b.must(b.Promote(t.Context(), handle, true))
	b.mustHold(acked)
	acked = append(acked, b.write(5)...)

	a.start()
	a.eventually("superseded", func(v engine.State) bool { return v.SupersededBy == 2 })
	a.mustRefuseWrites()
	a.must(a.Demote(t.Context(), handle))
	if ready, err := a.Resync(t.Context(), handle, false); ready || !errors.Is(err, engine.ErrPrecondition) {
		t.Fatalf("resync of a diverged copy without force returned %v, %v", ready, err)
	}
	a.mustHold(lost) // until somebody says that they may go
	nurse(t, a, b).until("forced resync", func(ctx context.Context) error { return notReady(a.Resync(ctx, handle, true)) }, a)
	a.mustHold(acked)
	if got, want := a.state().Size, b.state().Size; got != want {
		t.Errorf("the copy has %d bytes, the primary %d", got, want)
	}
	b.eventually("synced", func(v engine.State) bool { return v.LastSync != nil })

	acked = append(acked, b.write(5)...)
	handOver(b, a)
	a.mustHold(acked)
}

func TestAPromotionThatIsGivenUpLeavesThePrimaryWhatItWas(t *testing.T) {
	t.Parallel()
	a, b, acked := protected(t, never)
	acked = append(acked, a.write(3)...)
	b.must(b.Promote(t.Context(), handle, true))
	b.write(5)
	a.eventually("superseded", func(v engine.State) bool { return v.SupersededBy == 2 })
	a.mustRefuseWrites()
	b.must(b.Demote(t.Context(), handle))
	if ready, err := b.Resync(t.Context(), handle, false); ready || !errors.Is(err, engine.ErrPrecondition) {
		t.Fatalf("resync without force of what was promoted over the primary returned %v, %v", ready, err)
	}
	a.mustRefuseWrites()
	nurse(t, a, b).until("forced resync", func(ctx context.Context) error { return notReady(b.Resync(ctx, handle, true)) }, b)
	acked = append(acked, a.write(3)...)
	a.mustHold(acked)
	handOver(a, b)
	b.mustHold(acked)
}

func TestFailoverOfASyncedVolumeNeedsNoForcedResync(t *testing.T) {
	t.Parallel()
	a, b, acked := protected(t, never)
	a.stop()
	b.must(b.Promote(t.Context(), handle, true))
	acked = append(acked, b.write(5)...)
	a.start()
	a.must(a.Demote(t.Context(), handle))
	// What the primary ships meanwhile may overtake a resync, which is then not finished.
	nurse(t, a, b).until("resync", func(ctx context.Context) error { return notReady(a.Resync(ctx, handle, false)) }, a)
	a.mustHold(acked)
}

func TestPrimaryThatComesBackWrites(t *testing.T) {
	t.Parallel()
	for name, peer := range map[string]func(a, b *site){
		"at once if the peer was not promoted":        func(*site, *site) {},
		"after a while if the peer is dead":           func(_, b *site) { b.stop() },
		"after a while if the peer can't be reached":  func(a, b *site) { sever(a, b) },
		"after a crash in the middle of its own boot": func(a, _ *site) { a.restart() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, acked := protected(t, never)
			acked = append(acked, a.write(3)...)
			peer(a, b)
			a.restart()
			if strings.HasPrefix(name, "after a while") {
				a.mustRefuseWrites()
			}
			a.awaitWritable()
			acked = append(acked, a.write(1)...)
			a.mustHold(acked)
		})
	}
}

func TestSplitBrainIsLeftToAPerson(t *testing.T) {
	t.Parallel()
	a, b, _ := protected(t, never)
	a.must(a.Demote(t.Context(), handle))
	a.eventually("delivered", func(v engine.State) bool { return v.Final.Delivered })
	sever(a, b)
	a.must(a.Promote(t.Context(), handle, true))
	b.must(b.Promote(t.Context(), handle, true))
	a.stop()
	heal(a, b)
	a.start()
	a.eventually("superseded", func(v engine.State) bool { return v.SupersededBy == 2 })
	b.write(1)
	a.must(a.Promote(t.Context(), handle, true))
	a.write(1)
	b.mustRefuseWrites()
}

func TestAbortTakesADemotionBack(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]bool{"in touch with the peer": false, "before the last snapshot arrived": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, acked := protected(t, never)
			acked = append(acked, a.write(3)...)
			if cut {
				sever(a, b)
			}
			a.must(a.Demote(t.Context(), handle))
			a.must(a.Promote(t.Context(), handle, false))
			acked = append(acked, a.write(3)...)
			heal(a, b)
			a.eventually("synced", func(v engine.State) bool { return v.LastSync != nil })
			a.must(a.Enable(t.Context(), handle, interval))
			a.awaitSynced()
			b.mustHold(acked)
		})
	}
}

func TestOperationsRepeatedChangeNothing(t *testing.T) {
	t.Parallel()
	a, b, _ := protected(t, never)
	a.must(a.Create(t.Context(), handle, 1<<20, claim))
	a.must(a.Enable(t.Context(), handle, never))
	a.must(a.Promote(t.Context(), handle, false))
	b.must(b.Enable(t.Context(), handle, never))
	b.must(b.Demote(t.Context(), handle))
	if g := a.state().Generation; g != 1 || b.state().Role != layout.Secondary {
		t.Errorf("generation %d, the peer is %s", g, b.state().Role)
	}
	handOver(a, b)
	a.must(a.Demote(t.Context(), handle))
	b.must(b.Promote(t.Context(), handle, true))
	if g := b.state().Generation; g != 2 {
		t.Errorf("generation %d after one promotion", g)
	}
}

func TestDisabledVolumeKeepsItsDataAndCanBeProtectedAgain(t *testing.T) {
	t.Parallel()
	a, b, acked := protected(t, interval)
	a.must(a.Disable(t.Context(), handle))
	acked = append(acked, a.write(3)...)
	b.must(b.Disable(t.Context(), handle))
	b.must(b.Delete(t.Context(), handle)) // a copy stays for as long as the primary's array wants it
	if role := b.state().Role; role != layout.Secondary {
		t.Fatalf("the copy is %q", role)
	}
	a.must(a.Enable(t.Context(), handle, interval))
	a.awaitSynced()
	b.mustHold(acked)
}

func TestDeleteNeedsReplicationOff(t *testing.T) {
	t.Parallel()
	a, _, _ := protected(t, interval)
	if err := a.Delete(t.Context(), handle); !errors.Is(err, engine.ErrPrecondition) {
		t.Fatalf("deleting a replicated volume returned %v", err)
	}
	a.must(a.Disable(t.Context(), handle))
	a.must(a.Delete(t.Context(), handle))
	a.must(a.Delete(t.Context(), handle))
	if _, err := a.Append(t.Context(), handle, "pod"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a write to a deleted volume returned %v", err)
	}
	a.restart()
	if len(a.List()) != 0 {
		t.Error("the deleted volume is back")
	}
}

func TestUnknownVolumesAreNotFound(t *testing.T) {
	t.Parallel()
	a, _ := newPair(t)
	_, resync := a.Resync(t.Context(), handle, true)
	_, info := a.Info(t.Context(), handle)
	for name, err := range map[string]error{
		"enable": a.Enable(t.Context(), handle, interval), "disable": a.Disable(t.Context(), handle),
		"promote": a.Promote(t.Context(), handle, true), "demote": a.Demote(t.Context(), handle), "resync": resync, "info": info,
	} {
		if !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("%s of an unknown volume returned %v", name, err)
		}
	}
}

func TestLagAndFailuresShowInTheInfo(t *testing.T) {
	t.Parallel()
	a, _, _ := protected(t, interval)
	info := func(health engine.Health) func(engine.State) bool {
		return func(engine.State) bool {
			i, err := a.Info(t.Context(), handle)
			a.must(err)
			return i.Health == health
		}
	}
	a.eventually("healthy", info(engine.Healthy))
	a.faults.Add(faults.Fault{Kind: faults.Fail, Point: "ship.before"})
	a.eventually("degraded", info(engine.Degraded))
	a.faults.Clear(faults.Fault{})
	a.eventually("healthy", info(engine.Healthy))
	a.faults.Add(faults.Fault{Kind: faults.Lag, Delay: never, Namespace: "other"})
	a.awaitSynced()
	a.faults.Add(faults.Fault{Kind: faults.Lag, Delay: never, Namespace: claim.Namespace})
	a.eventually("late", info(engine.Degraded))
	a.faults.Clear(faults.Fault{})
	a.awaitSynced()
}

func TestTwoArraysDoNotServeOneDirectory(t *testing.T) {
	t.Parallel()
	a, _ := newPair(t)
	if _, err := engine.Open(engine.Options{Cluster: "dr1", Dir: a.dir}); err == nil {
		t.Fatal("a second array opened the directory")
	}
}

func TestFirstSnapshotNeedsNoWaiting(t *testing.T) {
	t.Parallel()
	a, b := newPair(t)
	a.must(a.Create(t.Context(), handle, 1<<20, claim))
	acked := a.write(1000)
	started := time.Now()
	a.must(a.Enable(t.Context(), handle, never))
	if a.state().LastSync == nil || time.Since(started) > patience {
		t.Fatal("enable returned without the first snapshot")
	}
	b.mustHold(acked)
}

func TestPromoteWaitsForTheLastSnapshotOfAPeerThatAnswers(t *testing.T) {
	t.Parallel()
	a, b, acked := protected(t, never)
	acked = append(acked, a.write(3)...)
	a.faults.Add(faults.Fault{Kind: faults.Fail, Point: "ship.before"})
	a.must(a.Demote(t.Context(), handle))
	if err := b.Promote(t.Context(), handle, false); !errors.Is(err, engine.ErrPrecondition) {
		t.Fatalf("promote without the last snapshot returned %v", err)
	}
	a.faults.Clear(faults.Fault{})
	a.eventually("delivered", func(v engine.State) bool { return v.Final.Delivered })
	b.must(b.Promote(t.Context(), handle, false))
	b.mustHold(acked)
}
