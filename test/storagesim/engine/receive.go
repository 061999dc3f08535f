// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// Receive takes a snapshot of the peer's in: all of it or nothing.
func (e *Engine) Receive(ctx context.Context, s Snapshot, body io.Reader) error {
	if s.From == e.opts.Cluster || !layout.ValidHandle(s.Handle) {
		return fmt.Errorf("%w: a snapshot of volume %q from cluster %s", ErrInvalid, s.Handle, s.From)
	}
	incoming := e.incomingOf(s.Handle)
	if err := incoming.acquire(ctx); err != nil {
		return err
	}
	defer incoming.release()
	at := faults.Volume{Handle: s.Handle, Namespace: s.Claim.Namespace}
	if err := e.opts.Faults.At(ctx, "commit.before", at); err != nil {
		return err
	}
	v, err := e.volume(s.Handle)
	if errors.Is(err, ErrNotFound) {
		err = e.receiveNew(ctx, s, body)
	} else {
		err = v.receive(ctx, s, body)
	}
	if err != nil {
		return err
	}
	return e.opts.Faults.At(ctx, "commit.after", at)
}

// incomingOf serialises the snapshots that arrive for a volume, existing or not.
func (e *Engine) incomingOf(handle string) semaphore {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.incoming[handle] == nil {
		e.incoming[handle] = make(semaphore, 1)
	}
	return e.incoming[handle]
}

func (e *Engine) receiveNew(ctx context.Context, s Snapshot, body io.Reader) error {
	if err := judge(nil, 0, s); err != nil {
		return err
	}
	m := &layout.Meta{Handle: s.Handle}
	takeIn(m, s)
	v := e.newVolume(m)
	content := v.nextContent()
	if err := e.makeContent(s.Handle, content, copyAll(body, s.Size)); err != nil {
		return err
	}
	return e.commitNew(ctx, v, content)
}

// copyAll writes a body that has to be of that size.
func copyAll(body io.Reader, size int64) func(*os.File) error {
	return func(f *os.File) error {
		if _, err := io.CopyN(f, body, size); err != nil {
			return fmt.Errorf("snapshot of %d bytes ended early: %w", size, err)
		}
		return nil
	}
}

// takeIn makes the metadata that of a copy which holds the snapshot.
func takeIn(m *layout.Meta, s Snapshot) {
	m.Role, m.Origin = layout.Secondary, s.Origin
	m.Claim, m.Capacity = s.Claim, s.Capacity
	m.Generation, m.History, m.Size = s.Generation, s.History, s.Size
	m.Received = &layout.Received{From: s.From, Time: s.Time, Final: s.Final}
	m.SupersededBy, m.Diverged = 0, false
	m.Final, m.LastSync = nil, nil
}

func (v *volume) receive(ctx context.Context, s Snapshot, body io.Reader) error {
	content, err := v.admit(ctx, s)
	if err != nil {
		return err
	}
	if s.Full {
		if err := v.e.makeContent(v.handle, content, copyAll(body, s.Size)); err != nil {
			return err
		}
		return v.commitFull(ctx, s, content)
	}
	delta := make([]byte, s.Size-s.Base)
	if _, err := io.ReadFull(body, delta); err != nil {
		return fmt.Errorf("snapshot of %d bytes ended early: %w", len(delta), err)
	}
	return v.commitDelta(ctx, s, delta)
}

// admit decides whether the snapshot may be taken in, and names the directory for a full one.
func (v *volume) admit(ctx context.Context, s Snapshot) (content string, err error) {
	writer := PeerState{Handle: s.Handle, Cluster: s.From, Exists: true, Role: layout.Primary, Generation: s.Generation}
	if err := v.hear(ctx, writer); err != nil {
		return "", err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	err = judge(&v.meta, v.size, s)
	if errors.Is(err, errDiverged) && !v.meta.Diverged {
		err = errors.Join(err, v.change(ctx, true, func(m *layout.Meta) { m.Diverged = true }))
	}
	return v.nextContent(), err
}

// commitFull replaces the bytes of a copy.
func (v *volume) commitFull(ctx context.Context, s Snapshot, content string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := judge(&v.meta, v.size, s); err != nil {
		return err
	}
	err := v.change(ctx, true, func(m *layout.Meta) {
		takeIn(m, s)
		m.Content = content
	})
	if err != nil {
		return err
	}
	return errors.Join(v.openContent(), v.removeOtherContents())
}

// commitDelta adds bytes to a copy. They count once the metadata says so.
func (v *volume) commitDelta(ctx context.Context, s Snapshot, delta []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := judge(&v.meta, v.size, s); err != nil {
		return err
	}
	if err := v.file.Truncate(v.size); err != nil {
		return err
	}
	if _, err := v.file.WriteAt(delta, v.size); err != nil {
		return err
	}
	if v.e.opts.Durable {
		if err := v.file.Sync(); err != nil {
			return err
		}
	}
	if err := v.change(ctx, true, func(m *layout.Meta) { takeIn(m, s) }); err != nil {
		return err
	}
	size, seq, err := layout.Tail(layout.RecordsPath(v.e.opts.Dir, &v.meta), s.Size)
	v.size, v.seq = size, seq
	return err
}
