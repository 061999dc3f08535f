// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

const groupID = "group"

var members = []string{"pvc-a", "pvc-b", "pvc-c"}

// grouped makes a group of three volumes on a, replicated to b, with some records that b has.
func grouped(t *testing.T, every time.Duration) (a, b *site) {
	t.Helper()
	a, b = newPair(t)
	for _, m := range members {
		a.must(a.Create(t.Context(), m, 1<<20, layout.Claim{Namespace: "shop", Name: m}))
	}
	_, err := a.CreateGroup(t.Context(), groupID, members)
	a.must(err)
	a.writeTogether(10)
	a.must(a.EnableGroup(t.Context(), groupID, every))
	a.awaitGroupSynced(time.Time{})
	return a, b
}

func (s *site) writeTogether(n int) {
	s.t.Helper()
	for range n {
		_, err := s.AppendTogether(s.t.Context(), members, "pod")
		s.must(err)
	}
}

// awaitGroupSynced waits until the peer has what all volumes held at a later time.
func (s *site) awaitGroupSynced(start time.Time) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		info, err := s.GroupInfo(s.t.Context(), groupID)
		if err == nil && info.LastSync != nil && info.LastSync.Time.After(start) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: the group was not synced: %+v, %v", s.name, info, err)
		}
	}
}

// together are the joint records that each of the volumes holds, as the files say.
func (s *site) together(handles []string) map[string][]int64 {
	s.t.Helper()
	held := map[string][]int64{}
	for _, h := range handles {
		m, err := layout.ReadMeta(s.dir, h)
		s.must(err)
		limit := m.Size
		if m.Role != layout.Secondary {
			limit = -1
		}
		size, _, err := layout.Tail(layout.RecordsPath(s.dir, m), limit)
		s.must(err)
		records, err := layout.ReadRecords(layout.RecordsPath(s.dir, m), size)
		s.must(err)
		held[h] = []int64{}
		for i := range records {
			held[h] = append(held[h], records[i].Together)
		}
	}
	return held
}

// mustBeWhole fails if a joint record is on one volume and not on another, and returns how many there are.
func (s *site) mustBeWhole() int {
	s.t.Helper()
	held := s.together(members)
	for _, m := range members[1:] {
		if !slices.Equal(held[members[0]], held[m]) {
			s.t.Fatalf("%s is torn: %s holds %d joint records, %s holds %d", s.name, members[0], len(held[members[0]]), m, len(held[m]))
		}
	}
	return len(held[members[0]])
}

func TestACopyOfAGroupIsOfOnePointInTimeWhereverOneOfTheArraysDies(t *testing.T) {
	t.Parallel()
	for victim, points := range map[string][]string{
		"dr1": {"snapshot.before", "snapshot.after", "ship.before", "ship.after", "persist.before", "persist.after"},
		"dr2": {"commit.before", "commit.after", "persist.before", "persist.after"},
	} {
		for _, point := range points {
			for _, member := range []string{members[0], members[2]} {
				t.Run(fmt.Sprintf("%s of %s on %s", point, member, victim), func(t *testing.T) {
					t.Parallel()
					a, b := grouped(t, interval)
					v := map[string]*site{"dr1": a, "dr2": b}[victim]
					v.faults.Add(faults.Fault{Kind: faults.Crash, Point: point, Volume: member, Count: 1})
					writeUntilCrashed(t, a, v)
					a.stop()
					b.stop()
					b.lead(unused)  // another test's array may listen where a did
					b.mustBeWhole() // nobody serves it: the files alone say so
					b.start()
					b.must(b.PromoteGroup(t.Context(), groupID, true))
					if n := b.mustBeWhole(); n < 10 {
						t.Errorf("%d joint records survived of 10 that were synced", n)
					}
					b.writeTogether(1)
				})
			}
		}
	}
}

// unused is an address that nobody listens on.
const unused = "127.0.0.1:1"

// lead makes what an array sends to its peer go to an address.
func (s *site) lead(address string) {
	s.toPeer.mu.Lock()
	defer s.toPeer.mu.Unlock()
	s.toPeer.target = address
}

// writeUntilCrashed writes joint records while the victim runs.
func writeUntilCrashed(t *testing.T, a, victim *site) {
	t.Helper()
	for deadline := time.Now().Add(patience); len(victim.crashed) == 0; time.Sleep(time.Millisecond) {
		_, _ = a.AppendTogether(t.Context(), members, "pod") // refused by an array that is down
		if time.Now().After(deadline) {
			t.Fatal("nothing crashed")
		}
	}
}

func TestARelocatedGroupLosesNothing(t *testing.T) {
	t.Parallel()
	a, b := grouped(t, never)
	a.writeTogether(20)
	if err := b.PromoteGroup(t.Context(), groupID, false); !errors.Is(err, engine.ErrPrecondition) {
		t.Fatalf("promoting beside a primary returned %v", err)
	}
	a.must(a.DemoteGroup(t.Context(), groupID))
	if _, err := a.AppendTogether(t.Context(), members, "pod"); !errors.Is(err, engine.ErrReadOnly) {
		t.Fatalf("a write to a demoted group returned %v", err)
	}
	ready, err := a.ResyncGroup(t.Context(), groupID, false)
	if err != nil || !ready {
		t.Fatalf("the last snapshot did not arrive: %v", err)
	}
	b.must(b.EnableGroup(t.Context(), groupID, interval))
	b.must(b.PromoteGroup(t.Context(), groupID, false))
	if n := b.mustBeWhole(); n != 30 {
		t.Errorf("%d joint records, want 30", n)
	}
	b.writeTogether(5)
	b.awaitGroupSynced(time.Now())
	if n := a.mustBeWhole(); n != 35 {
		t.Errorf("the former primary holds %d joint records, want 35", n)
	}
}

func TestAGroupThatWasFailedAwayFromTakesTheNewPrimarysBytesAllAtOnce(t *testing.T) {
	t.Parallel()
	a, b := grouped(t, never)
	a.writeTogether(7) // never synced
	sever(a, b)
	b.must(b.PromoteGroup(t.Context(), groupID, true))
	b.writeTogether(3)
	heal(a, b)
	a.must(a.DemoteGroup(t.Context(), groupID))
	if _, err := a.ResyncGroup(t.Context(), groupID, false); !errors.Is(err, engine.ErrPrecondition) {
		t.Fatalf("giving bytes up without force returned %v", err)
	}
	for deadline := time.Now().Add(patience); ; {
		ready, err := a.ResyncGroup(t.Context(), groupID, true)
		a.must(err)
		if ready {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("not resynced")
		}
	}
	if n := a.mustBeWhole(); n != 13 {
		t.Errorf("%d joint records, want 13", n)
	}
}

func TestACopyThatNobodyIsPrimaryOfAnyMoreHoldsItsGroupUpUntilItLeaves(t *testing.T) {
	t.Parallel()
	a, b := grouped(t, never)
	a.writeTogether(3) // never synced, so that the new primary does not bring it up to date by itself
	sever(a, b)
	b.must(b.PromoteGroup(t.Context(), groupID, true))
	heal(a, b)
	kept := members[:2]
	_, err := b.ModifyGroup(t.Context(), groupID, kept)
	b.must(err)
	a.must(a.DemoteGroup(t.Context(), groupID))
	if _, err := a.ResyncGroup(t.Context(), groupID, true); !errors.Is(err, engine.ErrPrecondition) {
		t.Errorf("resyncing it returned %v", err)
	}
	a.faults.Add(faults.Fault{Kind: faults.Keep})
	if ready, err := a.ResyncGroup(t.Context(), groupID, true); ready || err != nil {
		t.Errorf("resyncing what is kept: %t, %v", ready, err)
	}
	if g, err := a.ModifyGroup(t.Context(), groupID, members[:1]); err != nil || !slices.Equal(g.Members, kept) {
		t.Errorf("a copy left whose primary is there, or one stayed that has none: %v, %v", g.Members, err)
	}
	for deadline := time.Now().Add(patience); ; {
		ready, err := a.ResyncGroup(t.Context(), groupID, true)
		a.must(err)
		if ready {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the others are not resynced")
		}
	}
}

func TestTheMembersOfAGroup(t *testing.T) {
	t.Parallel()
	a, b := grouped(t, interval)
	ctx := t.Context()
	a.must(a.Create(ctx, "pvc-d", 1<<20, claim))
	if err := a.Enable(ctx, "pvc-a", interval); !errors.Is(err, engine.ErrPrecondition) {
		t.Errorf("replicating a member by itself returned %v", err)
	}
	if _, err := a.CreateGroup(ctx, "other", []string{"pvc-a"}); !errors.Is(err, engine.ErrPrecondition) {
		t.Errorf("a member of another group was taken: %v", err)
	}
	if _, err := b.ModifyGroup(ctx, groupID, []string{"pvc-a"}); err != nil {
		t.Errorf("a copy's members can't be told: %v", err)
	}
	_, err := a.ModifyGroup(ctx, groupID, []string{"pvc-a", "pvc-b", "pvc-d"})
	a.must(err)
	a.awaitGroupSynced(time.Now())
	g, err := b.Group(groupID)
	if err != nil || !slices.Equal(g.Members, []string{"pvc-a", "pvc-b", "pvc-d"}) {
		t.Errorf("the copy is of %v, %v", g.Members, err)
	}
	for _, s := range a.List() {
		if s.Handle == "pvc-c" && (s.Role != layout.Standalone || !s.Writable) {
			t.Errorf("the volume that left is %+v", s)
		}
	}
	if err := a.DeleteGroup(ctx, groupID); !errors.Is(err, engine.ErrPrecondition) {
		t.Errorf("deleting a replicated group returned %v", err)
	}
	a.must(b.DeleteGroup(ctx, groupID))
	if _, err := b.Group(groupID); err != nil {
		t.Error("the copy of a group was deleted")
	}
	a.must(a.DisableGroup(ctx, groupID))
	_, err = a.ModifyGroup(ctx, groupID, nil)
	a.must(err)
	a.must(a.DeleteGroup(ctx, groupID))
	if _, err := a.Group(groupID); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("the deleted group: %v", err)
	}
	a.must(a.Delete(ctx, "pvc-a"))
}

func TestAGroupOutlivesItsArray(t *testing.T) {
	t.Parallel()
	a, b := grouped(t, interval)
	a.restart()
	b.restart()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if _, err := a.AppendTogether(t.Context(), members, "pod"); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("not writable")
		}
	}
	a.awaitGroupSynced(time.Now())
	if n := b.mustBeWhole(); n != 11 {
		t.Errorf("%d joint records, want 11", n)
	}
}
