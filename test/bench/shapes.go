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
const volumesPerMix = 12

// methods are the StorageClasses of those that are compared.
var methods = []string{"sim-replicated", "sim-replicated-group", "sim-snapshot", "sim-snapshot-group"}

// course is what became of an application of a shape: of its protection, and of each failover and relocate.
type course struct {
	shape
	protect, failovers, relocates []effort
	standing                      standing
}

// effort is how long something took and what was used meanwhile.
type effort struct {
	took  time.Duration
	usage map[program]time.Duration
}

// compareVolumes measures applications that differ in how many volumes they have, and prints how they compare.
func (b *bench) compareVolumes(ctx context.Context) error {
	var courses []course
	defer func() {
		reportVolumes(b.out, courses)
		reportStanding(b.out, courses, b.verbose)
	}()
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
// are replicated by several, and prints how they compare. All of them go there and back in turn, so that what else the machine
// does hits all.
func (b *bench) compareMethods(ctx context.Context) (err error) {
	var courses []course
	var apps fleet
	defer func() { reportMethods(b.out, courses) }()
	if !b.keep {
		defer func() { err = errors.Join(err, b.remove(context.WithoutCancel(ctx), apps)) }()
	}
	for i, classes := range mixes() {
		app := b.playground.App(fmt.Sprintf("method-%d", i+1))
		apps = append(apps, app)
		c, err := b.begin(ctx, app, shape{volumes: volumesPerMix, classes: classes})
		if err != nil {
			return err
		}
		courses = append(courses, c)
	}
	return b.thereAndBackAgain(ctx, "by method", apps, courses)
}

// mixes are the StorageClasses of applications that are compared: of one method each, then of ever more.
func mixes() [][]string {
	var all [][]string
	for _, method := range methods {
		all = append(all, []string{method})
	}
	for n := 2; n <= len(methods); n++ {
		all = append(all, methods[:n])
	}
	return all
}

// follow takes one application of a shape there and back.
func (b *bench) follow(ctx context.Context, name string, s shape) (c course, err error) {
	app := b.playground.App(name)
	if !b.keep {
		defer func() { err = errors.Join(err, b.remove(context.WithoutCancel(ctx), fleet{app})) }()
	}
	if c, err = b.begin(ctx, app, s); err != nil {
		return c, err
	}
	if err := b.stand(ctx, &c); err != nil {
		return c, err
	}
	courses := []course{c}
	err = b.thereAndBackAgain(ctx, name, fleet{app}, courses)
	return courses[0], err
}

// begin has an application of a shape run and be protected.
func (b *bench) begin(ctx context.Context, app *framework.App, s shape) (course, error) {
	b.say("deploying an application with %d volumes of %v", s.volumes, s.classes)
	c := course{shape: s}
	if err := b.deployOne(ctx, app, s); err != nil {
		return c, err
	}
	if err := sampleapp.AwaitRunning(ctx, b.playground.Managed[framework.DR1].Config, app.Namespace); err != nil {
		return c, err
	}
	err := b.protect(ctx, app, &c)
	return c, err
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

// thereAndBackAgain takes applications there and back, one after the other, as often as was asked for, each on a course of its own.
func (b *bench) thereAndBackAgain(ctx context.Context, what string, apps fleet, courses []course) error {
	p := part{what: what, measure: b.oneByOne}
	for range b.rounds {
		there, err := b.measureFailover(ctx, p, apps)
		if err != nil {
			return err
		}
		back, err := b.measureRelocate(ctx, p, apps)
		if err != nil {
			return err
		}
		for i := range courses {
			courses[i].failovers = append(courses[i].failovers, there.effort(i))
			courses[i].relocates = append(courses[i].relocates, back.effort(i))
		}
	}
	return nil
}

// effort is that of one of the applications. What was used meanwhile is known where there is no other.
func (p phase) effort(i int) effort {
	e := effort{took: p.samples[i].ready}
	if len(p.samples) == 1 {
		e.usage = p.untilReady.usage
	}
	return e
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
func slowest(courses []course, classes []string, of func(course) effort) time.Duration {
	var longest time.Duration
	for _, c := range courses {
		if len(c.classes) == 1 && slices.Contains(classes, c.classes[0]) {
			longest = max(longest, of(c).took)
		}
	}
	return longest
}
