// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// group is volumes that are replicated as one. Their metadata changes together, by a journal: of all or of none, whenever
// the array is killed.
type group struct {
	id string
	// op serialises the operations that csi-addons asks for, shipping the snapshots sent, incoming those that arrive.
	op, shipping, incoming semaphore
	kicked, gone           chan struct{}

	mu  sync.Mutex
	rec layout.Group
}

func newGroup(rec layout.Group) *group {
	return &group{
		id: rec.ID, rec: rec, op: make(semaphore, 1), shipping: make(semaphore, 1), incoming: make(semaphore, 1),
		kicked: make(chan struct{}, 1), gone: make(chan struct{}),
	}
}

func (g *group) record() layout.Group {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rec
}

func (g *group) kick() {
	select {
	case g.kicked <- struct{}{}:
	default:
	}
}

// loadGroups makes the groups in the directory known, whose volumes are.
func (e *Engine) loadGroups() error {
	records, err := layout.Groups(e.opts.Dir)
	for _, rec := range records {
		e.groups[rec.ID] = newGroup(rec)
		for _, handle := range rec.Members {
			if v := e.volumes[handle]; v != nil {
				v.group = e.groups[rec.ID]
			}
		}
	}
	return err
}

func (e *Engine) group(id string) (*group, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if g, ok := e.groups[id]; ok {
		return g, nil
	}
	return nil, fmt.Errorf("%w: there is no volume group %s", ErrNotFound, id)
}

// groupOrNew returns the group of that id, which exists from now on.
func (e *Engine) groupOrNew(id string) *group {
	e.mu.Lock()
	defer e.mu.Unlock()
	g := e.groups[id]
	if g == nil {
		g = newGroup(layout.Group{ID: id})
		e.groups[id] = g
		if e.runGroup != nil {
			e.runGroup(g)
		}
	}
	return g
}

// members are the volumes of a group that there are, in the order of their handles.
func (e *Engine) members(g *group) []*volume {
	var volumes []*volume
	for _, handle := range g.record().Members {
		if v, err := e.volume(handle); err == nil {
			volumes = append(volumes, v)
		}
	}
	return volumes
}

// changeTogether gives a group its record and volumes their metadata, all at once; the caller has locked the volumes.
func (e *Engine) changeTogether(ctx context.Context, g *group, rec layout.Group, volumes []*volume, f func(*volume, *layout.Meta)) error {
	c := layout.GroupChange{Group: rec}
	for _, v := range volumes {
		next := v.meta
		f(v, &next)
		c.Metas = append(c.Metas, next)
		if err := e.opts.Faults.At(ctx, "persist.before", v.concernLocked()); err != nil {
			return err
		}
	}
	if e.dead.Load() {
		return errors.New("the array is down")
	}
	if err := layout.JournalGroup(e.opts.Dir, &c, e.opts.Durable); err != nil {
		return err
	}
	var failed error
	for _, v := range volumes {
		failed = errors.Join(failed, e.opts.Faults.At(ctx, "persist.after", v.concernLocked()))
	}
	if e.dead.Load() {
		return errors.Join(failed, errors.New("the array is down"))
	}
	if err := layout.CompleteGroup(e.opts.Dir, g.id, e.opts.Durable); err != nil {
		e.dead.Store(true) // a restart completes it
		return err
	}
	for i, v := range volumes {
		v.meta = c.Metas[i]
		v.changed()
	}
	g.mu.Lock()
	g.rec = rec
	g.mu.Unlock()
	return failed
}

// CreateGroup makes a group of volumes that are replicated by nothing else. Making it again makes it a group of these.
func (e *Engine) CreateGroup(ctx context.Context, name string, handles []string) (layout.Group, error) {
	if !layout.ValidHandle(name) {
		return layout.Group{}, fmt.Errorf("%w: name of volume group %q: use lower case letters, digits, - and .", ErrInvalid, name)
	}
	return e.modify(ctx, e.groupOrNew(name), handles)
}

// ModifyGroup makes a group one of these volumes. A volume that joins a replicated group is replicated from then on, one
// that leaves is not any more and keeps its data. What is a copy follows the primary.
func (e *Engine) ModifyGroup(ctx context.Context, id string, handles []string) (layout.Group, error) {
	g, err := e.group(id)
	if err != nil {
		return layout.Group{}, err
	}
	return e.modify(ctx, g, handles)
}

func (e *Engine) modify(ctx context.Context, g *group, handles []string) (layout.Group, error) {
	handles = slices.Compact(slices.Sorted(slices.Values(handles)))
	wanted, err := e.volumesOf(handles)
	if err != nil {
		return layout.Group{}, err
	}
	if err := g.op.acquire(ctx); err != nil {
		return layout.Group{}, err
	}
	defer g.op.release()
	rec, before := g.record(), e.members(g)
	vanished := e.withoutPrimary(ctx, before, wanted)
	all := union(before, wanted)
	defer lockAll(all)()
	if slices.ContainsFunc(before, isCopy) {
		if err := followsPrimary(rec, handles); err != nil || len(vanished) == 0 {
			return rec, err
		}
		return e.dropVanished(ctx, g, before, vanished)
	}
	for _, v := range wanted {
		if v.group != nil && v.group != g {
			return rec, preconditionf("volume %s is in group %s already", v.handle, v.group.id)
		}
		if v.group == nil && v.meta.Role != layout.Standalone {
			return rec, preconditionf("volume %s is %s by itself: end that before it joins group %s", v.handle, v.meta.Role, g.id)
		}
	}
	rec.Members = handles
	err = e.changeTogether(ctx, g, rec, all, func(v *volume, m *layout.Meta) {
		switch joins := slices.Contains(wanted, v); {
		case !joins && m.Role == layout.Primary:
			m.Role, m.LastSync = layout.Standalone, nil
		case joins && v.group == nil && rec.SyncInterval > 0:
			m.Role, m.SyncInterval, m.LastSync = layout.Primary, rec.SyncInterval, nil
		}
	})
	if err == nil {
		g.adopt(all, wanted)
		g.kick()
	}
	return rec, err
}

// adopt notes which of the volumes are in the group; the caller has locked them.
func (g *group) adopt(all, members []*volume) {
	for _, v := range all {
		switch {
		case slices.Contains(members, v):
			v.group, v.mirror = g, nil
		case v.group == g:
			v.group = nil
		}
	}
}

func isCopy(v *volume) bool { return v.meta.Role == layout.Secondary }

// followsPrimary tells why a group of copies can't be one of these volumes: the primary's array decides. What it has and the
// cluster does not ask for stays.
func followsPrimary(rec layout.Group, handles []string) error {
	for _, handle := range handles {
		if !slices.Contains(rec.Members, handle) {
			return preconditionf("volume group %s is a copy here: volume %s can only join where it is primary", rec.ID, handle)
		}
	}
	return nil
}

// withoutPrimary are the copies among volumes, but for those that are wanted, that no longer have a primary.
func (e *Engine) withoutPrimary(ctx context.Context, volumes, wanted []*volume) []*volume {
	unlock := lockAll(volumes)
	volumes = slices.DeleteFunc(slices.Clone(volumes), func(v *volume) bool { return slices.Contains(wanted, v) || !isCopy(v) })
	unlock()
	if len(volumes) == 0 {
		return nil
	}
	peers, err := e.askAll(ctx, volumes)
	if err != nil {
		return nil
	}
	defer lockAll(volumes)()
	var vanished []*volume
	for i, v := range volumes {
		if isCopy(v) && planResync(&v.meta, v.size, &peers[i], false) == noPrimary {
			vanished = append(vanished, v)
		}
	}
	return vanished
}

// dropVanished takes copies that have no primary any more out of a group of copies; the caller has locked the volumes.
func (e *Engine) dropVanished(ctx context.Context, g *group, members, vanished []*volume) (layout.Group, error) {
	kept := slices.DeleteFunc(slices.Clone(members), func(v *volume) bool { return slices.Contains(vanished, v) })
	rec := g.record()
	rec.Members = nil
	for _, v := range kept {
		rec.Members = append(rec.Members, v.handle)
	}
	err := e.changeTogether(ctx, g, rec, kept, func(*volume, *layout.Meta) {})
	if err == nil {
		g.adopt(members, kept)
	}
	return rec, err
}

// union of volumes in the order of their handles.
func union(a, b []*volume) []*volume {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(a, b *volume) int { return strings.Compare(a.handle, b.handle) })
	return slices.Compact(all)
}

// DeleteGroup forgets a group. One that is a copy stays for as long as the primary's array has it.
func (e *Engine) DeleteGroup(ctx context.Context, id string) error {
	g, err := e.group(id)
	if err != nil {
		return nil //nolint:nilerr // it is gone
	}
	if err := g.op.acquire(ctx); err != nil {
		return err
	}
	defer g.op.release()
	volumes := e.members(g)
	defer lockAll(volumes)()
	for _, v := range volumes {
		switch v.meta.Role {
		case layout.Secondary:
			klog.InfoS("Keeping the group of mirrored volumes", "group", id)
			return nil
		case layout.Primary:
			return preconditionf("volume group %s is replicated: disable its replication first", id)
		}
	}
	if err := layout.RemoveGroup(e.opts.Dir, id); err != nil {
		return err
	}
	e.mu.Lock()
	delete(e.groups, id)
	e.mu.Unlock()
	g.adopt(volumes, nil)
	close(g.gone)
	return nil
}

// Group tells which volumes are in a group.
func (e *Engine) Group(id string) (layout.Group, error) {
	g, err := e.group(id)
	if err != nil {
		return layout.Group{}, err
	}
	return g.record(), nil
}
