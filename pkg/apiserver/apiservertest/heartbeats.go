// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package apiservertest

import (
	"context"
	"sync"
	"time"
)

// Heartbeats are what a test says of clusters. Until it says something every cluster is connected.
type Heartbeats struct {
	mu   sync.Mutex
	gone map[string]bool
}

// Kill disconnects a cluster.
func (h *Heartbeats) Kill(cluster string) { h.set(cluster, true) }

// Revive connects it again.
func (h *Heartbeats) Revive(cluster string) { h.set(cluster, false) }

func (h *Heartbeats) set(cluster string, gone bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone == nil {
		h.gone = map[string]bool{}
	}
	h.gone[cluster] = gone
}

const lease = 40 * time.Second

// Last was a second ago, or, of a cluster that is gone, an hour.
func (h *Heartbeats) Last(cluster string) (time.Time, time.Duration, bool) {
	if h.Connected(cluster, time.Now()) {
		return time.Now().Add(-time.Second), lease, true
	}
	return time.Now().Add(-time.Hour), lease, true
}

// Connected is as the test said.
func (h *Heartbeats) Connected(cluster string, _ time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.gone[cluster]
}

// Expires follows from Last.
func (h *Heartbeats) Expires(cluster string) (time.Time, bool) {
	last, duration, ok := h.Last(cluster)
	return last.Add(duration), ok
}

func poll(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}
