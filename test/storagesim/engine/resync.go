// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// resyncStep is what a resync comes down to.
type resyncStep int

const (
	// notYet: ask again later.
	notYet resyncStep = iota
	// inSync: nothing to do.
	inSync
	// awaitFinal: the peer shall acknowledge our last snapshot.
	awaitFinal
	// pull: fetch what the primary has.
	pull
	// needsForce: pulling would throw bytes away.
	needsForce
	// yield: have the peer be primary again, over which this copy was promoted.
	yield
	// noPrimary: nobody to resync from.
	noPrimary
)

// planResync decides what a resync of a copy comes down to. peer is nil if it can't be reached.
func planResync(m *layout.Meta, size int64, peer *PeerState, force bool) resyncStep {
	undelivered := m.Final != nil && !m.Final.Delivered
	switch {
	case peer == nil && (undelivered || m.Diverged || m.SupersededBy != 0):
		return notYet
	case peer == nil:
		return inSync
	case peer.MayWrite && peer.Role == layout.Primary:
		if !force && (m.Diverged || !extends(m.History, size, peer.History, peer.Size)) {
			return needsForce
		}
		return pull
	case force && peer.Role == layout.Primary && peer.Generation < m.Generation:
		return yield
	case peer.Exists && peer.Role != layout.Secondary:
		return noPrimary
	case undelivered && m.SupersededBy == 0:
		return awaitFinal
	case !peer.Exists || m.Diverged:
		return noPrimary
	case !extends(peer.History, peer.Size, m.History, size):
		return notYet
	}
	return inSync
}

// Resync brings a copy up to date with the primary and says whether it is. With force a copy that has diverged gives its
// own bytes up; one that was promoted over a primary does so too, and the other one is primary as before. Of a demoted
// volume it says whether the peer has acknowledged the last snapshot.
func (e *Engine) Resync(ctx context.Context, handle string, force bool) (ready bool, err error) {
	err = e.operate(ctx, "resync", handle, func(v *volume) error {
		// Looked at before the primary is asked: what it ships meanwhile must not pass for bytes that it never had.
		v.mu.Lock()
		size := v.size
		v.mu.Unlock()
		peer, askErr := e.ask(ctx, v)
		if askErr != nil {
			klog.V(2).InfoS("Resync without word from the peer", "volume", handle, "err", askErr)
		}
		var err error
		ready, err = e.resync(ctx, v, size, peer, force)
		return err
	})
	return ready && err == nil, err
}

func (e *Engine) resync(ctx context.Context, v *volume, size int64, peer *PeerState, force bool) (bool, error) {
	v.mu.Lock()
	role, step := v.meta.Role, planResync(&v.meta, size, peer, force)
	v.mu.Unlock()
	if role != layout.Secondary {
		return false, preconditionf("volume %s is %s here: demote it before resyncing it", v.handle, role)
	}
	switch step {
	case inSync:
		return true, nil
	case awaitFinal:
		v.kick()
		return v.wait(ctx, e.opts.Timeouts.Settle, (*volume).delivered), nil
	case pull:
		return e.pull(ctx, v)
	case yield:
		return false, e.yield(ctx, v)
	case needsForce:
		return false, errors.Join(v.markDiverged(ctx), preconditionf(
			"volume %s holds bytes here that the primary on %s does not: resync it by force to give them up", v.handle, peer.Cluster))
	case noPrimary:
		if e.opts.Faults.Keeps(v.concern()) {
			return false, nil
		}
		return false, preconditionf("volume %s has no primary to resync from", v.handle)
	}
	return false, nil
}

func (v *volume) markDiverged(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.meta.Diverged {
		return nil
	}
	return v.change(ctx, true, func(m *layout.Meta) { m.Diverged = true })
}

// yield tells the peer that the promotion over it is given up. What it has is pulled by the next resync.
func (e *Engine) yield(ctx context.Context, volumes ...*volume) error {
	states := statesOf(volumes)
	for i := range states {
		states[i].Yields = true
	}
	ctx, cancel := context.WithTimeout(ctx, e.opts.Timeouts.Ask)
	defer cancel()
	_, err := e.opts.Peer.Hello(ctx, states)
	if errors.Is(err, ErrUnreachable) {
		return nil
	}
	return err
}

// pull fetches a snapshot of the primary and takes it in. A primary that can't be reached any more is no error.
func (e *Engine) pull(ctx context.Context, v *volume) (bool, error) {
	err := e.fetch(ctx, v)
	if errors.Is(err, ErrUnreachable) || errors.Is(err, ErrRefused) || errors.Is(err, context.DeadlineExceeded) {
		klog.InfoS("Resync not finished", "volume", v.handle, "cluster", e.opts.Cluster, "err", err)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// Tell the primary, so that it ships snapshots again at once.
	if _, err := e.ask(ctx, v); err != nil {
		klog.V(2).InfoS("Primary can't be told of the resync", "volume", v.handle, "err", err)
	}
	return true, nil
}

func (e *Engine) fetch(ctx context.Context, v *volume) error {
	ctx, cancel := context.WithTimeout(ctx, e.opts.Timeouts.Settle)
	defer cancel()
	s, body, err := e.opts.Peer.Fetch(ctx, v.peerState())
	if err != nil {
		return err
	}
	return errors.Join(e.Receive(ctx, s, body), body.Close())
}

// Snapshot is the peer, a copy, asking for a snapshot that brings it up to date.
func (e *Engine) Snapshot(have PeerState) (Snapshot, string, error) {
	v, err := e.volume(have.Handle)
	if err != nil {
		return Snapshot{}, "", err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.meta.Role != layout.Primary || !v.writable() || have.Generation > v.meta.Generation {
		return Snapshot{}, "", fmt.Errorf("%w: volume %s is no writable primary here", ErrRefused, v.handle)
	}
	s := v.describe()
	if !have.Diverged && extends(have.History, have.Size, v.meta.History, v.size) {
		s.Base = have.Size
	} else {
		s.Full = true
	}
	return s, layout.RecordsPath(e.opts.Dir, &v.meta), nil
}
