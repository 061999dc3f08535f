// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// operateGroup runs one operation on a group between the points of all its members, alone.
func (e *Engine) operateGroup(ctx context.Context, name, id string, f func(*group, []*volume) error) error {
	g, err := e.group(id)
	if err != nil {
		return err
	}
	if err := e.atAll(ctx, name+".before", e.members(g)); err != nil {
		return err
	}
	if err := g.op.acquire(ctx); err != nil {
		return err
	}
	defer g.op.release()
	volumes := e.members(g)
	if err := f(g, volumes); err != nil {
		return err
	}
	klog.V(2).InfoS("Done", "operation", name, "group", id, "cluster", e.opts.Cluster)
	return e.atAll(ctx, name+".after", volumes)
}

// waitAll returns whether all volumes came to satisfy a condition in time.
func waitAll(ctx context.Context, volumes []*volume, timeout time.Duration, done func(*volume) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for _, v := range volumes {
		if !v.wait(ctx, timeout, done) {
			return false
		}
	}
	return true
}

// EnableGroup makes a group replicated, with a snapshot of all its volumes every interval.
func (e *Engine) EnableGroup(ctx context.Context, id string, interval time.Duration) error {
	if interval <= 0 {
		return preconditionf("volume group %s: the interval between snapshots must be positive, not %s", id, interval)
	}
	return e.operateGroup(ctx, "enable", id, func(g *group, volumes []*volume) error {
		if err := e.enableGroup(ctx, g, volumes, interval); err != nil {
			return err
		}
		g.kick()
		waitAll(ctx, volumes, e.opts.Timeouts.Ask, (*volume).triedToSync)
		return nil
	})
}

func (e *Engine) enableGroup(ctx context.Context, g *group, volumes []*volume, interval time.Duration) error {
	defer lockAll(volumes)()
	rec, change := g.record(), false
	change = rec.SyncInterval != interval
	for _, v := range volumes {
		if v.meta.SupersededBy != 0 && v.meta.Role == layout.Standalone {
			return preconditionf("volume %s was promoted on the peer (generation %d)", v.handle, v.meta.SupersededBy)
		}
		change = change || v.meta.Role == layout.Standalone
	}
	if !change {
		return nil
	}
	rec.SyncInterval = interval
	return e.changeTogether(ctx, g, rec, volumes, func(_ *volume, m *layout.Meta) {
		m.SyncInterval = interval
		if m.Role == layout.Standalone {
			m.Role, m.LastSync = layout.Primary, nil
		}
	})
}

// DisableGroup stops the replication of a group and keeps its data. Copies stay copies.
func (e *Engine) DisableGroup(ctx context.Context, id string) error {
	return e.operateGroup(ctx, "disable", id, func(g *group, volumes []*volume) error {
		defer lockAll(volumes)()
		if !slices.ContainsFunc(volumes, func(v *volume) bool { return v.meta.Role == layout.Primary }) {
			return nil
		}
		rec := g.record()
		rec.SyncInterval = 0
		return e.changeTogether(ctx, g, rec, volumes, func(_ *volume, m *layout.Meta) {
			if m.Role == layout.Primary {
				m.Role, m.LastSync = layout.Standalone, nil
			}
		})
	})
}

// PromoteGroup makes a group writable: all its volumes or none. Without force only if nothing of any is lost and nobody
// else writes to any.
func (e *Engine) PromoteGroup(ctx context.Context, id string, force bool) error {
	return e.operateGroup(ctx, "promote", id, func(g *group, volumes []*volume) error {
		if err := e.awaitReady(ctx); err != nil {
			return err
		}
		peers, err := e.askAll(ctx, volumes)
		if err != nil {
			klog.InfoS("Promoting without word from the peer", "group", id, "force", force, "err", err)
		}
		done, err := e.promoteGroup(ctx, g, volumes, peers, force)
		if err != nil || done {
			return err
		}
		told, cancel := ctx, context.CancelFunc(func() {})
		if peers == nil {
			told, cancel = context.WithTimeout(ctx, e.opts.Timeouts.Ask/8)
		}
		defer cancel()
		if _, err := e.askAll(told, volumes); err != nil {
			klog.InfoS("Peer can't be told of the promotion", "group", id, "err", err)
		}
		for _, v := range volumes {
			v.attach()
		}
		return nil
	})
}

// promoteGroup changes the role of all volumes that are not primary yet; done says that all were.
func (e *Engine) promoteGroup(ctx context.Context, g *group, volumes []*volume, peers []PeerState, force bool) (done bool, err error) {
	defer lockAll(volumes)()
	var begin []*volume
	generations := map[*volume]int64{}
	for i, v := range volumes {
		var peer *PeerState
		generation := max(v.meta.Generation, v.meta.SupersededBy)
		if peers != nil {
			peer, generation = &peers[i], max(generation, peers[i].Generation)
		}
		needed, err := v.mustBegin(peer, force)
		if err != nil {
			return false, err
		}
		if needed {
			begin, generations[v] = append(begin, v), generation+1
		}
	}
	if len(begin) == 0 {
		return !slices.ContainsFunc(volumes, func(v *volume) bool { return !v.attached }), nil
	}
	for _, v := range begin {
		if err := v.file.Truncate(v.size); err != nil { // bytes of a snapshot that never was complete
			return false, err
		}
		v.attached, v.mirror, v.syncErr = false, nil, nil
	}
	return false, e.changeTogether(ctx, g, g.record(), begin, func(v *volume, m *layout.Meta) {
		term := layout.Term{Generation: generations[v], Cluster: e.opts.Cluster, Start: v.size}
		m.Role, m.Generation, m.Size = layout.Primary, generations[v], v.size
		m.History = append(slices.Clip(m.History), term)
		m.SupersededBy, m.Diverged = 0, false
		m.Final, m.Received, m.LastSync = nil, nil, nil
		if g.rec.SyncInterval > 0 {
			m.SyncInterval = g.rec.SyncInterval
		}
	})
}

// mustBegin tells whether a volume has to be promoted, or why it may not be; the caller holds the lock.
func (v *volume) mustBegin(peer *PeerState, force bool) (bool, error) {
	m := &v.meta
	switch {
	case m.Role == layout.Standalone:
		return false, preconditionf("volume %s is not replicated: enable its replication first", v.handle)
	case m.Role == layout.Primary && m.SupersededBy == 0:
		return false, nil
	case force:
		return true, nil
	case m.Role == layout.Primary:
		return false, preconditionf("volume %s was promoted on the peer (generation %d): demote and resync it", v.handle, m.SupersededBy)
	default:
		return true, promotable(m, v.size, peer)
	}
}

// DemoteGroup stops the writes to all volumes of a group at once, takes the last snapshot of them and ships it.
func (e *Engine) DemoteGroup(ctx context.Context, id string) error {
	return e.operateGroup(ctx, "demote", id, func(g *group, volumes []*volume) error {
		if err := e.demoteGroup(ctx, g, volumes); err != nil {
			return err
		}
		g.kick()
		waitAll(ctx, volumes, e.opts.Timeouts.Ask, (*volume).triedToDeliver)
		return nil
	})
}

func (e *Engine) demoteGroup(ctx context.Context, g *group, volumes []*volume) error {
	defer lockAll(volumes)()
	var primaries []*volume
	for _, v := range volumes {
		switch v.meta.Role {
		case layout.Standalone:
			return preconditionf("volume %s is not replicated: enable its replication first", v.handle)
		case layout.Primary:
			primaries = append(primaries, v)
		}
	}
	if len(primaries) == 0 {
		return nil
	}
	now := time.Now()
	for _, v := range primaries {
		v.syncErr = nil
	}
	return e.changeTogether(ctx, g, g.record(), primaries, func(v *volume, m *layout.Meta) {
		m.Role, m.Size, m.Final, m.LastSync = layout.Secondary, v.size, &layout.Final{Time: now}, nil
	})
}

// ResyncGroup brings a group of copies up to date with the primary and says whether it is: as Resync does, of all volumes
// at once.
func (e *Engine) ResyncGroup(ctx context.Context, id string, force bool) (ready bool, err error) {
	err = e.operateGroup(ctx, "resync", id, func(g *group, volumes []*volume) error {
		// Looked at before the primary is asked: what it ships meanwhile must not pass for bytes that it never had.
		unlock := lockAll(volumes)
		sizes := make([]int64, len(volumes))
		for i, v := range volumes {
			sizes[i] = v.size
		}
		unlock()
		peers, askErr := e.askAll(ctx, volumes)
		if askErr != nil {
			klog.V(2).InfoS("Resync without word from the peer", "group", id, "err", askErr)
		}
		var err error
		ready, err = e.resyncGroup(ctx, g, volumes, sizes, peers, force)
		return err
	})
	return ready && err == nil, err
}

func (e *Engine) resyncGroup(ctx context.Context, g *group, volumes []*volume, sizes []int64, peers []PeerState, force bool) (bool, error) {
	steps, err := planGroup(volumes, sizes, peers, force)
	if err != nil {
		return false, err
	}
	switch {
	case slices.Contains(steps, needsForce):
		err := preconditionf("volume group %s holds bytes here that the primary does not: resync it by force to give them up", g.id)
		for i, v := range volumes {
			if steps[i] == needsForce {
				err = errors.Join(err, v.markDiverged(ctx))
			}
		}
		return false, err
	case slices.Contains(steps, yield):
		return false, e.yield(ctx, volumes...)
	case slices.Contains(steps, noPrimary):
		if e.opts.Faults.Keeps(volumes[slices.Index(steps, noPrimary)].concern()) {
			return false, nil
		}
		return false, preconditionf("volume group %s has no primary to resync from", g.id)
	case slices.Contains(steps, pull):
		return e.pullGroup(ctx, g, volumes)
	case slices.Contains(steps, notYet):
		return false, nil
	case slices.Contains(steps, awaitFinal):
		g.kick()
		return waitAll(ctx, volumes, e.opts.Timeouts.Settle, (*volume).delivered), nil
	}
	return true, nil
}

func planGroup(volumes []*volume, sizes []int64, peers []PeerState, force bool) ([]resyncStep, error) {
	defer lockAll(volumes)()
	var steps []resyncStep
	for i, v := range volumes {
		if v.meta.Role != layout.Secondary {
			return nil, preconditionf("volume %s is %s here: demote it before resyncing it", v.handle, v.meta.Role)
		}
		var peer *PeerState
		if peers != nil {
			peer = &peers[i]
		}
		steps = append(steps, planResync(&v.meta, sizes[i], peer, force))
	}
	return steps, nil
}

// GroupInfo tells how the replication of a group is doing: as badly as that of its worst volume, and as far as all have come.
func (e *Engine) GroupInfo(ctx context.Context, id string) (Info, error) {
	var info Info
	err := e.operateGroup(ctx, "info", id, func(_ *group, volumes []*volume) error {
		waitAll(ctx, volumes, e.opts.Timeouts.Ask/4, (*volume).triedToSync) // a promotion's first snapshot is on its way
		var infos []Info
		for _, v := range volumes {
			i, err := v.info(time.Now())
			if err != nil {
				return err
			}
			infos = append(infos, i)
		}
		info = mergeInfos(infos)
		return nil
	})
	return info, err
}

// mergeInfos is how a group does whose members do so.
func mergeInfos(infos []Info) Info {
	merged := Info{Message: "the group has no volumes"}
	for i, info := range infos {
		if i == 0 {
			merged = info
			continue
		}
		if worse(info.Health, merged.Health) {
			merged.Health, merged.Message = info.Health, info.Message
		}
		merged.LastSync = mergeSyncs(merged.LastSync, info.LastSync)
	}
	return merged
}

// worse orders: broken, degraded, unknown, healthy.
func worse(a, b Health) bool {
	order := []Health{Healthy, HealthUnknown, Degraded, Broken}
	return slices.Index(order, a) > slices.Index(order, b)
}

func mergeSyncs(a, b *layout.Sync) *layout.Sync {
	if a == nil || b == nil {
		return nil
	}
	merged := layout.Sync{Time: a.Time, Duration: max(a.Duration, b.Duration), Bytes: a.Bytes + b.Bytes}
	if b.Time.Before(a.Time) {
		merged.Time = b.Time
	}
	return &merged
}
