// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
)

const (
	// specTimeout bounds every spec, settling every wait, cleanupTimeout what comes after a spec. What VolSync sends of a group is
	// given up and begun anew after five minutes at the latest, and csi-addons waits about as long, in the end, before it tries again
	// to let go of a group whose storage was away.
	specTimeout    = 25 * time.Minute
	settling       = 7 * time.Minute
	cleanupTimeout = settling + time.Minute
	// tellings are how often an application goes through a moment until a fault happens in it: others' faults have storage start anew too.
	tellings = 3
	// delay of storage that lags: not so long that it says of itself that it does not replicate, which is after four seconds without news.
	delay = "1500ms"
)

var _ = Describe("What was begun comes to its end and loses only what it may, though", func() {
	for _, m := range methods {
		for _, moment := range moments {
			for _, step := range stepsOf(m, moment) {
				for _, kinds := range [][]faults.Kind{{faults.Fail, faults.Hang}, {faults.Crash}} {
					It(fmt.Sprintf("storage of method %s %s before and after the step %s in the middle of a %s", m.name, doing(kinds), step, moment),
						step.labels(m, moment, kinds), func(ctx SpecContext) {
							app := deployed(ctx, m)
							for _, kind := range kinds {
								app.spoiled(ctx, moment, step.at, kind, step.operation+".before", step.operation+".after")
							}
						}, SpecTimeout(specTimeout))
				}
			}
			if m.ships {
				It(fmt.Sprintf("storage of method %s lags in the middle of a %s", m.name, moment), Label("lag", string(m.name), string(moment)), func(ctx SpecContext) {
					app := deployed(ctx, m)
					app.spoiled(ctx, moment, shipper(moment), faults.Lag, delay)
				}, SpecTimeout(specTimeout))
			}
		}
	}
})

// shipper is whose storage ships something in every such moment: a source that is failed away from sends no more.
func shipper(m moment) role {
	if m == failover {
		return target
	}
	return source
}

// verbs are what storage does when faults happen.
var verbs = map[faults.Kind]string{faults.Fail: "fails", faults.Hang: "hangs", faults.Crash: "dies"}

func doing(kinds []faults.Kind) string {
	words := make([]string, 0, len(kinds))
	for _, k := range kinds {
		words = append(words, verbs[k])
	}
	return strings.Join(words, " and ")
}

// spoiled has the application go through the moment while faults happen, one after the other: as many of them in one go as it comes by.
func (a *application) spoiled(ctx context.Context, m moment, at role, kind faults.Kind, values ...string) {
	GinkgoHelper()
	for missed := 0; len(values) > 0; {
		left := a.went(ctx, m, at, kind, values)
		if len(left) == len(values) {
			missed++
		}
		Expect(missed).To(BeNumerically("<", tellings), "%s of %v did not happen in a %s", kind, left, m)
		values = left
	}
}

// went has the application go through the moment once, and returns the faults that did not happen in it.
func (a *application) went(ctx context.Context, m moment, at role, kind faults.Kind, values []string) []string {
	GinkgoHelper()
	p := a.passage(ctx, m)
	// The application may be stopped before its next record.
	before := at == source && operationOf(values[0]) == "write"
	if !before && diesAtRest(kind, values[0]) {
		p.begin(ctx)
	}
	for n, value := range values {
		By(fmt.Sprintf("a %s on %s, where the storage of the %s is told to %s=%s", m, a.here, at, kind, value))
		i := a.injection(a.cluster(at), fmt.Sprintf("%s=%s", kind, value))
		i.arm(ctx)
		if n == 0 && !before && !diesAtRest(kind, value) {
			p.begin(ctx)
		}
		happened := i.awaited(ctx, kind, value, func(ctx context.Context) bool { return a.over(ctx, p) })
		if n == 0 && before {
			p.begin(ctx)
		}
		if !happened {
			a.heal(ctx)
			p.end(ctx)
			return values[n:]
		}
		if kind == faults.Fail || kind == faults.Hang {
			hold(ctx)
		}
	}
	if kind != faults.Lag {
		a.heal(ctx)
	}
	p.end(ctx)
	a.heal(ctx)
	return nil
}

// diesAtRest says that the storage would die before the moment has begun, because it always takes the step.
func diesAtRest(kind faults.Kind, value string) bool {
	return kind == faults.Crash && slices.Contains(atRest, operationOf(value))
}

// hold lets a fault last.
func hold(ctx context.Context) {
	select {
	case <-time.After(held):
	case <-ctx.Done():
	}
}

// While storage dies for others, it takes steps anew that nothing else has it take.
var _ = Describe("What is tried is where an application comes by,", Serial, func() {
	for _, m := range methods {
		It(fmt.Sprintf("of method %s", m.name), Label("survey"), func(ctx SpecContext) {
			app := deployed(ctx, m)
			untried := map[moment][]step{}
			for _, moment := range moments {
				for _, s := range app.surveyed(ctx, moment) {
					if !slices.Contains(stepsOf(m, moment), s) && !mayBeTaken(s, m, moment) {
						untried[moment] = append(untried[moment], s)
					}
				}
			}
			Expect(untried).To(BeEmpty(), "the specs of a step fail if it is not taken; these are taken and have no spec")
		}, SpecTimeout(specTimeout))
	}
})

// surveyed are the steps that are taken in the moment where nothing goes wrong.
func (a *application) surveyed(ctx context.Context, m moment) []step {
	GinkgoHelper()
	p := a.passage(ctx, m)
	By(fmt.Sprintf("a %s on %s", m, a.here))
	var notes []string
	for _, point := range faults.Points() {
		notes = append(notes, "note="+point)
	}
	injections := map[role]*injection{source: a.injection(a.here, notes...), target: a.injection(a.there(), notes...)}
	for _, i := range injections {
		i.arm(ctx)
	}
	p.begin(ctx)
	p.end(ctx)
	var found []step
	for at, i := range injections {
		for _, h := range i.happenings() {
			if s := (step{operationOf(h.Point), at}); h.Kind == faults.Note && !slices.Contains(found, s) {
				found = append(found, s)
			}
		}
	}
	a.heal(ctx)
	AddReportEntry(fmt.Sprintf("never come by in a %s", m), neverIn(found))
	return found
}

// neverIn are the steps that are not among those.
func neverIn(found []step) []step {
	var missing []step
	for _, point := range faults.Points() {
		for _, at := range []role{source, target} {
			s := step{operationOf(point), at}
			if !slices.Contains(found, s) && !slices.Contains(missing, s) {
				missing = append(missing, s)
			}
		}
	}
	return missing
}
