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

	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// shipMember is how much longer a group snapshot may take for each volume.
const shipMember = 100 * time.Millisecond

// GroupSnapshot is all volumes of a group at one point in time. The bytes of its members follow in their order.
type GroupSnapshot struct {
	Group   layout.Group `json:"group"`
	From    string       `json:"from"`
	Members []Snapshot   `json:"members"`
}

// Bytes that follow.
func (s *GroupSnapshot) Bytes() int64 {
	n := int64(0)
	for i := range s.Members {
		n += s.Members[i].Size - s.Members[i].Base
	}
	return n
}

// groupLoop ships the snapshots of a group for as long as it has any to ship.
func (e *Engine) groupLoop(ctx context.Context, g *group) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.gone:
			return
		case <-g.kicked:
		case <-timer.C:
		}
		timer.Stop()
		started := time.Now()
		volumes := e.members(g)
		if _, due := paceOf(volumes); due {
			if err := e.shipGroup(ctx, g, volumes); err != nil {
				klog.V(2).InfoS("Group snapshot not delivered", "group", g.id, "cluster", e.opts.Cluster, "err", err)
			}
		}
		if next, ok := paceOf(volumes); ok {
			timer.Reset(time.Until(started.Add(max(next, e.leastPace()))))
		}
	}
}

// paceOf is the time between two snapshots of volumes that are a group, if there are any to ship of all of them.
func paceOf(volumes []*volume) (time.Duration, bool) {
	defer lockAll(volumes)()
	return paceLocked(volumes)
}

func paceLocked(volumes []*volume) (time.Duration, bool) {
	next := time.Duration(0)
	final := false
	for _, v := range volumes {
		pace, ok := v.ownPace()
		copied := v.meta.Role == layout.Secondary && v.delivered() && v.meta.SupersededBy == 0
		if !ok && !copied {
			return 0, false
		}
		final = final || ok
		if ok && (next == 0 || pace < next) {
			next = pace
		}
	}
	return next, final
}

// shipGroup takes a snapshot of a group and delivers it to the peer.
func (e *Engine) shipGroup(ctx context.Context, g *group, volumes []*volume) error {
	if err := g.shipping.acquire(ctx); err != nil {
		return err
	}
	defer g.shipping.release()
	err := e.shipGroupSnapshot(ctx, g, volumes)
	defer lockAll(volumes)()
	for _, v := range volumes {
		v.syncErr = err
		if err != nil {
			v.mirror = nil
		}
		v.changed()
	}
	if errors.Is(err, ErrUnreachable) {
		e.link.reportLost()
	}
	return err
}

func (e *Engine) shipGroupSnapshot(ctx context.Context, g *group, volumes []*volume) error {
	if err := e.atAll(ctx, "snapshot.before", volumes); err != nil {
		return err
	}
	s, ok := e.groupSnapshot(g, volumes)
	if !ok {
		return nil // it became a copy meanwhile
	}
	if err := e.atAll(ctx, "snapshot.after", volumes); err != nil {
		return err
	}
	lag, lagCtx := errgroup.WithContext(ctx)
	for _, v := range volumes {
		lag.Go(func() error { return e.opts.Faults.Delay(lagCtx, v.concern()) })
	}
	if err := lag.Wait(); err != nil {
		return err
	}
	if err := e.atAll(ctx, "ship.before", volumes); err != nil {
		return err
	}
	if err := e.deliverGroup(ctx, volumes, s); err != nil {
		return err
	}
	return e.atAll(ctx, "ship.after", volumes)
}

// groupSnapshot describes the group as it is now, while nobody can write to any of its volumes; ok is false if it has nothing
// to ship, or not the same volumes any more.
func (e *Engine) groupSnapshot(g *group, volumes []*volume) (s GroupSnapshot, ok bool) {
	defer lockAll(volumes)()
	if _, due := paceLocked(volumes); !due {
		return s, false
	}
	s = GroupSnapshot{Group: g.record(), From: e.opts.Cluster}
	if len(s.Group.Members) != len(volumes) {
		return s, false
	}
	now := time.Now()
	for _, v := range volumes {
		if v.group != g {
			return s, false
		}
		member := v.describe()
		if !member.Final {
			member.Time = now
		}
		s.Members = append(s.Members, member)
	}
	return s, true
}

// deliverGroup sends the snapshot in the way the peer can take it, as far as known; if that was wrong it asks and tries again.
func (e *Engine) deliverGroup(ctx context.Context, volumes []*volume, s GroupSnapshot) error {
	if peers := lastMirrors(volumes); peers != nil {
		if err := e.sendGroup(ctx, volumes, s, peers); !errors.Is(err, ErrRefused) {
			return err
		}
	}
	peers, err := e.askAll(ctx, volumes)
	if err != nil {
		return err
	}
	return e.sendGroup(ctx, volumes, s, peers)
}

func lastMirrors(volumes []*volume) []PeerState {
	defer lockAll(volumes)()
	var peers []PeerState
	for _, v := range volumes {
		if v.mirror == nil {
			return nil
		}
		peers = append(peers, *v.mirror)
	}
	return peers
}

func (e *Engine) sendGroup(ctx context.Context, volumes []*volume, s GroupSnapshot, peers []PeerState) error {
	paths := make([]string, len(volumes))
	for i, v := range volumes {
		member := &s.Members[i]
		v.mu.Lock()
		way := route(&v.meta, member.Size, peers[i])
		paths[i] = layout.RecordsPath(e.opts.Dir, &v.meta)
		v.mu.Unlock()
		switch way {
		case shipSuperseded, shipWriter, shipDiverged:
			return fmt.Errorf("%w: volume %s on %s is %s of generation %d (here %d; diverged: %t)", ErrRefused,
				v.handle, peers[i].Cluster, peers[i].Role, peers[i].Generation, member.Generation, peers[i].Diverged || way == shipDiverged)
		case shipFull:
			member.Full, member.Base = true, 0
		case shipDelta:
			member.Full, member.Base = false, peers[i].Size
		}
	}
	body, closeAll, err := openMembers(s, paths)
	if err != nil {
		return err
	}
	defer closeAll()
	patience := e.opts.Timeouts.Ship + time.Duration(s.Bytes()/shipBytesPerSecond)*time.Second + time.Duration(len(s.Members))*shipMember
	sending, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	started := time.Now()
	if err := e.opts.Peer.SendGroup(sending, s, body); err != nil {
		return err
	}
	took := time.Since(started)
	for i, v := range volumes {
		err = errors.Join(err, v.shipped(ctx, s.Members[i], took))
	}
	return err
}

// openMembers reads the bytes that follow a group snapshot.
func openMembers(s GroupSnapshot, paths []string) (body io.Reader, closeAll func(), err error) {
	var files []*os.File
	var parts []io.Reader
	closeAll = func() {
		for _, f := range files {
			_ = f.Close()
		}
	}
	for i, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		files = append(files, f)
		parts = append(parts, io.NewSectionReader(f, s.Members[i].Base, s.Members[i].Size-s.Members[i].Base))
	}
	return io.MultiReader(parts...), closeAll, nil
}

// askAll exchanges the states of volumes with the peer; its answers are in their order.
func (e *Engine) askAll(ctx context.Context, volumes []*volume) ([]PeerState, error) {
	states := statesOf(volumes)
	ctx, cancel := context.WithTimeout(ctx, e.opts.Timeouts.Ask)
	defer cancel()
	answers, err := e.opts.Peer.Hello(ctx, states)
	if err != nil {
		e.link.reportLost()
		return nil, err
	}
	if len(answers) != len(states) {
		return nil, fmt.Errorf("%w: it answered for %d volumes, not %d", ErrUnreachable, len(answers), len(states))
	}
	return answers, e.hear(ctx, answers)
}
