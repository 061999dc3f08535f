// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"math/rand"
	"slices"
)

// walkLength is how many events a random walk tries, afoot its bound's name.
const (
	walkLength = 400
	afoot      = "walks"
)

// walk lets events happen at random, far more of each than a search can afford. The seed gives the same walks again.
func (m *model) walk(bound string, walks int, seed int64) outcome {
	began, random := used(), rand.New(rand.NewSource(seed)) //nolint:gosec // reproducible on purpose
	out := outcome{scenario: m.scenario.name, bound: afoot}
	possible, good := m.everything(), map[[2]uint64]struct{}{}
	allowed := m.scenario.bounds[bound]
	allowed.verbs, allowed.faults, allowed.crashes, allowed.writes = allowed.verbs+4, allowed.faults+4, allowed.crashes+4, maxRecords
	first := m.begin(allowed)
	for range walks {
		events, err := m.wander(first, possible, random, good)
		if errors.As(err, &out.violation) {
			out.trace = m.shorten(first, events, &out.violation)
			break
		}
		out.transitions += len(events)
		out.depth = max(out.depth, len(events))
	}
	out.states, out.took = walks, used()-began
	return out
}

// wander lets events happen at random, checks that all ends well then, and returns those that changed something.
func (m *model) wander(s state, possible []event, random *rand.Rand, good map[[2]uint64]struct{}) ([]event, error) {
	var happened []event
	for range walkLength {
		e, before := possible[random.Intn(len(possible))], s
		var err error
		if s, err = m.apply(s, e); s != before || err != nil {
			happened = append(happened, e)
		}
		if err != nil {
			return happened, err
		}
	}
	return happened, m.ends(s, good)
}

// shorten leaves out of a way to a violation what can be left out, one event after the other, for as long as the same
// promise is broken.
func (m *model) shorten(first state, events []event, found **violation) []event {
	for shorter := true; shorter; {
		shorter = false
		for i := len(events) - 1; i >= 0; i-- {
			without := slices.Delete(slices.Clone(events), i, i+1)
			var v *violation
			if errors.As(m.along(first, without), &v) && v.invariant == (*found).invariant {
				events, *found, shorter = without, v, true
			}
		}
	}
	return events
}

// along lets events happen one after the other and checks that all ends well then.
func (m *model) along(s state, events []event) error {
	for _, e := range events {
		var err error
		if s, err = m.apply(s, e); err != nil {
			return err
		}
	}
	return m.ends(s, map[[2]uint64]struct{}{})
}
