// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package engine is the storage array of one cluster: volumes with real bytes, mirrored to the peer cluster's array by
// snapshots at intervals, with the roles and the refusals that csi-addons expects of an array.
//
// What state.go decides, from the state of both copies, the other files do. An array may be killed at any instruction:
// a volume's metadata is replaced by rename, and only the bytes it names count.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
	"github.com/ramendr/dr-apiserver/test/storagesim/shared"
)

// Peer is the other cluster's array. Every call ends by the deadline of its context.
type Peer interface {
	// Hello tells the peer about copies here and returns its copies of the same volumes.
	Hello(ctx context.Context, states []PeerState) ([]PeerState, error)
	// Send delivers a snapshot. It returns once the peer has committed or refused it (ErrRefused).
	Send(ctx context.Context, s Snapshot, body io.Reader) error
	// Fetch asks the peer, the primary, for a snapshot that brings the copy described by have up to date.
	Fetch(ctx context.Context, have PeerState) (Snapshot, io.ReadCloser, error)
	// SendGroup and FetchGroup do the same with all volumes of a group at one point in time.
	SendGroup(ctx context.Context, s GroupSnapshot, body io.Reader) error
	FetchGroup(ctx context.Context, have GroupHave) (GroupSnapshot, io.ReadCloser, error)
}

// Options of an array.
type Options struct {
	// Cluster it belongs to.
	Cluster string
	// Dir holds its volumes.
	Dir string
	// Peer array.
	Peer Peer
	// Shared storage that other clusters reach too, and the fences of all storage; none if nil.
	Shared *shared.Store
	// Faults to suffer.
	Faults *faults.Injector
	// Durable state outlives the machine, not just the process.
	Durable bool
	// FirstSync, if given, is called when a primary's first snapshot since its promotion was delivered.
	FirstSync func(handle string)
	// Timeouts, with defaults.
	Timeouts Timeouts
}

// Timeouts of an array; 0 means the default.
type Timeouts struct {
	// Attach is how long a primary that comes back tries to ask its peer before it writes (3s).
	Attach time.Duration
	// Ask is how long one question to the peer may take (2s).
	Ask time.Duration
	// Ship is how long one snapshot may take (5s, and more for more bytes).
	Ship time.Duration
	// Settle is how long an operation waits for a snapshot that it needs, before it answers "not yet" (15s).
	Settle time.Duration
	// Probe is the time between two attempts to reach a lost peer (500ms).
	Probe time.Duration
}

func (t *Timeouts) setDefaults() {
	for p, d := range map[*time.Duration]time.Duration{
		&t.Attach: 3 * time.Second, &t.Ask: 2 * time.Second, &t.Ship: 5 * time.Second,
		&t.Settle: 15 * time.Second, &t.Probe: 500 * time.Millisecond,
	} {
		if *p == 0 {
			*p = d
		}
	}
}

// Engine is the array of one cluster.
type Engine struct {
	opts Options
	lock *os.File
	link *link
	dead atomic.Bool

	// ready is closed once volumes that were writable are so again.
	ready chan struct{}

	mu       sync.Mutex
	volumes  map[string]*volume
	incoming map[string]semaphore
	sets     map[string]*layout.SnapshotSet
	// busySets are being made or removed.
	busySets map[string]bool
	groups   map[string]*group
	run      func(*volume) // starts the sync loop of a volume; nil until Run
	runGroup func(*group)
}

// Open reads the volumes in a directory. No volume that was writable is before Run has asked the peer.
func Open(opts Options) (*Engine, error) {
	opts.Timeouts.setDefaults()
	if err := os.MkdirAll(opts.Dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := lockDir(opts.Dir)
	if err != nil {
		return nil, err
	}
	e := &Engine{opts: opts, lock: lock, link: newLink(), ready: make(chan struct{}),
		volumes: map[string]*volume{}, incoming: map[string]semaphore{}, sets: map[string]*layout.SnapshotSet{}, busySets: map[string]bool{},
		groups: map[string]*group{}}
	if err := e.load(); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// lockDir keeps two simulators from serving the same volumes.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir+"/lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s is in use by another simulator: stop it first: %w", dir, err), f.Close())
	}
	return f, nil
}

func (e *Engine) load() error {
	if err := layout.CompleteGroups(e.opts.Dir, e.opts.Durable); err != nil {
		return err
	}
	handles, err := layout.Handles(e.opts.Dir)
	if err != nil {
		return err
	}
	for _, h := range handles {
		m, err := layout.ReadMeta(e.opts.Dir, h)
		if errors.Is(err, fs.ErrNotExist) { // killed while making or removing it
			err = layout.RemoveVolume(e.opts.Dir, h)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		v, err := e.openVolume(m)
		if err != nil {
			return err
		}
		e.volumes[h] = v
	}
	sets, err := layout.SnapshotSets(e.opts.Dir)
	for _, set := range sets {
		e.sets[set.ID] = set
	}
	return errors.Join(err, e.loadGroups())
}

// Close lets go of the directory. Nothing may be called after it.
func (e *Engine) Close() error {
	e.dead.Store(true)
	e.mu.Lock()
	defer e.mu.Unlock()
	errs := []error{e.lock.Close()}
	for _, v := range e.volumes {
		errs = append(errs, v.closeFile())
	}
	return errors.Join(errs...)
}

// Run asks the peer about the volumes that were writable, then replicates until the context ends.
func (e *Engine) Run(ctx context.Context) {
	var loops sync.WaitGroup
	e.mu.Lock()
	e.run = func(v *volume) { loops.Go(func() { e.syncLoop(ctx, v) }) }
	for _, v := range e.volumes {
		e.run(v)
	}
	e.runGroup = func(g *group) { loops.Go(func() { e.groupLoop(ctx, g) }) }
	for _, g := range e.groups {
		e.runGroup(g)
	}
	e.mu.Unlock()
	e.attach(ctx)
	e.watchLink(ctx)
	loops.Wait()
}

// attach asks the peer whether it was promoted while this array was down. A peer that doesn't answer in time can't
// keep the volumes from being written.
func (e *Engine) attach(ctx context.Context) {
	defer close(e.ready)
	if !slices.ContainsFunc(e.all(), func(v *volume) bool { return !v.isAttached() }) {
		return
	}
	deadline := time.Now().Add(e.opts.Timeouts.Attach)
	for err := e.greet(ctx); err != nil; err = e.greet(ctx) {
		if ctx.Err() != nil {
			return
		}
		if time.Now().After(deadline) {
			klog.InfoS("Peer can't be asked; enabling writes", "cluster", e.opts.Cluster, "err", err)
			e.link.reportLost()
			break
		}
		pause(ctx, e.opts.Timeouts.Probe/2)
	}
	for _, v := range e.all() {
		v.attach()
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (e *Engine) all() []*volume {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]*volume, 0, len(e.volumes))
	for _, v := range e.volumes {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b *volume) int { return strings.Compare(a.handle, b.handle) })
	return all
}

func (e *Engine) volume(handle string) (*volume, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v, ok := e.volumes[handle]; ok {
		return v, nil
	}
	return nil, notFound(handle)
}

// add makes a volume known, and keeps it in sync from now on.
func (e *Engine) add(v *volume) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.volumes[v.handle] = v
	if e.run != nil {
		e.run(v)
	}
}

func (e *Engine) at(ctx context.Context, point string, v *volume) error {
	return e.opts.Faults.At(ctx, point, v.concern())
}
