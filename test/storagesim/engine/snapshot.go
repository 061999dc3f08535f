// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// TakeSnapshot takes a snapshot of one volume. Taking it again returns the one there is.
func (e *Engine) TakeSnapshot(ctx context.Context, id, handle string) (*layout.SnapshotSet, error) {
	return e.takeSet(ctx, "create-snapshot", &layout.SnapshotSet{ID: id}, []string{handle})
}

// TakeGroupSnapshot takes snapshots of several volumes at one point in time: of all or of none. Taking it again returns the
// one there is.
func (e *Engine) TakeGroupSnapshot(ctx context.Context, id string, handles []string) (*layout.SnapshotSet, error) {
	return e.takeSet(ctx, "create-group-snapshot", &layout.SnapshotSet{ID: id, Group: true}, handles)
}

func (e *Engine) takeSet(
	ctx context.Context, operation string, set *layout.SnapshotSet, handles []string,
) (*layout.SnapshotSet, error) {
	if !layout.ValidHandle(set.ID) || len(handles) == 0 {
		return nil, fmt.Errorf("%w: snapshot %q of volumes %v", ErrInvalid, set.ID, handles)
	}
	handles = slices.Compact(slices.Sorted(slices.Values(handles)))
	volumes, err := e.volumesOf(handles)
	if err != nil {
		return nil, err
	}
	if err := e.atAll(ctx, operation+".before", volumes); err != nil {
		return nil, err
	}
	set, err = e.commitSet(set, handles, volumes)
	if err != nil {
		return nil, err
	}
	return set, e.atAll(ctx, operation+".after", volumes)
}

// commitSet makes a set exist, unless it does. Several are made at a time, but each by one caller.
func (e *Engine) commitSet(set *layout.SnapshotSet, handles []string, volumes []*volume) (*layout.SnapshotSet, error) {
	there, err := e.beginSet(set.ID)
	if err != nil {
		return nil, err
	}
	defer e.endSet(set.ID)
	if there != nil {
		return sameSet(there, set, handles)
	}
	if err := e.writeSet(set, volumes); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sets[set.ID] = set
	return set, nil
}

// beginSet keeps others from making or removing a set, and returns the one there is. endSet lets them again.
func (e *Engine) beginSet(id string) (*layout.SnapshotSet, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.busySets[id] {
		return nil, fmt.Errorf("%w: snapshot %s", ErrBusy, id)
	}
	e.busySets[id] = true
	return e.sets[id], nil
}

func (e *Engine) endSet(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.busySets, id)
}

// atAll is a point that is reached for several volumes.
func (e *Engine) atAll(ctx context.Context, point string, volumes []*volume) error {
	for _, v := range volumes {
		if err := e.at(ctx, point, v); err != nil {
			return err
		}
	}
	return nil
}

func sameSet(there, wanted *layout.SnapshotSet, handles []string) (*layout.SnapshotSet, error) {
	var of []string
	for _, s := range there.Snapshots {
		of = append(of, s.Volume)
	}
	if there.Group != wanted.Group || !slices.Equal(of, handles) {
		return nil, fmt.Errorf("%w: snapshot %s is one of %v already", ErrExists, wanted.ID, of)
	}
	return there, nil
}

// volumesOf finds volumes.
func (e *Engine) volumesOf(handles []string) ([]*volume, error) {
	var volumes []*volume
	for _, handle := range handles {
		v, err := e.volume(handle)
		if err != nil {
			return nil, err
		}
		volumes = append(volumes, v)
	}
	return volumes, nil
}

// writeSet copies what the volumes hold at one point in time. Meanwhile records may be appended, but nothing is written in
// place.
func (e *Engine) writeSet(set *layout.SnapshotSet, volumes []*volume) (err error) {
	for _, v := range volumes {
		v.inPlace.RLock()
		defer v.inPlace.RUnlock()
	}
	files, err := e.describeSet(set, volumes)
	defer func() {
		for _, f := range files {
			err = errors.Join(err, f.Close())
		}
	}()
	if err != nil {
		return err
	}
	if e.dead.Load() {
		return errors.New("the array is down")
	}
	return layout.WriteSnapshotSet(e.opts.Dir, set, func(n int, to *os.File) error {
		_, err := io.CopyN(to, files[n], set.Snapshots[n].Size)
		return err
	}, e.opts.Durable)
}

// describeSet sets the point in time. The volumes are in the order of their handles, as wherever several are locked at once.
func (e *Engine) describeSet(set *layout.SnapshotSet, volumes []*volume) (files []*os.File, err error) {
	defer lockAll(volumes)()
	set.Time = time.Now()
	for _, v := range volumes {
		id := set.ID
		if set.Group {
			id += "." + v.handle
		}
		m := &v.meta
		set.Snapshots = append(set.Snapshots, layout.Snapshot{
			ID: id, Volume: v.handle, Origin: m.Lineage(), Claim: m.Claim, Capacity: m.Capacity,
			Generation: m.Generation, History: slices.Clone(m.History), Size: v.size,
		})
		file, err := os.Open(layout.RecordsPath(e.opts.Dir, m))
		if err != nil {
			return files, err
		}
		files = append(files, file)
	}
	return files, nil
}

// lockAll locks volumes that are in the order of their handles, and returns what unlocks them.
func lockAll(volumes []*volume) (unlock func()) {
	for _, v := range volumes {
		v.mu.Lock()
	}
	return func() {
		for _, v := range volumes {
			v.mu.Unlock()
		}
	}
}

// DeleteSnapshot forgets a snapshot that is not a group's, DeleteGroupSnapshot one of a group. Those that are not there are
// no error.
func (e *Engine) DeleteSnapshot(ctx context.Context, id string) error {
	return e.deleteSet(ctx, "delete-snapshot", id, false)
}

// DeleteGroupSnapshot forgets a group snapshot and all its members.
func (e *Engine) DeleteGroupSnapshot(ctx context.Context, id string) error {
	return e.deleteSet(ctx, "delete-group-snapshot", id, true)
}

func (e *Engine) deleteSet(ctx context.Context, operation, id string, group bool) error {
	set := e.SnapshotSet(id)
	if set == nil {
		if member, _ := e.FindSnapshot(id); member != nil {
			return preconditionf("snapshot %s is part of a group snapshot: delete that", id)
		}
		return nil
	}
	if set.Group != group {
		return fmt.Errorf("%w: snapshot %s is of another kind", ErrInvalid, id)
	}
	at := faults.Volume{Handle: set.Snapshots[0].Volume, Namespace: set.Snapshots[0].Claim.Namespace}
	if err := e.opts.Faults.At(ctx, operation+".before", at); err != nil {
		return err
	}
	if err := e.removeSet(id); err != nil {
		return err
	}
	return e.opts.Faults.At(ctx, operation+".after", at)
}

func (e *Engine) removeSet(id string) error {
	if _, err := e.beginSet(id); err != nil {
		return err
	}
	defer e.endSet(id)
	if err := layout.RemoveSnapshotSet(e.opts.Dir, id); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.sets, id)
	return nil
}

// SnapshotSet returns a set of snapshots, nil if there is none of that name.
func (e *Engine) SnapshotSet(id string) *layout.SnapshotSet {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sets[id]
}

// SnapshotSets returns all sets of snapshots, by name.
func (e *Engine) SnapshotSets() []*layout.SnapshotSet {
	e.mu.Lock()
	defer e.mu.Unlock()
	sets := make([]*layout.SnapshotSet, 0, len(e.sets))
	for _, set := range e.sets {
		sets = append(sets, set)
	}
	slices.SortFunc(sets, func(a, b *layout.SnapshotSet) int { return strings.Compare(a.ID, b.ID) })
	return sets
}

// FindSnapshot finds a snapshot and the set it was taken in; nil if there is none.
func (e *Engine) FindSnapshot(id string) (*layout.Snapshot, *layout.SnapshotSet) {
	for _, set := range e.SnapshotSets() {
		for n := range set.Snapshots {
			if set.Snapshots[n].ID == id {
				return &set.Snapshots[n], set
			}
		}
	}
	return nil, nil
}
