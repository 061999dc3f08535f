// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/bench/stats"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// bench is one comparison.
type bench struct {
	options
	hub *hub
	// sides are the custom resource and this project's, in this order.
	sides [2]*side
	out   io.Writer

	results []result
	// sizes of lists by what was listed and by side.
	sizes  map[string]map[string]int
	memory []growth
	loads  []string
}

// result is what was measured of one kind of request, by side.
type result struct {
	name  string
	aim   float64
	taken [2]stats.Distribution
}

func newBench(ctx context.Context, o options, hub *hub) (*bench, error) {
	b := &bench{options: o, hub: hub, out: os.Stdout, sizes: map[string]map[string]int{}}
	user, err := newUser(ctx, hub.Hub)
	if err != nil {
		return nil, err
	}
	if b.sides[0], err = newSide("custom resource", customGroup, user); err != nil {
		return nil, err
	}
	b.sides[1], err = newSide("dr-apiserver", v1alpha1.SchemeGroupVersion, user)
	return b, err
}

// run measures and reports, also what was measured before it gave up.
func (b *bench) run(ctx context.Context) error {
	b.noteLoad("at the start")
	err := b.measureAll(ctx)
	b.noteLoad("at the end")
	return errors.Join(err, b.report())
}

func (b *bench) measureAll(ctx context.Context) error {
	if err := createCustomResource(ctx, b.hub.Hub.Dynamic); err != nil {
		return err
	}
	if err := prepare(ctx, b.hub.Hub); err != nil {
		return err
	}
	for _, request := range b.creations() {
		if err := b.measure(ctx, request); err != nil {
			return err
		}
	}
	if err := b.fill(ctx); err != nil {
		return err
	}
	b.noteLoad("with all objects there")
	for _, request := range b.accesses() {
		if err := b.measure(ctx, request); err != nil {
			return err
		}
	}
	b.noteLoad("before the watches")
	return b.measureWatches(ctx)
}

// fill creates the objects of one side after the other and takes down by how much all processes grow.
func (b *bench) fill(ctx context.Context) error {
	before, err := b.readMemory(ctx)
	if err != nil {
		return err
	}
	for _, s := range b.sides {
		b.say("creating %d objects: %s", b.objects, s.name)
		if err := s.fill(ctx, b.objects); err != nil {
			return err
		}
		after, err := b.readMemory(ctx)
		if err != nil {
			return err
		}
		b.memory = append(b.memory, after.since(before))
		before = after
	}
	return nil
}

func (b *bench) add(name string, aim float64, taken [2][]time.Duration) {
	b.results = append(b.results, result{name, aim, [2]stats.Distribution{stats.New(taken[0]), stats.New(taken[1])}})
}

// read takes down how much a list was.
func (b *bench) read(name string, s *side, size int, err error) error {
	if err == nil {
		if b.sizes[name] == nil {
			b.sizes[name] = map[string]int{}
		}
		b.sizes[name][s.name] = size
	}
	return err
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}

// noteLoad takes down how busy the machine is.
func (b *bench) noteLoad(when string) {
	if content, err := os.ReadFile("/proc/loadavg"); err == nil {
		b.loads = append(b.loads, fmt.Sprintf("%s %s", strings.Fields(string(content))[0], when))
	}
}

// profileSeconds is how long a profile is taken, from the beginning of the requests of one kind.
const profileSeconds = 5

// profile takes a CPU profile of dr-apiserver while requests of one kind are measured, if one is wanted.
func (b *bench) profile(ctx context.Context, name string) (stop func()) {
	if b.profiles == "" {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := b.writeProfile(ctx, filepath.Join(b.profiles, strings.ReplaceAll(name, " ", "-")+".pprof")); err != nil {
			b.say("no profile of %s: %v", name, err)
		}
	}()
	return func() { <-done }
}

func (b *bench) writeProfile(ctx context.Context, path string) error {
	client, err := rest.UnversionedRESTClientFor(unversioned(b.hub.processes[component.APIServer].metrics))
	if err != nil {
		return err
	}
	data, err := client.Get().AbsPath("/debug/pprof/profile").Param("seconds", fmt.Sprint(profileSeconds)).DoRaw(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
