// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// link remembers that the peer was lost, so that it is looked for only then.
type link struct{ lost chan struct{} }

func newLink() *link { return &link{lost: make(chan struct{}, 1)} }

// reportLost makes watchLink look for the peer.
func (l *link) reportLost() {
	select {
	case l.lost <- struct{}{}:
	default:
	}
}

// watchLink looks for a peer that was lost. Back in touch, the first thing is to learn who was promoted meanwhile; then
// every volume is synced.
func (e *Engine) watchLink(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.link.lost:
		}
		for e.greet(ctx) != nil {
			pause(ctx, e.opts.Timeouts.Probe)
			if ctx.Err() != nil {
				return
			}
		}
		klog.V(2).InfoS("In touch with the peer again", "cluster", e.opts.Cluster)
		for _, v := range e.all() {
			v.kick()
		}
	}
}

// greet exchanges the state of all volumes with the peer.
func (e *Engine) greet(ctx context.Context) error {
	states := statesOf(e.all())
	ctx, cancel := context.WithTimeout(ctx, e.opts.Timeouts.Ask)
	defer cancel()
	answers, err := e.opts.Peer.Hello(ctx, states)
	if err != nil {
		return err
	}
	return e.hear(ctx, answers)
}

// hear takes in what the peer told of its volumes.
func (e *Engine) hear(ctx context.Context, states []PeerState) error {
	var errs []error
	for _, s := range states {
		if v, err := e.volume(s.Handle); err == nil {
			errs = append(errs, v.hear(ctx, s))
		}
	}
	return errors.Join(errs...)
}

// hear stops the writes to a volume whose peer was promoted over it, lets them go on when the peer gives that up, and resumes
// the snapshots to a copy that takes them again.
func (v *volume) hear(ctx context.Context, peer PeerState) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.meta.MayWrite() && outranks(peer, v.meta.Generation, !v.attached) {
		klog.InfoS("Peer was promoted; writes stay off", "volume", v.handle, "cluster", v.e.opts.Cluster,
			"generation", v.meta.Generation, "peerGeneration", peer.Generation)
		return v.change(ctx, true, func(m *layout.Meta) { m.SupersededBy = peer.Generation })
	}
	if m := &v.meta; m.Role == layout.Primary && m.SupersededBy != 0 && peer.Yields && peer.Role == layout.Secondary && peer.Generation == m.SupersededBy {
		klog.InfoS("Peer gives its promotion up", "volume", v.handle, "cluster", v.e.opts.Cluster, "peerGeneration", peer.Generation)
		return v.resume(ctx)
	}
	if v.syncErr != nil && peer.Role == layout.Secondary && !peer.Diverged {
		v.kick()
	}
	return nil
}

// ask exchanges the state of one volume with the peer.
func (e *Engine) ask(ctx context.Context, v *volume) (*PeerState, error) {
	ctx, cancel := context.WithTimeout(ctx, e.opts.Timeouts.Ask)
	defer cancel()
	answers, err := e.opts.Peer.Hello(ctx, []PeerState{v.peerState()})
	if err != nil {
		e.link.reportLost()
		return nil, err
	}
	if len(answers) != 1 || answers[0].Handle != v.handle {
		return nil, fmt.Errorf("%w: it answered for other volumes than %s", ErrUnreachable, v.handle)
	}
	return &answers[0], v.hear(ctx, answers[0])
}

// Hello is the peer telling about its copies; it is told ours of the same volumes.
func (e *Engine) Hello(ctx context.Context, states []PeerState) ([]PeerState, error) {
	if err := e.hear(ctx, states); err != nil {
		return nil, err
	}
	answers := make([]PeerState, 0, len(states))
	for _, s := range states {
		v, err := e.volume(s.Handle)
		if err != nil {
			answers = append(answers, PeerState{Handle: s.Handle, Cluster: e.opts.Cluster})
			continue
		}
		answers = append(answers, v.peerState())
	}
	return answers, nil
}
