// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// array is one without a peer, which can be killed and opened again.
type array struct {
	*engine.Engine
	t      *testing.T
	dir    string
	faults *faults.Injector
}

func newArray(t *testing.T) *array {
	t.Helper()
	a := &array{t: t, dir: t.TempDir()}
	a.open()
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func (a *array) open() {
	a.t.Helper()
	a.faults = &faults.Injector{}
	e, err := engine.Open(engine.Options{Cluster: "dr1", Dir: a.dir, Faults: a.faults})
	if err != nil {
		a.t.Fatal(err)
	}
	a.Engine = e
	a.faults.Die = func(string) { e.Kill(); runtime.Goexit() }
}

// reopen kills the array and opens it again, once it has asked the peer that it doesn't have.
func (a *array) reopen() {
	a.t.Helper()
	a.Kill()
	a.must(a.Close())
	a.open()
}

// crashing does something that kills the array at a point, and opens it again.
func (a *array) crashing(point string, do func(context.Context)) {
	a.t.Helper()
	a.faults.Add(faults.Fault{Kind: faults.Crash, Point: point})
	var dying sync.WaitGroup
	dying.Go(func() { do(a.t.Context()) })
	dying.Wait()
	a.reopen()
}

func (a *array) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a *array) create(handles ...string) {
	a.t.Helper()
	for _, h := range handles {
		a.must(a.Create(a.t.Context(), h, 1<<20, claim))
	}
}

func (a *array) write(n int, handles ...string) {
	a.t.Helper()
	for range n {
		_, err := a.AppendTogether(a.t.Context(), handles, "pod")
		a.must(err)
	}
}

func (a *array) volume(handle string) engine.State {
	for _, v := range a.List() {
		if v.Handle == handle {
			return v
		}
	}
	a.t.Fatalf("there is no volume %s", handle)
	return engine.State{}
}

func (a *array) records(handle string) []layout.Record {
	a.t.Helper()
	v := a.volume(handle)
	records, err := layout.ReadRecords(layout.RecordsPath(a.dir, &v.Meta), -1)
	a.must(err)
	return records
}

func TestVolumeGoesOnFromASnapshot(t *testing.T) {
	t.Parallel()
	a := newArray(t)
	a.create("v")
	a.write(10, "v")
	for range 2 { // the snapshotter repeats itself
		if _, err := a.TakeSnapshot(t.Context(), "s", "v"); err != nil {
			t.Fatal(err)
		}
	}
	a.write(10, "v")
	a.reopen()
	for range 2 { // and so does the provisioner
		a.must(a.CreateFromSnapshot(t.Context(), "w", 1<<20, claim, "s"))
	}
	a.must(a.DeleteSnapshot(t.Context(), "s"))
	a.must(a.DeleteSnapshot(t.Context(), "s"))
	a.write(1, "w")
	held, last := a.records("w"), a.records("w")[10]
	if len(held) != 11 || last.Seq != 11 || last.Generation != 2 {
		t.Errorf("%d records, the last is %+v", len(held), last)
	}
	if v := a.volume("w"); v.Origin != "v" || v.Generation != 2 {
		t.Errorf("%+v", v)
	}
	a.must(a.CreateFromVolume(t.Context(), "x", 1<<20, claim, "w"))
	if v := a.volume("x"); v.Origin != "v" || v.Generation != 3 || v.Records != 11 {
		t.Errorf("a clone: %+v", v)
	}
	if err := a.CreateFromSnapshot(t.Context(), "y", 1<<20, claim, "s"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a volume from a snapshot that is gone: %v", err)
	}
}

func TestSnapshotRefusals(t *testing.T) {
	t.Parallel()
	a := newArray(t)
	a.create("v", "w")
	if _, err := a.TakeSnapshot(t.Context(), "s", "v"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.TakeGroupSnapshot(t.Context(), "g", []string{"w", "v"}); err != nil {
		t.Fatal(err)
	}
	take := func(id, handle string) error { _, err := a.TakeSnapshot(t.Context(), id, handle); return err }
	group := func(id string, handles ...string) error {
		_, err := a.TakeGroupSnapshot(t.Context(), id, handles)
		return err
	}
	for name, c := range map[string]struct{ err, want error }{
		"of another volume under the same name":  {take("s", "w"), engine.ErrExists},
		"of a volume that is not there":          {take("t", "x"), engine.ErrNotFound},
		"with a name that is a path":             {take("../s", "v"), engine.ErrInvalid},
		"of a group without members":             {group("h"), engine.ErrInvalid},
		"of another group under the same name":   {group("g", "v"), engine.ErrExists},
		"deleting a member of a group":           {a.DeleteSnapshot(t.Context(), "g.v"), engine.ErrPrecondition},
		"deleting a group as a snapshot":         {a.DeleteSnapshot(t.Context(), "g"), engine.ErrInvalid},
		"a volume smaller than what it shall be": {a.CreateFromSnapshot(t.Context(), "y", 1, claim, "s"), engine.ErrInvalid},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	if err := a.DeleteGroupSnapshot(t.Context(), "g"); err != nil || len(a.SnapshotSets()) != 1 {
		t.Errorf("%v, left: %v", err, a.SnapshotSets())
	}
}

func TestGroupSnapshotIsOfOnePointInTime(t *testing.T) {
	t.Parallel()
	a := newArray(t)
	handles := []string{"u", "v", "w"}
	a.create(handles...)
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	writing.Go(func() {
		for ctx.Err() == nil {
			_, _ = a.AppendTogether(ctx, handles, "pod")
		}
	})
	for n := range 20 {
		if _, err := a.TakeGroupSnapshot(t.Context(), fmt.Sprintf("g%d", n), handles); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	writing.Wait()
	for n := range 20 {
		set := fmt.Sprintf("g%d", n)
		var first []int64
		for member := range handles {
			records, err := layout.ReadRecords(layout.SnapshotPath(a.dir, set, member), -1)
			a.must(err)
			var together []int64
			for _, r := range records {
				together = append(together, r.Together)
			}
			if member == 0 {
				first = together
			}
			if !slices.Equal(together, first) {
				t.Fatalf("group snapshot %s: %d records on the first volume, %d on %s", set, len(first), len(together), handles[member])
			}
		}
	}
}

func TestSnapshotsAreThereOrNotWhereverTheArrayDies(t *testing.T) {
	t.Parallel()
	for _, point := range []string{
		"create-snapshot.before", "create-snapshot.after", "delete-snapshot.before", "delete-snapshot.after",
		"create-group-snapshot.before", "create-group-snapshot.after", "delete-group-snapshot.before", "delete-group-snapshot.after",
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			a := newArray(t)
			a.create("v", "w")
			a.write(10, "v", "w")
			a.crashing(point, func(ctx context.Context) {
				_, _ = a.TakeSnapshot(ctx, "s", "v")
				_, _ = a.TakeGroupSnapshot(ctx, "g", []string{"v", "w"})
				_ = a.DeleteSnapshot(ctx, "s")
				_ = a.DeleteGroupSnapshot(ctx, "g")
			})
			if _, err := a.TakeSnapshot(t.Context(), "s", "v"); err != nil {
				t.Fatal(err)
			}
			if _, err := a.TakeGroupSnapshot(t.Context(), "g", []string{"v", "w"}); err != nil {
				t.Fatal(err)
			}
			for handle, snapshot := range map[string]string{"a": "s", "b": "g.v", "c": "g.w"} {
				a.must(a.CreateFromSnapshot(t.Context(), handle, 1<<20, claim, snapshot))
				if n := len(a.records(handle)); n != 10 {
					t.Errorf("snapshot %s holds %d records", snapshot, n)
				}
			}
		})
	}
}

func TestWhatIsLeftOfAnUnfinishedSnapshotGoesAtTheNextStart(t *testing.T) {
	t.Parallel()
	a := newArray(t)
	for _, left := range []string{"s.new", "t"} {
		a.must(os.MkdirAll(filepath.Join(a.dir, ".snapshots", left), 0o755))
	}
	a.reopen()
	if left, err := os.ReadDir(filepath.Join(a.dir, ".snapshots")); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}
