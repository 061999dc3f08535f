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

	stop         stopFacts
	listing      bool
	restore      restoreFacts
	restoreTries int

	turn, queued bool
	endTurn      func()

	capture       captureFacts
	captureTries  int
	cancelUploads context.CancelFunc

	clearing, cleared bool
	failure           error
	refreshed         map[types.NamespacedName]attempt
	seen              map[types.NamespacedName]signature
	recent            map[wish]time.Time
}

// signature is what of a volume's state makes another look at it worth while.
type signature struct {
	wanted, reported replication.Role
	inSync           bool
	lastSync         time.Time
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
		refreshed: map[types.NamespacedName]attempt{},
		seen:      map[types.NamespacedName]signature{},
		recent:    map[wish]time.Time{},
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
	m.stop, m.listing = stopFacts{}, false
	m.restore, m.restoreTries = restoreFacts{}, 0
	m.capture.retry, m.captureTries, m.capture.err = time.Time{}, 0, nil
	m.turn, m.queued, m.endTurn = false, false, nil
	m.failure = nil
	clear(m.refreshed)
	clear(m.recent)
}

// fill copies what is remembered into facts.
func (m *memory) fill(f *facts) {
	m.lock.Lock()
	defer m.lock.Unlock()
	f.stop, f.restore, f.capture = m.stop, m.restore, m.capture
	f.capture.put, f.capture.failed = slices.Clone(m.capture.put), maps.Clone(m.capture.failed)
	f.turn, f.cleared, f.failure = m.turn, m.cleared, m.failure
	for i := range f.volumes {
		m.watch(&f.volumes[i])
	}
	f.refreshed = maps.Clone(m.refreshed)
}

// watch notices that a volume's state has changed.
func (m *memory) watch(v *volume) {
	var now signature
	if v.state != nil {
		now = signature{wanted: v.state.Wanted, reported: v.state.Reported, inSync: v.state.InSync}
		if v.state.LastSyncTime != nil {
			now.lastSync = v.state.LastSyncTime.Time
		}
	}
	if m.seen[v.Key()] != now {
		m.seen[v.Key()] = now
		delete(m.refreshed, v.Key())
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
