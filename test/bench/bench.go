// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// bench measures a playground.
type bench struct {
	options
	playground *framework.Playground
	view       *view
	// probes by cluster.
	probes map[string]*probe
	// servers whose requests are counted, by name.
	servers map[string]rest.Interface
	out     io.Writer
}

// connect makes clients, watches and probes.
func (b *bench) connect(ctx context.Context) error {
	var err error
	if b.view, err = newView(ctx, b.playground.Hub); err != nil {
		return err
	}
	b.probes, b.servers = map[string]*probe{}, map[string]rest.Interface{}
	for name, cluster := range b.playground.Managed {
		if b.probes[name], err = newProbe(ctx, cluster); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		b.servers[name] = cluster.Kube.CoreV1().RESTClient()
	}
	b.servers[framework.Hub] = b.playground.Hub.Kube.CoreV1().RESTClient()
	b.servers[component.APIServer], err = b.directly(ctx)
	return err
}

// directly returns a client of dr-apiserver that does not go through the hub's kube-apiserver.
func (b *bench) directly(ctx context.Context) (rest.Interface, error) {
	status, err := b.playground.Status(ctx)
	if err != nil {
		return nil, err
	}
	for _, process := range status.Processes {
		if process.Name != component.APIServer {
			continue
		}
		config := rest.CopyConfig(b.playground.Hub.Config)
		config.Host = fmt.Sprintf("https://127.0.0.1:%d", process.Port)
		identity, err := framework.NewIdentity(config)
		if err != nil {
			return nil, err
		}
		return identity.Kube.CoreV1().RESTClient(), nil
	}
	return nil, fmt.Errorf("no %s runs", component.APIServer)
}

// phase is one part of the measurement and its result.
type phase struct {
	name    string
	samples []sample
	// untilReady and untilProtected are what was used until the last workload could run, and until the last
	// application was protected again.
	untilReady, untilProtected spent
	// marks are what there is to beat; 0 where there is nothing.
	marks marks
}

// spent is what was used in a time.
type spent struct {
	usage    map[program]time.Duration
	requests requests
}

// marks are what RamenDR's own operators need on this kind of machine.
type marks struct {
	ready    time.Duration
	cpu      time.Duration
	requests float64
}

// reading is the state of all counters at one time.
type reading struct {
	usage    usage
	requests requests
}

func (b *bench) read(ctx context.Context) (reading, error) {
	status, err := b.playground.Status(ctx)
	if err != nil {
		return reading{}, err
	}
	var r reading
	if r.requests, err = readRequests(ctx, b.servers); err != nil {
		return r, err
	}
	r.usage, err = readUsage(status)
	return r, err
}

func (r reading) since(earlier reading) spent {
	return spent{usage: r.usage.since(earlier.usage), requests: r.requests.since(earlier.requests)}
}

// measure runs a phase over the applications: their actions, and then what it takes until all are protected again.
func (b *bench) measure(
	ctx context.Context, name string, m marks, act func(context.Context) ([]sample, error), reprotect func(context.Context) error,
) (phase, error) {
	p := phase{name: name, marks: m}
	b.say("measuring %s", name)
	before, err := b.read(ctx)
	if err != nil {
		return p, err
	}
	if p.samples, err = act(ctx); err != nil {
		return p, fmt.Errorf("%s: %w", name, err)
	}
	ready, err := b.read(ctx)
	if err != nil {
		return p, err
	}
	p.untilReady = ready.since(before)
	if err := reprotect(ctx); err != nil {
		return p, fmt.Errorf("%s: %w", name, err)
	}
	protected, err := b.read(ctx)
	p.untilProtected = protected.since(before)
	return p, err
}
