// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// changes passes on which clusters have changed, to whichever run of the controllers is listening. A name noted several
// times before it was passed on is passed on once, and noting one never waits.
type changes struct {
	lock    sync.Mutex
	pending map[string]struct{}
	signal  chan struct{}
}

func newChanges() *changes {
	return &changes{pending: map[string]struct{}{}, signal: make(chan struct{}, 1)}
}

func (c *changes) note(cluster string) {
	c.lock.Lock()
	c.pending[cluster] = struct{}{}
	c.lock.Unlock()
	select {
	case c.signal <- struct{}{}:
	default:
	}
}

func (c *changes) take() map[string]struct{} {
	c.lock.Lock()
	defer c.lock.Unlock()
	taken := c.pending
	c.pending = map[string]struct{}{}
	return taken
}

// forward passes on until the context is done. What it could not pass on is of no use to the next run, which looks at
// every cluster when it begins.
func (c *changes) forward(ctx context.Context, to chan<- event.GenericEvent) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.signal:
		}
		for cluster := range c.take() {
			changed := &v1alpha1.DRCluster{ObjectMeta: metav1.ObjectMeta{Name: cluster}}
			select {
			case <-ctx.Done():
				return
			case to <- event.GenericEvent{Object: changed}:
			}
		}
	}
}
