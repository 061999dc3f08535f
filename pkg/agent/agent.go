// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package agent is what runs on each managed cluster: it does what the hub's VolumeReplicationGroups for its cluster say,
// and goes on protecting when the hub is away. Each group is looked at as a whole: facts are observed, one pure function
// decides, and what it decided is carried out.
package agent

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/capture"
	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volsync"
	"github.com/ramendr/dr-apiserver/pkg/agent/restore"
	"github.com/ramendr/dr-apiserver/pkg/agent/served"
	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/objectstore"
)

const (
	// capturesAtOnce bounds what captures take from recovery.
	capturesAtOnce = 8
	// putsPerProfile at once.
	putsPerProfile = 16
	// roundsPerLook bounds how often a group is decided upon in one go.
	roundsPerLook = 10
)

// Agent acts on the groups of one cluster.
type Agent struct {
	cluster     string
	workers     int
	hub         *hub
	local       client.Client
	backends    replication.Backends
	volsync     *volsync.Backend
	collector   *capture.Collector
	index       *capture.Index
	restorer    *restore.Restorer
	kinds       *served.Kinds
	bindings    bindings
	stores      objectstore.Provider
	checkpoints *checkpoint.Store
	writer      *status.Writer
	clock       clock.WithTicker

	ctx      context.Context
	roles    *turns
	queue    workqueue.TypedRateLimitingInterface[types.NamespacedName]
	captures chan struct{}

	lock     sync.Mutex
	memories map[types.NamespacedName]*memory
	turns    map[string]chan struct{}
}

func (a *Agent) prepare(ctx context.Context) {
	a.ctx = ctx
	a.queue = workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](20*time.Millisecond, 30*time.Second),
		workqueue.TypedRateLimitingQueueConfig[types.NamespacedName]{Name: "groups"})
	a.roles = newTurns()
	a.captures = make(chan struct{}, capturesAtOnce)
	a.memories = map[types.NamespacedName]*memory{}
	a.turns = map[string]chan struct{}{}
}

func (a *Agent) enqueue(key types.NamespacedName) { a.queue.Add(key) }

// work looks at groups until ctx ends.
func (a *Agent) work(ctx context.Context) {
	var wait sync.WaitGroup
	for range a.workers {
		wait.Go(func() {
			for a.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	a.queue.ShutDown()
	wait.Wait()
}

func (a *Agent) next(ctx context.Context) bool {
	key, shutdown := a.queue.Get()
	if shutdown {
		return false
	}
	defer a.queue.Done(key)
	logger := klog.FromContext(ctx).WithValues("volumeReplicationGroup", key)
	after, err := a.look(klog.NewContext(ctx, logger), key)
	switch {
	case err == nil:
		a.queue.Forget(key)
		if after > 0 {
			a.queue.AddAfter(key, after)
		}
	case ctx.Err() != nil:
	default:
		if !apierrors.IsConflict(err) {
			logger.Error(err, "A group is tried again")
		}
		a.queue.AddRateLimited(key)
	}
	return true
}

// look observes, decides and acts until nothing is left to do at once.
func (a *Agent) look(ctx context.Context, key types.NamespacedName) (time.Duration, error) {
	m := a.memory(key)
	for range roundsPerLook {
		f, err := a.observe(ctx, key, m)
		if err != nil {
			return 0, err
		}
		if f.Group == nil && f.Checkpoint == nil {
			a.drop(key)
			return 0, nil
		}
		d := Decide(f)
		changed, err := a.act(ctx, f, m, &d)
		if err != nil {
			m.fail(err)
			return 0, err
		}
		m.fail(nil)
		if !changed {
			return d.After, nil
		}
	}
	return time.Millisecond, nil
}

func (m *memory) fail(err error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.failure = err
}

func (a *Agent) memory(key types.NamespacedName) *memory {
	a.lock.Lock()
	defer a.lock.Unlock()
	m := a.memories[key]
	if m == nil {
		m = newMemory()
		a.memories[key] = m
	}
	return m
}

func (a *Agent) drop(key types.NamespacedName) {
	a.lock.Lock()
	defer a.lock.Unlock()
	delete(a.memories, key)
}

func (a *Agent) turn(profile string) chan struct{} {
	a.lock.Lock()
	defer a.lock.Unlock()
	if a.turns[profile] == nil {
		a.turns[profile] = make(chan struct{}, putsPerProfile)
	}
	return a.turns[profile]
}
