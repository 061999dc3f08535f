// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

const (
	// retrySync is the longest time until a snapshot that was refused is tried again.
	retrySync = 5 * time.Second
	// retryFinal is the same for the last snapshot of a demoted volume, which somebody waits for.
	retryFinal = time.Second
	// maxPerSecond is how many snapshots one array ships: with many volumes each is shipped less often than asked for.
	maxPerSecond = 50
	// shipBytesPerSecond is how fast a snapshot travels at least.
	shipBytesPerSecond = 1 << 20
)

// syncLoop ships the snapshots of a volume for as long as it has any to ship.
func (e *Engine) syncLoop(ctx context.Context, v *volume) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-v.gone:
			return
		case <-v.kicked:
		case <-timer.C:
		}
		timer.Stop()
		started := time.Now()
		if g := v.inGroup(); g != nil {
			g.kick()
		}
		if v.due() {
			if err := e.ship(ctx, v); err != nil {
				klog.V(2).InfoS("Snapshot not delivered", "volume", v.handle, "cluster", e.opts.Cluster, "err", err)
			}
		}
		if next, ok := v.next(); ok {
			timer.Reset(time.Until(started.Add(max(next, e.leastPace()))))
		}
	}
}

// leastPace is the time between two snapshots of a volume that the number of volumes allows.
func (e *Engine) leastPace() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Duration(len(e.volumes)) * time.Second / maxPerSecond
}

// due says whether the volume has snapshots to ship.
func (v *volume) due() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, due := v.pace()
	return due
}

// next is how long after the start of this snapshot the next one is due.
func (v *volume) next() (time.Duration, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.pace()
}

// inGroup is the group that ships the volume's snapshots, if it is not the volume itself that does.
func (v *volume) inGroup() *group {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.group
}

// pace is the time between two snapshots, if there are any for the volume itself to ship; the caller holds the lock.
func (v *volume) pace() (time.Duration, bool) {
	if v.group != nil {
		return 0, false
	}
	return v.ownPace()
}

// ownPace is the same of a volume that may be in a group.
func (v *volume) ownPace() (time.Duration, bool) {
	m := &v.meta
	switch {
	case m.Role == layout.Secondary && !v.delivered() && m.SupersededBy == 0:
		return retryFinal, true
	case m.Role != layout.Primary || !v.writable():
		return 0, false
	case v.syncErr != nil:
		return min(m.SyncInterval, retrySync), true
	default:
		return m.SyncInterval, true
	}
}

// ship takes a snapshot of a volume and delivers it to the peer.
func (e *Engine) ship(ctx context.Context, v *volume) error {
	if err := v.shipping.acquire(ctx); err != nil {
		return err
	}
	defer v.shipping.release()
	err := e.shipSnapshot(ctx, v)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.syncErr = err
	if err != nil {
		v.mirror = nil
	}
	if errors.Is(err, ErrUnreachable) {
		e.link.reportLost()
	}
	v.changed()
	return err
}

func (e *Engine) shipSnapshot(ctx context.Context, v *volume) error {
	if err := e.at(ctx, "snapshot.before", v); err != nil {
		return err
	}
	s, ok := v.snapshot()
	if !ok {
		return nil // it became a copy meanwhile
	}
	if err := e.at(ctx, "snapshot.after", v); err != nil {
		return err
	}
	if err := e.opts.Faults.Delay(ctx, v.concern()); err != nil {
		return err
	}
	if err := e.at(ctx, "ship.before", v); err != nil {
		return err
	}
	if err := e.deliver(ctx, v, s); err != nil {
		return err
	}
	return e.at(ctx, "ship.after", v)
}

// snapshot describes the volume as it is now; ok is false if it has nothing to ship.
func (v *volume) snapshot() (s Snapshot, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, due := v.pace(); !due {
		return Snapshot{}, false
	}
	return v.describe(), true
}

// describe is the volume at this point in time; the caller holds the lock.
func (v *volume) describe() Snapshot {
	m := &v.meta
	s := Snapshot{
		Handle: v.handle, Origin: m.Origin, From: v.e.opts.Cluster, Claim: m.Claim, Capacity: m.Capacity, Generation: m.Generation,
		History: m.History, Time: time.Now(), Size: v.size,
	}
	if m.Final != nil {
		s.Final, s.Time = true, m.Final.Time
	}
	return s
}

// deliver sends the snapshot in the way the peer can take it, as far as known; if that was wrong it asks and tries again.
func (e *Engine) deliver(ctx context.Context, v *volume, s Snapshot) error {
	peer := v.lastMirror()
	if peer != nil {
		err := e.send(ctx, v, s, *peer)
		if !errors.Is(err, ErrRefused) {
			return err
		}
	}
	peer, err := e.ask(ctx, v)
	if err != nil {
		return err
	}
	return e.send(ctx, v, s, *peer)
}

func (v *volume) lastMirror() *PeerState {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.mirror
}

func (e *Engine) send(ctx context.Context, v *volume, s Snapshot, peer PeerState) error {
	v.mu.Lock()
	way, path := route(&v.meta, s.Size, peer), layout.RecordsPath(e.opts.Dir, &v.meta)
	v.mu.Unlock()
	switch way {
	case shipSuperseded:
		return fmt.Errorf("%w: volume %s was promoted on %s (generation %d)", ErrRefused, v.handle, peer.Cluster, peer.Generation)
	case shipWriter:
		return fmt.Errorf("%w: volume %s is %s on %s and was not demoted yet", ErrRefused, v.handle, peer.Role, peer.Cluster)
	case shipDiverged:
		return fmt.Errorf("%w: the copy of volume %s on %s has diverged and must be resynced by force", ErrRefused, v.handle, peer.Cluster)
	case shipFull:
		s.Full = true
	case shipDelta:
		s.Base = peer.Size
	}
	started := time.Now()
	if err := e.sendFile(ctx, s, path); err != nil {
		return err
	}
	return v.shipped(ctx, s, time.Since(started))
}

func (e *Engine) sendFile(ctx context.Context, s Snapshot, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	bytes := s.Size - s.Base
	ctx, cancel := context.WithTimeout(ctx, e.opts.Timeouts.Ship+time.Duration(bytes/shipBytesPerSecond)*time.Second)
	defer cancel()
	return e.opts.Peer.Send(ctx, s, io.NewSectionReader(f, s.Base, bytes))
}

// shipped remembers that the peer has the snapshot.
func (v *volume) shipped(ctx context.Context, s Snapshot, took time.Duration) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.mirror = &PeerState{
		Handle: v.handle, Exists: true, Role: layout.Secondary, Generation: s.Generation, History: s.History, Size: s.Size,
	}
	if s.Generation != v.meta.Generation {
		return nil
	}
	switch {
	case v.meta.Role == layout.Primary:
		sync := &layout.Sync{Time: s.Time, Duration: took, Bytes: s.Size - s.Base}
		if v.meta.LastSync == nil && v.e.opts.FirstSync != nil {
			defer func() { go v.e.opts.FirstSync(v.handle) }()
		}
		return v.change(ctx, false, func(m *layout.Meta) { m.LastSync = sync })
	case s.Final && !v.delivered():
		return v.change(ctx, true, func(m *layout.Meta) { m.Final = &layout.Final{Time: s.Time, Delivered: true} })
	}
	return nil
}
