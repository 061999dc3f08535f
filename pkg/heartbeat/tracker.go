// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package heartbeat says which clusters' agents are connected: whether the hub has seen their Leases renewed, by the hub's
// own clock. An agent's clock has a say only in the first sight of its Lease, and never in the agent's favour.
package heartbeat

import (
	"maps"
	"slices"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
)

// DefaultLeaseDuration is assumed of a Lease that names none.
const DefaultLeaseDuration = 40 * time.Second

// Tracker remembers when each cluster's Lease was last seen renewed. It is safe for concurrent use.
type Tracker struct {
	clock clock.PassiveClock

	mu            sync.RWMutex
	beats         map[string]beat
	listeners     []func(cluster string)
	registrations []cache.ResourceEventHandlerRegistration
}

// beat is what is remembered of one Lease.
type beat struct {
	// renewTime is the agent's own word, used only to tell one renewal from the next.
	renewTime time.Time
	// observed is when the hub saw that renewal.
	observed time.Time
	duration time.Duration
}

func (b beat) expires() time.Time { return b.observed.Add(b.duration) }

// NewTracker returns a Tracker that has seen no Lease.
func NewTracker(clock clock.PassiveClock) *Tracker {
	return &Tracker{clock: clock, beats: map[string]beat{}}
}

// Watch makes the Tracker follow the Leases of an informer on the agents' namespace.
func (t *Tracker) Watch(informer cache.SharedIndexInformer) (cache.ResourceEventHandlerRegistration, error) {
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { t.observe(obj) },
		UpdateFunc: func(_, obj any) { t.observe(obj) },
		DeleteFunc: t.forget,
	})
	if err == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.registrations = append(t.registrations, registration)
	}
	return registration, err
}

// HasSynced tells whether the Tracker has seen every Lease there was when it began to watch. Until then a cluster it does
// not know may well be connected.
func (t *Tracker) HasSynced() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, registration := range t.registrations {
		if !registration.HasSynced() {
			return false
		}
	}
	return len(t.registrations) > 0
}

// OnChange has listener called with the name of a cluster whenever it becomes connected and whenever its Lease is
// deleted, and at once for each cluster that has a Lease by now. That a Lease runs out is nothing that happens: ask
// Expires, and look again then. The listener must return at once.
func (t *Tracker) OnChange(listener func(cluster string)) {
	t.mu.Lock()
	t.listeners = append(t.listeners, listener)
	clusters := slices.Collect(maps.Keys(t.beats))
	t.mu.Unlock()
	for _, cluster := range clusters {
		listener(cluster)
	}
}

// Last is when the hub last saw the cluster's Lease renewed and for how long that holds; ok is false if the hub has not
// seen any Lease of the cluster.
func (t *Tracker) Last(cluster string) (observedRenew time.Time, duration time.Duration, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	b, ok := t.beats[cluster]
	return b.observed, b.duration, ok
}

// Expires is when the cluster ceases, or ceased, to be connected unless its Lease is renewed before.
func (t *Tracker) Expires(cluster string) (expires time.Time, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	b, ok := t.beats[cluster]
	return b.expires(), ok
}

// Connected tells whether the cluster's agent holds its Lease at that time.
func (t *Tracker) Connected(cluster string, now time.Time) bool {
	expires, ok := t.Expires(cluster)
	return ok && now.Before(expires)
}

// observe takes notice of a Lease. Only a renewal counts: seeing the same one again says nothing about the agent.
func (t *Tracker) observe(obj any) {
	lease, ok := obj.(*coordinationv1.Lease)
	if !ok || lease.Spec.RenewTime == nil {
		return
	}
	now, renewTime := t.clock.Now(), lease.Spec.RenewTime.Time
	next := beat{renewTime: renewTime, observed: now, duration: leaseDuration(lease)}

	t.mu.Lock()
	last, seen := t.beats[lease.Name]
	switch {
	case !seen && renewTime.Before(now):
		next.observed = renewTime
	case seen && renewTime.Equal(last.renewTime):
		next.observed = last.observed
	}
	t.beats[lease.Name] = next
	cameBack := now.Before(next.expires()) && (!seen || !now.Before(last.expires()))
	t.mu.Unlock()

	if cameBack {
		t.tell(lease.Name)
	}
}

func (t *Tracker) forget(obj any) {
	if tombstone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = tombstone.Obj
	}
	lease, ok := obj.(*coordinationv1.Lease)
	if !ok {
		return
	}
	t.mu.Lock()
	delete(t.beats, lease.Name)
	t.mu.Unlock()
	t.tell(lease.Name)
}

func (t *Tracker) tell(cluster string) {
	t.mu.RLock()
	listeners := t.listeners
	t.mu.RUnlock()
	for _, listener := range listeners {
		listener(cluster)
	}
}

func leaseDuration(lease *coordinationv1.Lease) time.Duration {
	if seconds := lease.Spec.LeaseDurationSeconds; seconds != nil && *seconds > 0 {
		return time.Duration(*seconds) * time.Second
	}
	return DefaultLeaseDuration
}
