// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
)

// memory is what the agent knows of a group that it can do without: it is found out again after a restart.
type memory struct {
	lock sync.Mutex
	// role the memory is of. Work begun for another one ends with its context.
	role   checkpoint.Role
	ctx    context.Context
	cancel context.CancelFunc

	stop         StopFacts
	listing      bool
	restore      RestoreFacts
	restoreTries int

	turn, queued bool
	endTurn      func()

	capture       CaptureFacts
	captureTries  int
	cancelUploads context.CancelFunc

	clearing, cleared bool
	failure           error
	refreshed         map[types.NamespacedName]Attempt
	seen              map[types.NamespacedName]signature
	unanswered        map[types.NamespacedName]order
	recent            map[wish]time.Time
}

// signature is what of a volume's state makes another look at it worth while.
type signature struct {
	wanted, reported replication.Role
	inSync           bool
	lastSync         time.Time
}

// order is what a volume was told to be, and since when it is known not to be that.
type order struct {
	wanted replication.Role
	ending bool
	since  time.Time
}

// wish is something asked of a volume; it is not asked again before its effect can be seen.
type wish struct {
	claim types.NamespacedName
	what  string
}

// patience is how long the effect of a wish may take to show in the caches.
const patience = 2 * time.Second

func newMemory() *memory {
	return &memory{
		refreshed:  map[types.NamespacedName]Attempt{},
		seen:       map[types.NamespacedName]signature{},
		unanswered: map[types.NamespacedName]order{},
		recent:     map[wish]time.Time{},
	}
}

// enter forgets what belongs to another role than the checkpoint's.
func (m *memory) enter(ctx context.Context, role checkpoint.Role) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.ctx != nil && m.role.Epoch == role.Epoch && m.role.State == role.State && m.role.Action == role.Action {
		return
	}
	if m.cancel != nil {
		m.cancel()
	}
	m.role = role
	m.ctx, m.cancel = context.WithCancel(ctx)
	m.stop, m.listing = StopFacts{}, false
	m.restore, m.restoreTries = RestoreFacts{}, 0
	m.capture.Retry, m.captureTries, m.capture.Err = time.Time{}, 0, nil
	m.turn, m.queued, m.endTurn = false, false, nil
	m.failure = nil
	clear(m.refreshed)
	clear(m.recent)
}

// fill copies what is remembered into facts.
func (m *memory) fill(f *Facts) {
	m.lock.Lock()
	defer m.lock.Unlock()
	f.Stop, f.Restore, f.Capture = m.stop, m.restore, m.capture
	f.Capture.Put, f.Capture.Failed = slices.Clone(m.capture.Put), maps.Clone(m.capture.Failed)
	f.Turn, f.Cleared, f.Failure = m.turn, m.cleared, m.failure
	claims := make(map[types.NamespacedName]bool, len(f.Volumes))
	for i := range f.Volumes {
		m.watch(&f.Volumes[i], f.Now)
		claims[f.Volumes[i].Key()] = true
	}
	m.keep(claims)
	f.Refreshed = maps.Clone(m.refreshed)
	f.Unanswered = make(map[types.NamespacedName]time.Time, len(m.unanswered))
	for claim, o := range m.unanswered {
		f.Unanswered[claim] = o.since
	}
}

// keep forgets what it knows of other claims than these: one of the name that is made later is another.
func (m *memory) keep(claims map[types.NamespacedName]bool) {
	maps.DeleteFunc(m.seen, func(claim types.NamespacedName, _ signature) bool { return !claims[claim] })
	maps.DeleteFunc(m.refreshed, func(claim types.NamespacedName, _ Attempt) bool { return !claims[claim] })
	maps.DeleteFunc(m.unanswered, func(claim types.NamespacedName, _ order) bool { return !claims[claim] })
}

// watch notices that a volume's state has changed.
func (m *memory) watch(v *Volume, at time.Time) {
	var now signature
	if v.State != nil {
		now = signature{wanted: v.State.Wanted, reported: v.State.Reported, inSync: v.State.InSync}
		if v.State.LastSyncTime != nil {
			now.lastSync = v.State.LastSyncTime.Time
		}
	}
	if m.seen[v.Key()] != now {
		m.seen[v.Key()] = now
		delete(m.refreshed, v.Key())
	}
	m.await(v, at)
}

// await notices since when a volume is not what it was told to be.
func (m *memory) await(v *Volume, at time.Time) {
	if v.State == nil || !v.State.Ending && v.State.Role == v.State.Wanted {
		delete(m.unanswered, v.Key())
		return
	}
	if o, known := m.unanswered[v.Key()]; !known || o.wanted != v.State.Wanted || o.ending != v.State.Ending {
		m.unanswered[v.Key()] = order{v.State.Wanted, v.State.Ending, at}
	}
}

// ask tells whether a wish is to be carried out now, rather than its effect to be waited for.
func (m *memory) ask(claim types.NamespacedName, what string, now time.Time) bool {
	m.lock.Lock()
	defer m.lock.Unlock()
	w := wish{claim, what}
	if now.Sub(m.recent[w]) < patience {
		return false
	}
	m.recent[w] = now
	return true
}

// retract forgets a wish that could not be recorded.
func (m *memory) retract(claim types.NamespacedName, what string) {
	m.lock.Lock()
	defer m.lock.Unlock()
	delete(m.recent, wish{claim, what})
}

// backoff grows from a second to half a minute.
func backoff(tries int) time.Duration {
	return min(time.Second<<min(max(tries-1, 0), 10), 30*time.Second)
}
