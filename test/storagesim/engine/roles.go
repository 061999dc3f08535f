// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// operate runs one operation on a volume between its points, alone.
func (e *Engine) operate(ctx context.Context, name, handle string, f func(*volume) error) error {
	v, err := e.volume(handle)
	if err != nil {
		return err
	}
	if err := e.at(ctx, name+".before", v); err != nil {
		return err
	}
	if err := v.op.acquire(ctx); err != nil {
		return err
	}
	defer v.op.release()
	if g := v.inGroup(); g != nil {
		return preconditionf("volume %s is replicated with group %s, not by itself", handle, g.id)
	}
	if err := f(v); err != nil {
		return err
	}
	klog.V(2).InfoS("Done", "operation", name, "volume", handle, "cluster", e.opts.Cluster)
	return e.at(ctx, name+".after", v)
}

// Enable makes a volume replicated, with a snapshot every interval, and ships the first one at once. On a copy it
// changes no role.
func (e *Engine) Enable(ctx context.Context, handle string, interval time.Duration) error {
	if interval <= 0 {
		return preconditionf("volume %s: the interval between snapshots must be positive, not %s", handle, interval)
	}
	return e.operate(ctx, "enable", handle, func(v *volume) error {
		if err := v.enable(ctx, interval); err != nil {
			return err
		}
		v.kick()
		v.wait(ctx, e.opts.Timeouts.Ask, (*volume).triedToSync)
		return nil
	})
}

func (v *volume) enable(ctx context.Context, interval time.Duration) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.meta.SupersededBy != 0 && v.meta.Role == layout.Standalone {
		return preconditionf("volume %s was promoted on the peer (generation %d)", v.handle, v.meta.SupersededBy)
	}
	if v.meta.SyncInterval == interval && v.meta.Role != layout.Standalone {
		return nil
	}
	return v.change(ctx, true, func(m *layout.Meta) {
		m.SyncInterval = interval
		if m.Role == layout.Standalone {
			m.Role = layout.Primary
			m.LastSync = nil
		}
	})
}

// triedToSync says whether the first snapshot was delivered or could not be; the caller holds the lock.
func (v *volume) triedToSync() bool {
	return v.meta.Role != layout.Primary || v.meta.LastSync != nil || v.syncErr != nil
}

// Disable stops the replication of a volume and keeps its data. A copy stays a copy: the primary's array decides.
func (e *Engine) Disable(ctx context.Context, handle string) error {
	return e.operate(ctx, "disable", handle, func(v *volume) error {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.meta.Role != layout.Primary {
			return nil
		}
		return v.change(ctx, true, func(m *layout.Meta) {
			m.Role = layout.Standalone
			m.LastSync = nil
		})
	})
}

// Promote makes a copy the writable primary. Without force only if nothing is lost and nobody else writes.
func (e *Engine) Promote(ctx context.Context, handle string, force bool) error {
	return e.operate(ctx, "promote", handle, func(v *volume) error {
		if err := e.awaitReady(ctx); err != nil {
			return err
		}
		peer, err := e.ask(ctx, v)
		if err != nil {
			klog.InfoS("Promoting without word from the peer", "volume", handle, "force", force, "err", err)
		}
		done, err := v.promote(ctx, peer, force)
		if err != nil || done {
			return err
		}
		e.tellPromoted(ctx, v, peer != nil)
		v.attach()
		return nil
	})
}

// awaitReady waits until the array has learned, after it came up, who was promoted while it was down.
func (e *Engine) awaitReady(ctx context.Context) error {
	select {
	case <-e.ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the array to come up: %w", ctx.Err())
	}
}

// tellPromoted tells the peer of a promotion before anybody writes here. A peer that can't be reached will ask before
// it writes again; one that could not be reached before gets little time to be back.
func (e *Engine) tellPromoted(ctx context.Context, v *volume, reachable bool) {
	if !reachable {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.opts.Timeouts.Ask/8)
		defer cancel()
	}
	if _, err := e.ask(ctx, v); err != nil {
		klog.InfoS("Peer can't be told of the promotion", "volume", v.handle, "err", err)
	}
}

// promote changes the role; done says that there was nothing to do. The volume is not attached yet.
func (v *volume) promote(ctx context.Context, peer *PeerState, force bool) (done bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	m := &v.meta
	switch {
	case m.Role == layout.Standalone:
		return false, preconditionf("volume %s is not replicated: enable its replication first", v.handle)
	case m.Role == layout.Primary && m.SupersededBy == 0:
		return v.attached, nil
	case m.Role == layout.Primary && !force:
		return false, preconditionf("volume %s was promoted on the peer (generation %d): demote and resync it",
			v.handle, m.SupersededBy)
	case !force:
		if err := promotable(m, v.size, peer); err != nil {
			return false, err
		}
	}
	generation := max(m.Generation, m.SupersededBy)
	if peer != nil {
		generation = max(generation, peer.Generation)
	}
	return false, v.begin(ctx, generation+1)
}

// resume makes a primary that was superseded one again; the caller holds the lock.
func (v *volume) resume(ctx context.Context) error {
	attached := v.attached
	err := v.begin(ctx, v.meta.SupersededBy+1)
	v.attached = attached
	v.kick()
	return err
}

// begin starts a new generation of the volume here; the caller holds the lock.
func (v *volume) begin(ctx context.Context, generation int64) error {
	if err := v.file.Truncate(v.size); err != nil { // bytes of a snapshot that never was complete
		return err
	}
	v.attached, v.mirror, v.syncErr = false, nil, nil
	term := layout.Term{Generation: generation, Cluster: v.e.opts.Cluster, Start: v.size}
	return v.change(ctx, true, func(m *layout.Meta) {
		m.Role = layout.Primary
		m.Generation = generation
		m.History = append(slices.Clip(m.History), term)
		m.Size = v.size
		m.SupersededBy, m.Diverged = 0, false
		m.Final, m.Received, m.LastSync = nil, nil, nil
	})
}

// Demote stops the writes to a volume, takes its last snapshot and ships it. It succeeds without the peer: Resync says
// when the snapshot has arrived.
func (e *Engine) Demote(ctx context.Context, handle string) error {
	return e.operate(ctx, "demote", handle, func(v *volume) error {
		if err := v.demote(ctx); err != nil {
			return err
		}
		v.kick()
		v.wait(ctx, e.opts.Timeouts.Ask, (*volume).triedToDeliver)
		return nil
	})
}

func (v *volume) demote(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch v.meta.Role {
	case layout.Secondary:
		return nil
	case layout.Standalone:
		return preconditionf("volume %s is not replicated: enable its replication first", v.handle)
	}
	v.syncErr = nil
	return v.change(ctx, true, func(m *layout.Meta) {
		m.Role = layout.Secondary
		m.Size = v.size
		m.Final = &layout.Final{Time: time.Now()}
		m.LastSync = nil
	})
}

// delivered says whether the peer has the last snapshot of a demoted volume; the caller holds the lock.
func (v *volume) delivered() bool { return v.meta.Final == nil || v.meta.Final.Delivered }

// triedToDeliver says whether the last snapshot was delivered, could not be, or never will; the caller holds the lock.
func (v *volume) triedToDeliver() bool {
	return v.delivered() || v.syncErr != nil || v.meta.SupersededBy != 0
}

// Health of a volume's replication.
type Health int

const (
	// HealthUnknown: no snapshot was delivered yet.
	HealthUnknown Health = iota
	// Healthy replication delivers its snapshots.
	Healthy
	// Degraded replication does not.
	Degraded
	// Broken replication needs a person or an agent: the peer was promoted.
	Broken
)

// Info is what is known of a volume's replication.
type Info struct {
	// LastSync is the last snapshot delivered, or on a copy received; nil if there is none.
	LastSync *layout.Sync
	Health   Health
	Message  string
}

// Info tells how the replication of a volume is doing.
func (e *Engine) Info(ctx context.Context, handle string) (Info, error) {
	var info Info
	err := e.operate(ctx, "info", handle, func(v *volume) error {
		v.wait(ctx, e.opts.Timeouts.Ask/4, (*volume).triedToSync) // a promotion's first snapshot is on its way
		var err error
		info, err = v.info(time.Now())
		return err
	})
	return info, err
}
