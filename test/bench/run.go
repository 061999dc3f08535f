// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// part is a fleet and the way its applications are measured.
type part struct {
	// prefix of the applications' namespaces.
	prefix string
	what   string
	count  int
	// failover and relocate are the marks to beat.
	failover, relocate marks
	measure            func(context.Context, *probe, fleet, request) ([]sample, error)
}

// parts are what is measured, with what RamenDR's own operators need for it on this kind of machine, with instant storage
// and an ideal transport.
func (b *bench) parts() []part {
	return []part{
		{
			prefix: "one", what: "one application at a time", count: b.runs, measure: b.oneByOne,
			failover: marks{ready: 400 * time.Millisecond}, relocate: marks{ready: 800 * time.Millisecond},
		},
		{
			prefix: "many", what: fmt.Sprintf("%d applications at once", b.apps), count: b.apps, measure: b.allAtOnce,
			failover: marks{ready: 41 * time.Second, cpu: 920 * time.Millisecond, requests: 160},
			relocate: marks{ready: 57 * time.Second, cpu: 1200 * time.Millisecond, requests: 160},
		},
	}
}

// runFleets measures what applications cost and prints it; what was measured before an error is printed too.
func (b *bench) runFleets(ctx context.Context) error {
	idle, err := b.measureIdle(ctx)
	if err != nil || b.runs == 0 && b.apps == 0 {
		return err
	}
	var phases []phase
	for _, p := range b.parts() {
		if p.count == 0 {
			continue
		}
		measured, err := b.thereAndBack(ctx, p)
		phases = append(phases, slices.DeleteFunc(measured, func(p phase) bool { return len(p.samples) == 0 })...)
		if err != nil {
			report(b.out, b.options, phases, idle)
			return err
		}
	}
	report(b.out, b.options, phases, idle)
	return nil
}

// thereAndBack measures failover from dr1 with its agent dead, and, after it has returned and all are protected again,
// relocate back.
func (b *bench) thereAndBack(ctx context.Context, p part) (phases []phase, err error) {
	b.say("deploying and protecting %d applications", p.count)
	apps, err := b.deploy(ctx, p.prefix, p.count, usual)
	if !b.keep {
		defer func() { err = errors.Join(err, b.remove(context.WithoutCancel(ctx), apps)) }()
	}
	if err != nil {
		return nil, err
	}
	there, err := b.measureFailover(ctx, p, apps)
	if err != nil {
		return []phase{there}, err
	}
	back, err := b.measureRelocate(ctx, p, apps)
	return []phase{there, back}, err
}

// measureFailover kills dr1's agent for the time of the failovers. When it has returned and given way, all are protected
// again.
func (b *bench) measureFailover(ctx context.Context, p part, apps fleet) (there phase, err error) {
	defer func() { err = errors.Join(err, b.startAgent(context.WithoutCancel(ctx))) }()
	if err := b.killAgent(ctx); err != nil {
		return there, err
	}
	return b.measure(ctx, "failover, "+p.what, p.failover, func(ctx context.Context) ([]sample, error) {
		return p.measure(ctx, b.probes[framework.DR2], apps, failover)
	}, func(ctx context.Context) error {
		if err := b.startAgent(ctx); err != nil {
			return err
		}
		return b.awaitSettled(ctx, apps, framework.DR2)
	})
}

// killAgent returns when dr1 is known not to be connected.
func (b *bench) killAgent(ctx context.Context) error {
	b.say("killing dr1's agent and waiting until dr1 is not connected")
	if err := b.playground.Do(ctx, "kill", "agent", framework.DR1); err != nil {
		return err
	}
	return b.view.awaitConnected(ctx, framework.DR1, false)
}

func (b *bench) startAgent(ctx context.Context) error {
	return b.playground.Do(ctx, "start", "agent", framework.DR1)
}

func (b *bench) measureRelocate(ctx context.Context, p part, apps fleet) (phase, error) {
	return b.measure(ctx, "relocate, "+p.what, p.relocate, func(ctx context.Context) ([]sample, error) {
		return p.measure(ctx, b.probes[framework.DR1], apps, relocate)
	}, func(ctx context.Context) error { return b.awaitSettled(ctx, apps, framework.DR1) })
}

// idleUse is what programs use while nothing happens.
type idleUse struct {
	during time.Duration
	cpu    map[program]time.Duration
	memory map[program]int64
}

// measureIdle measures what is used while no application is there.
func (b *bench) measureIdle(ctx context.Context) (idleUse, error) {
	if b.idle == 0 {
		return idleUse{}, nil
	}
	b.say("measuring for %s what is used while nothing happens", b.idle)
	status, err := b.playground.Status(ctx)
	if err != nil {
		return idleUse{}, err
	}
	before, err := readUsage(status)
	if err != nil {
		return idleUse{}, err
	}
	select {
	case <-time.After(b.idle):
	case <-ctx.Done():
		return idleUse{}, ctx.Err()
	}
	after, err := readUsage(status)
	return idleUse{during: b.idle, cpu: after.since(before), memory: after.memory}, err
}

// say tells whoever watches what is being done.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.out, format+" …\n", args...)
}
