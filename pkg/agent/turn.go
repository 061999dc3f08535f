// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// turnsAtOnce is how many groups change their role at the same time. When many are told to at once, the first are
	// done long before the last, in the order they were told; all at once, they would all be done last.
	turnsAtOnce = 8
	// turnPatience is how long a turn may take before the next group gets one too: it may be waiting for something.
	turnPatience = 2 * time.Second
)

// turns are taken in order.
type turns struct {
	lock    sync.Mutex
	free    int
	waiting []chan struct{}
	idlers  []chan struct{}
}

func newTurns() *turns { return &turns{free: turnsAtOnce} }

// take waits for a turn and returns what ends it; it ends by itself when patience or ctx does.
func (t *turns) take(ctx context.Context) (end func(), err error) {
	given := t.queue()
	select {
	case <-given:
	case <-ctx.Done():
		t.leave(given)
		return nil, ctx.Err()
	}
	own, end := context.WithTimeout(ctx, turnPatience)
	context.AfterFunc(own, t.release)
	return end, nil
}

// queue returns what is closed when it is the caller's turn.
func (t *turns) queue() chan struct{} {
	t.lock.Lock()
	defer t.lock.Unlock()
	given := make(chan struct{})
	if t.free > 0 {
		t.free--
		close(given)
	} else {
		t.waiting = append(t.waiting, given)
	}
	return given
}

// leave gives up waiting, or the turn if it has been given meanwhile.
func (t *turns) leave(given chan struct{}) {
	t.lock.Lock()
	i := slices.Index(t.waiting, given)
	if i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
	t.lock.Unlock()
	if i < 0 {
		t.release()
	}
}

func (t *turns) release() {
	t.lock.Lock()
	defer t.lock.Unlock()
	if len(t.waiting) > 0 {
		close(t.waiting[0])
		t.waiting = t.waiting[1:]
		return
	}
	t.free++
	if t.free == turnsAtOnce {
		for _, idler := range t.idlers {
			close(idler)
		}
		t.idlers = nil
	}
}

// busy tells whether groups are waiting for their turn.
func (t *turns) busy() bool {
	t.lock.Lock()
	defer t.lock.Unlock()
	return len(t.waiting) > 0
}

// idle waits until nobody takes a turn, though not for long: what comes after a change of role makes room for those that
// are still to come.
func (t *turns) idle(ctx context.Context) {
	t.lock.Lock()
	if t.free == turnsAtOnce {
		t.lock.Unlock()
		return
	}
	idle := make(chan struct{})
	t.idlers = append(t.idlers, idle)
	t.lock.Unlock()
	timer := time.NewTimer(5 * turnPatience)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
	case <-ctx.Done():
	}
}
