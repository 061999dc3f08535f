// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"math/rand"
	"time"
)

// walkLength is how many events a random walk has.
const walkLength = 400

// walk lets events happen at random, far more of each than a search can afford. The seed gives the same walks again.
func (m *model) walk(bound string, walks int, seed int64) outcome {
	started, random := time.Now(), rand.New(rand.NewSource(seed)) //nolint:gosec // reproducible on purpose
	out := outcome{scenario: m.scenario.name, bound: "walks"}
	events, good := m.everything(), map[[2]uint64]struct{}{}
	allowed := m.scenario.bounds[bound]
	allowed.verbs, allowed.faults, allowed.crashes, allowed.writes = allowed.verbs+4, allowed.faults+4, allowed.crashes+4, maxRecords
	for range walks {
		s, err := m.begin(allowed), error(nil)
		out.trace = nil
		for range walkLength {
			e := events[random.Intn(len(events))]
			before := s
			if s, err = m.apply(s, e); s != before || err != nil {
				out.transitions++
				out.trace = append(out.trace, e)
			}
			if err != nil {
				break
			}
		}
		if err == nil {
			err = m.ends(s, good)
		}
		if errors.As(err, &out.violation) {
			break
		}
		out.depth = max(out.depth, len(out.trace))
	}
	out.states, out.took = walks, time.Since(started)
	return out
}
