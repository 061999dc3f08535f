// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// volume is one copy. Its metadata on disk is the truth; what is beside it here is lost at a crash.
type volume struct {
	e      *Engine
	handle string
	// op serialises the operations that csi-addons asks for, shipping the snapshots sent.
	op, shipping semaphore
	// kicked wakes the sync loop.
	kicked chan struct{}
	// inPlace is held, before mu, by whoever writes in place, and shared by those that copy what the volume holds.
	inPlace sync.RWMutex
	// gone is closed when the volume is removed.
	gone chan struct{}

	mu   sync.Mutex
	meta layout.Meta
	file *os.File
	// group that it is replicated with; nil if by itself.
	group *group
	// size and seq are the end of the bytes that count and the number of the last record in them.
	size, seq int64
	// attached primaries have asked their peer since the array came up.
	attached bool
	// mirror is the peer's copy as the last snapshot left it, nil if that isn't known.
	mirror *PeerState
	// syncErr is why the last snapshot was not delivered.
	syncErr error
	// notify is closed at the next change.
	notify chan struct{}
}

type semaphore chan struct{}

func (s semaphore) acquire(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for another operation on the volume: %w", ctx.Err())
	}
}

func (s semaphore) release() { <-s }

func (e *Engine) newVolume(m *layout.Meta) *volume {
	return &volume{
		e: e, handle: m.Handle, meta: *m, op: make(semaphore, 1), shipping: make(semaphore, 1),
		kicked: make(chan struct{}, 1), gone: make(chan struct{}), notify: make(chan struct{}),
	}
}

// openVolume opens a volume as it was left, and removes what a killed array left behind.
func (e *Engine) openVolume(m *layout.Meta) (*volume, error) {
	v := e.newVolume(m)
	if err := v.removeOtherContents(); err != nil {
		return nil, err
	}
	if err := v.openContent(); err != nil {
		return nil, err
	}
	v.attached = !m.MayWrite()
	v.kick()
	return v, nil
}

// openContent opens the bytes that the metadata names.
func (v *volume) openContent() error {
	limit := v.meta.Size
	if v.meta.Role != layout.Secondary {
		limit = -1 // whatever was written since the promotion counts
	}
	path := layout.RecordsPath(v.e.opts.Dir, &v.meta)
	size, seq, err := layout.Tail(path, limit)
	if err != nil && v.meta.Incoming {
		size, seq, err = halfWritten(path)
	}
	if err != nil {
		return fmt.Errorf("volume %s: %w", v.handle, err)
	}
	if size < v.meta.Size {
		return fmt.Errorf("volume %s: %s holds %d whole bytes, its metadata says %d", v.handle, path, size, v.meta.Size)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	old := v.file
	v.file, v.size, v.seq = file, size, seq
	if old != nil {
		return old.Close()
	}
	return nil
}

// halfWritten is the end of a file that a mover has not completed.
func halfWritten(path string) (size, seq int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	return info.Size(), 0, nil
}

func (v *volume) closeFile() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.file.Close()
}

const contentPrefix = "content-"

// nextContent names a directory for a full copy.
func (v *volume) nextContent() string {
	n, _ := strconv.Atoi(strings.TrimPrefix(v.meta.Content, contentPrefix))
	return contentPrefix + strconv.Itoa(n+1)
}

func (v *volume) removeOtherContents() error {
	dirs, err := filepath.Glob(filepath.Join(layout.VolumeDir(v.e.opts.Dir, v.handle), contentPrefix+"*"))
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if filepath.Base(d) != v.meta.Content {
			err = errors.Join(err, os.RemoveAll(d))
		}
	}
	return err
}

// change replaces the metadata, on disk first; the caller holds the lock. durable is for what must outlive the machine.
func (v *volume) change(ctx context.Context, durable bool, f func(*layout.Meta)) error {
	next := v.meta
	f(&next)
	if err := v.e.opts.Faults.At(ctx, "persist.before", v.concernLocked()); err != nil {
		return err
	}
	if v.e.dead.Load() {
		return errors.New("the array is down")
	}
	if err := layout.WriteMeta(v.e.opts.Dir, &next, durable && v.e.opts.Durable); err != nil {
		return err
	}
	v.meta = next
	v.changed()
	return v.e.opts.Faults.At(ctx, "persist.after", v.concernLocked())
}

// changed wakes whoever waits for a change; the caller holds the lock.
func (v *volume) changed() {
	close(v.notify)
	v.notify = make(chan struct{})
}

// wait returns whether the volume came to satisfy a condition in time.
func (v *volume) wait(ctx context.Context, timeout time.Duration, done func(*volume) bool) bool {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		v.mu.Lock()
		ok, notify := done(v), v.notify
		v.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-notify:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// kick makes the sync loop look at the volume now.
func (v *volume) kick() {
	select {
	case v.kicked <- struct{}{}:
	default:
	}
}

// concern is what faults of a volume are narrowed by, wherever it is.
func (e *Engine) concern(handle string) faults.Volume {
	if v, err := e.volume(handle); err == nil {
		return v.concern()
	}
	if e.opts.Shared != nil {
		return faults.Volume{Handle: handle, Namespace: e.opts.Shared.Namespace(handle)}
	}
	return faults.Volume{Handle: handle}
}

func (v *volume) concern() faults.Volume {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.concernLocked()
}

func (v *volume) concernLocked() faults.Volume {
	return faults.Volume{Handle: v.handle, Namespace: v.meta.Claim.Namespace}
}

func (v *volume) isAttached() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.attached
}

// attach lets a primary write that was not superseded.
func (v *volume) attach() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.attached = true
	v.changed()
	v.kick()
}

// writable says whether records may be appended now; the caller holds the lock.
func (v *volume) writable() bool { return v.attached && v.meta.MayWrite() }

// state is what the peer is told; the caller holds the lock.
func (v *volume) state() PeerState {
	return PeerState{
		Handle: v.handle, Cluster: v.e.opts.Cluster, Exists: true, Role: v.meta.Role, Generation: v.meta.Generation,
		History: v.meta.History, Size: v.size, MayWrite: v.meta.MayWrite(), Diverged: v.meta.Diverged,
	}
}

func (v *volume) peerState() PeerState {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.state()
}

// statesOf is what the peer is told of several volumes.
func statesOf(volumes []*volume) []PeerState {
	states := make([]PeerState, 0, len(volumes))
	for _, v := range volumes {
		states = append(states, v.peerState())
	}
	return states
}
