// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
	"github.com/ramendr/dr-apiserver/test/storagesim/shared"
)

// Create makes an empty volume that is writable here and not replicated. Making it again changes nothing.
func (e *Engine) Create(ctx context.Context, handle string, capacity int64, claim layout.Claim) error {
	return e.create(ctx, "provision", &layout.Meta{
		Handle: handle, Claim: claim, Capacity: capacity, Role: layout.Standalone, Generation: 1,
		History: []layout.Term{{Generation: 1, Cluster: e.opts.Cluster}},
	}, nil)
}

// create makes a volume, unless there is one of that handle.
func (e *Engine) create(ctx context.Context, operation string, m *layout.Meta, write func(*os.File) error) error {
	if !layout.ValidHandle(m.Handle) {
		return fmt.Errorf("%w: volume handle %q: use lower case letters, digits, - and .", ErrInvalid, m.Handle)
	}
	at := faults.Volume{Handle: m.Handle, Namespace: m.Claim.Namespace}
	if err := e.opts.Faults.At(ctx, operation+".before", at); err != nil {
		return err
	}
	if _, err := e.volume(m.Handle); err == nil {
		return e.opts.Faults.At(ctx, operation+".after", at)
	}
	v := e.newVolume(m)
	content := v.nextContent()
	if err := e.makeContent(m.Handle, content, write); err != nil {
		return err
	}
	if err := e.commitNew(ctx, v, content); err != nil {
		return err
	}
	return e.opts.Faults.At(ctx, operation+".after", at)
}

// makeContent makes the directory of a copy that doesn't count yet.
func (e *Engine) makeContent(handle, content string, write func(*os.File) error) error {
	dir := filepath.Join(layout.VolumeDir(e.opts.Dir, handle), content)
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	f, err := os.Create(layout.RecordsPath(e.opts.Dir, &layout.Meta{Handle: handle, Content: content}))
	if err != nil {
		return err
	}
	if write != nil {
		err = write(f)
	}
	if err == nil && e.opts.Durable {
		err = errors.Join(f.Sync(), layout.SyncDir(dir), layout.SyncDir(filepath.Dir(dir)))
	}
	return errors.Join(err, f.Close())
}

// commitNew makes a volume exist whose content has been made.
func (e *Engine) commitNew(ctx context.Context, v *volume, content string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.change(ctx, true, func(m *layout.Meta) { m.Content = content }); err != nil {
		return err
	}
	if e.opts.Durable {
		if err := layout.SyncDir(e.opts.Dir); err != nil {
			return err
		}
	}
	if err := v.openContent(); err != nil {
		return err
	}
	v.attached = true
	e.add(v)
	return nil
}

// Delete removes a volume. A copy that mirrors the peer's stays: the array keeps it for as long as it is a copy. One that
// has diverged mirrors nothing, and would be in the way of another.
func (e *Engine) Delete(ctx context.Context, handle string) error {
	at := e.concern(handle)
	if err := e.opts.Faults.At(ctx, "delete.before", at); err != nil {
		return err
	}
	if e.onShared([]string{handle}) {
		return errors.Join(e.opts.Shared.Delete(handle), e.opts.Faults.At(ctx, "delete.after", at))
	}
	v, err := e.volume(handle)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err := v.op.acquire(ctx); err != nil {
		return err
	}
	defer v.op.release()
	if err := e.remove(v); err != nil {
		return err
	}
	return e.opts.Faults.At(ctx, "delete.after", at)
}

func (e *Engine) remove(v *volume) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.meta.Role == layout.Primary:
		return preconditionf("volume %s is replicated: disable its replication first", v.handle)
	case v.meta.Role == layout.Secondary && !v.meta.Diverged:
		klog.InfoS("Keeping the copy of a mirrored volume", "volume", v.handle)
		return nil
	}
	if err := layout.RemoveVolume(e.opts.Dir, v.handle); err != nil {
		return err
	}
	e.mu.Lock()
	delete(e.volumes, v.handle)
	e.mu.Unlock()
	v.attached = false
	close(v.gone)
	return v.file.Close()
}

// Append writes the next record to a volume, for a pod that mounts it.
func (e *Engine) Append(ctx context.Context, handle, pod string) (layout.Record, error) {
	records, err := e.AppendTogether(ctx, []string{handle}, pod)
	if len(records) == 0 {
		return layout.Record{}, err
	}
	return records[0], err
}

// AppendTogether writes a record to each of several volumes at once: to all, or to none. No snapshot of all of them falls in
// between. The records are in the order of the volumes' handles.
func (e *Engine) AppendTogether(ctx context.Context, handles []string, pod string) ([]layout.Record, error) {
	if e.onShared(handles) {
		return e.appendShared(ctx, handles, pod)
	}
	if e.fenced() {
		return nil, fmt.Errorf("%w: %w", ErrReadOnly, shared.ErrFenced)
	}
	volumes, err := e.volumesOf(slices.Compact(slices.Sorted(slices.Values(handles))))
	if err != nil {
		return nil, err
	}
	if err := e.atAll(ctx, "write.before", volumes); err != nil {
		return nil, err
	}
	records, err := e.appendAll(volumes, pod)
	if err != nil {
		return nil, err
	}
	return records, e.atAll(ctx, "write.after", volumes)
}

func (e *Engine) appendAll(volumes []*volume, pod string) ([]layout.Record, error) {
	defer lockAll(volumes)()
	for _, v := range volumes {
		if !v.writable() || e.dead.Load() {
			return nil, fmt.Errorf("%w: %s", ErrReadOnly, v.handle)
		}
	}
	now := time.Now()
	together := int64(0)
	if len(volumes) > 1 {
		together = now.UnixNano()
	}
	var records []layout.Record
	for _, v := range volumes {
		r, err := v.append(layout.Record{Time: now, Pod: pod, Together: together})
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// append numbers a record and writes it; the caller holds the lock.
func (v *volume) append(r layout.Record) (layout.Record, error) {
	r.Seq, r.Cluster, r.Generation = v.seq+1, v.e.opts.Cluster, v.meta.Generation
	line, err := r.Line()
	if err != nil {
		return layout.Record{}, err
	}
	if _, err := v.file.WriteAt(line, v.size); err != nil {
		return layout.Record{}, err
	}
	v.size += int64(len(line))
	v.seq = r.Seq
	r.Volume = v.meta.Lineage()
	return r, nil
}

// Claim tells the array which claim a volume is bound to, whose writers begin.
func (e *Engine) Claim(ctx context.Context, handle string, claim layout.Claim) error {
	if e.onShared([]string{handle}) {
		return e.opts.Shared.Claim(handle, claim)
	}
	v, err := e.volume(handle)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.meta.Claim == claim && !v.meta.Incoming {
		return nil
	}
	return v.change(ctx, false, func(m *layout.Meta) { m.Claim, m.Incoming = claim, false })
}

// State is what control shows of a volume.
type State struct {
	layout.Meta
	// Size and Records are the end of what counts now.
	Size    int64 `json:"size"`
	Records int64 `json:"records"`
	// Writable says whether records may be appended now.
	Writable bool   `json:"writable"`
	SyncErr  string `json:"syncError,omitempty"`
}

// List returns the state of every volume.
func (e *Engine) List() []State {
	states := []State{}
	for _, v := range e.all() {
		v.mu.Lock()
		s := State{Meta: v.meta, Size: v.size, Records: v.seq, Writable: v.writable()}
		if v.syncErr != nil {
			s.SyncErr = v.syncErr.Error()
		}
		v.mu.Unlock()
		states = append(states, s)
	}
	return states
}
