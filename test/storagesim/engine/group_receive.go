// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// arrival is one member of a group snapshot on its way into a copy.
type arrival struct {
	Snapshot
	volume *volume
	// fresh copies are made by it.
	fresh bool
	// content is where a full snapshot is put, delta the bytes of another.
	content string
	delta   []byte
}

// ReceiveGroup takes a snapshot of the peer's group in: of all volumes or of none, whenever the array is killed.
func (e *Engine) ReceiveGroup(ctx context.Context, s GroupSnapshot, body io.Reader) error {
	if s.From == e.opts.Cluster || !layout.ValidHandle(s.Group.ID) || len(s.Members) == 0 {
		return fmt.Errorf("%w: a snapshot of volume group %q from cluster %s", ErrInvalid, s.Group.ID, s.From)
	}
	g := e.groupOrNew(s.Group.ID)
	if err := g.incoming.acquire(ctx); err != nil {
		return err
	}
	defer g.incoming.release()
	slices.SortFunc(s.Members, func(a, b Snapshot) int { return strings.Compare(a.Handle, b.Handle) })
	if err := e.atMembers(ctx, "commit.before", s); err != nil {
		return err
	}
	arrivals, err := e.admitAll(ctx, s)
	if err != nil {
		return err
	}
	if err := e.stage(arrivals, body); err != nil {
		return err
	}
	if err := e.commitAll(ctx, g, s, arrivals); err != nil {
		return err
	}
	return e.atMembers(ctx, "commit.after", s)
}

func (e *Engine) atMembers(ctx context.Context, point string, s GroupSnapshot) error {
	for i := range s.Members {
		at := faults.Volume{Handle: s.Members[i].Handle, Namespace: s.Members[i].Claim.Namespace}
		if err := e.opts.Faults.At(ctx, point, at); err != nil {
			return err
		}
	}
	return nil
}

// admitAll decides whether all members may be taken in.
func (e *Engine) admitAll(ctx context.Context, s GroupSnapshot) ([]*arrival, error) {
	var arrivals []*arrival
	var refused error
	for _, member := range s.Members {
		if !layout.ValidHandle(member.Handle) {
			return nil, fmt.Errorf("%w: a snapshot of volume %q", ErrInvalid, member.Handle)
		}
		a := &arrival{Snapshot: member}
		v, err := e.volume(member.Handle)
		if errors.Is(err, ErrNotFound) {
			a.fresh, a.volume = true, e.newVolume(&layout.Meta{Handle: member.Handle})
			a.content, err = a.volume.nextContent(), judge(nil, 0, member)
		} else {
			a.volume = v
			a.content, err = v.admit(ctx, member)
		}
		refused = errors.Join(refused, err)
		arrivals = append(arrivals, a)
	}
	return arrivals, refused
}

// stage puts the bytes where they don't count yet.
func (e *Engine) stage(arrivals []*arrival, body io.Reader) error {
	for _, a := range arrivals {
		if a.Full {
			if err := e.makeContent(a.Handle, a.content, copyAll(body, a.Size)); err != nil {
				return err
			}
			continue
		}
		a.delta = make([]byte, a.Size-a.Base)
		if _, err := io.ReadFull(body, a.delta); err != nil {
			return fmt.Errorf("snapshot of %d bytes ended early: %w", len(a.delta), err)
		}
	}
	return nil
}

// commitAll makes all that was staged count at once.
func (e *Engine) commitAll(ctx context.Context, g *group, s GroupSnapshot, arrivals []*arrival) error {
	var volumes []*volume
	arriving := map[*volume]*arrival{}
	for _, a := range arrivals {
		volumes, arriving[a.volume] = append(volumes, a.volume), a
	}
	all := union(e.members(g), volumes)
	defer lockAll(all)()
	var placing errgroup.Group
	for _, a := range arrivals {
		placing.Go(a.place)
	}
	if err := placing.Wait(); err != nil {
		return err
	}
	err := e.changeTogether(ctx, g, s.Group, volumes, func(v *volume, m *layout.Meta) {
		a := arriving[v]
		takeIn(m, a.Snapshot)
		if a.Full {
			m.Content = a.content
		}
	})
	if err != nil {
		return err
	}
	g.adopt(all, volumes)
	for _, a := range arrivals {
		err = errors.Join(err, e.show(a))
	}
	return err
}

// place judges a member once more, and adds the bytes of a delta after those that count; the caller holds the lock.
func (a *arrival) place() error {
	v := a.volume
	if a.fresh {
		return nil
	}
	if err := judge(&v.meta, v.size, a.Snapshot); err != nil || a.Full {
		return err
	}
	if err := v.file.Truncate(v.size); err != nil {
		return err
	}
	if _, err := v.file.WriteAt(a.delta, v.size); err != nil || !v.e.opts.Durable {
		return err
	}
	return v.file.Sync()
}

// show makes what has been committed be seen; the caller holds the lock.
func (e *Engine) show(a *arrival) error {
	v := a.volume
	if !a.Full {
		size, seq, err := layout.Tail(layout.RecordsPath(e.opts.Dir, &v.meta), a.Size)
		v.size, v.seq = size, seq
		return err
	}
	if err := v.openContent(); err != nil {
		return err
	}
	if a.fresh {
		v.attached = true
		e.add(v)
		return nil
	}
	return v.removeOtherContents()
}

// pullGroup fetches a snapshot of the primary's group and takes it in. A primary that can't be reached any more is no error.
func (e *Engine) pullGroup(ctx context.Context, g *group, volumes []*volume) (bool, error) {
	err := e.fetchGroup(ctx, g, volumes)
	if errors.Is(err, ErrUnreachable) || errors.Is(err, ErrRefused) || errors.Is(err, context.DeadlineExceeded) {
		klog.InfoS("Resync not finished", "group", g.id, "cluster", e.opts.Cluster, "err", err)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// Tell the primary, so that it ships snapshots again at once.
	if _, err := e.askAll(ctx, volumes); err != nil {
		klog.V(2).InfoS("Primary can't be told of the resync", "group", g.id, "err", err)
	}
	return true, nil
}

func (e *Engine) fetchGroup(ctx context.Context, g *group, volumes []*volume) error {
	ctx, cancel := context.WithTimeout(ctx, e.opts.Timeouts.Settle)
	defer cancel()
	have := GroupHave{ID: g.id}
	for _, v := range volumes {
		have.Members = append(have.Members, v.peerState())
	}
	s, body, err := e.opts.Peer.FetchGroup(ctx, have)
	if err != nil {
		return err
	}
	return errors.Join(e.ReceiveGroup(ctx, s, body), body.Close())
}

// GroupHave is what copies of a group hold.
type GroupHave struct {
	ID      string      `json:"id"`
	Members []PeerState `json:"members"`
}

// SnapshotGroup is the peer, a copy, asking for a snapshot that brings all of its group up to date, and the bytes of it.
func (e *Engine) SnapshotGroup(have GroupHave) (GroupSnapshot, io.Reader, func(), error) {
	g, err := e.group(have.ID)
	if err != nil {
		return GroupSnapshot{}, nil, nil, err
	}
	s := GroupSnapshot{Group: g.record(), From: e.opts.Cluster}
	volumes := e.members(g)
	defer lockAll(volumes)()
	var paths []string
	for _, v := range volumes {
		i := slices.IndexFunc(have.Members, func(p PeerState) bool { return p.Handle == v.handle })
		theirs := PeerState{}
		if i >= 0 {
			theirs = have.Members[i]
		}
		if v.meta.Role != layout.Primary || !v.writable() || theirs.Generation > v.meta.Generation {
			return s, nil, nil, fmt.Errorf("%w: volume %s is no writable primary here", ErrRefused, v.handle)
		}
		member := v.describe()
		if theirs.Exists && !theirs.Diverged && extends(theirs.History, theirs.Size, v.meta.History, v.size) {
			member.Base = theirs.Size
		} else {
			member.Full = true
		}
		if len(s.Members) > 0 {
			member.Time = s.Members[0].Time
		}
		s.Members = append(s.Members, member)
		paths = append(paths, layout.RecordsPath(e.opts.Dir, &v.meta))
	}
	body, closeAll, err := openMembers(s, paths)
	return s, body, closeAll, err
}
