// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/sampleapp"
)

// volumesPerMix is how many volumes the applications have that methods are compared with; any number of methods divides it.
const volumesPerMix = 6

// methods are the StorageClasses of those that are compared.
var methods = []string{"sim-replicated", "sim-replicated-group", "sim-snapshot"}

// course is what became of an application of a shape: of its protection, and of each failover and relocate.
type course struct {
	shape
	protect, failovers, relocates []effort
}

// effort is how long something took and what was used meanwhile.
type effort struct {
	took  time.Duration
	usage map[program]time.Duration
}

// compareVolumes measures applications that differ in how many volumes they have, and prints how they compare.
func (b *bench) compareVolumes(ctx context.Context) error {
	var courses []course
	defer func() { reportVolumes(b.out, courses) }()
	for _, volumes := range b.volumes {
		c, err := b.follow(ctx, fmt.Sprintf("volumes-%d", volumes), shape{volumes: volumes, classes: []string{b.class}})
		if err != nil {
			return err
		}
		courses = append(courses, c)
	}
	if len(b.volumes) == 0 || b.class != usual.classes[0] {
		return nil
	}
	return b.holdStorage(ctx, slices.Max(b.volumes))
}

// compareMethods measures applications whose volumes are all replicated by the same method, for each, and those whose volumes
// are replicated by several, and prints how they compare.
func (b *bench) compareMethods(ctx context.Context) error {
	var alone, mixed []course
	defer func() { reportMethods(b.out, alone, mixed) }()
	for i, method := range methods {
		c, err := b.follow(ctx, fmt.Sprintf("method-%d", i+1), shape{volumes: volumesPerMix, classes: []string{method}})
		if err != nil {
			return err
		}
		alone = append(alone, c)
	}
	for n := 2; n <= len(methods); n++ {
		c, err := b.follow(ctx, fmt.Sprintf("mixed-%d", n), shape{volumes: volumesPerMix, classes: methods[:n]})
		if err != nil {
			return err
		}
		mixed = append(mixed, c)
	}
	return nil
}

// follow takes one application of a shape there and back.
func (b *bench) follow(ctx context.Context, name string, s shape) (c course, err error) {
	b.say("deploying an application with %d volumes of %v", s.volumes, s.classes)
	c.shape = s
	app := b.playground.App(name)
	if !b.keep {
		defer func() { err = errors.Join(err, b.remove(context.WithoutCancel(ctx), fleet{app})) }()
	}
	if err := b.deployOne(ctx, app, s); err != nil {
		return c, err
	}
	if err := sampleapp.AwaitRunning(ctx, b.playground.Managed[framework.DR1].Config, name); err != nil {
		return c, err
	}
	if err := b.protect(ctx, app, &c); err != nil {
		return c, err
	}
	for range b.rounds {
		if err := b.round(ctx, app, &c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// protect protects an application that runs.
func (b *bench) protect(ctx context.Context, app *framework.App, c *course) error {
	before, err := b.read(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := app.Protect(ctx); err != nil {
		return err
	}
	if err := b.awaitSettled(ctx, fleet{app}, framework.DR1); err != nil {
		return err
	}
	took := time.Since(began)
	after, err := b.read(ctx)
	c.protect = append(c.protect, effort{took: took, usage: after.since(before).usage})
	return err
}

// round takes an application there and back once.
func (b *bench) round(ctx context.Context, app *framework.App, c *course) error {
	p := part{what: app.Name, measure: b.oneByOne}
	there, err := b.measureFailover(ctx, p, fleet{app})
	if err != nil {
		return err
	}
	back, err := b.measureRelocate(ctx, p, fleet{app})
	if err != nil {
		return err
	}
	c.failovers = append(c.failovers, effort{took: there.samples[0].ready, usage: there.untilReady.usage})
	c.relocates = append(c.relocates, effort{took: back.samples[0].ready, usage: back.untilReady.usage})
	return nil
}

// median is the effort that took longer than one half of them and shorter than the other.
func median(efforts []effort) effort {
	sorted := slices.SortedFunc(slices.Values(efforts), func(a, b effort) int { return cmp.Compare(a.took, b.took) })
	if len(sorted) == 0 {
		return effort{}
	}
	return sorted[(len(sorted)-1)/2]
}

// measures are what is compared, in the order of the report.
var measures = []struct {
	until string
	of    func(course) effort
}{
	{"protected", func(c course) effort { return median(c.protect) }},
	{"failover: may run", func(c course) effort { return median(c.failovers) }},
	{"relocate: may run", func(c course) effort { return median(c.relocates) }},
}

// slowest is how long the slowest of the applications took whose only method is one of those classes.
func slowest(alone []course, classes []string, of func(course) effort) time.Duration {
	var longest time.Duration
	for _, c := range alone {
		if slices.Contains(classes, c.classes[0]) {
			longest = max(longest, of(c).took)
		}
	}
	return longest
}
