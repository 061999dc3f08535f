// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"hash/maphash"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// found is what a search has come to.
type outcome struct {
	scenario, bound     string
	states, transitions int
	depth               int
	took                time.Duration
	heap                uint64
	// complete is true if every state within the bound was visited.
	complete  bool
	violation *violation
	trace     []event
}

// step is how a state was reached first.
type step struct {
	from  uint32
	event event
}

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// fingerprint stands for a state: 128 bits, so that two states that differ have the same one never.
func fingerprint(s state) [2]uint64 {
	return [2]uint64{maphash.Comparable(seeds[0], s), maphash.Comparable(seeds[1], s)}
}

// search visits every state within the bound, those that fewer events lead to first, so that the first violation it
// finds is one that takes the fewest events. From each state it also checks that all ends well.
func (m *model) search(bound string, most int) outcome {
	return m.searchFrom(m.begin(m.scenario.bounds[bound]), bound, most)
}

func (m *model) searchFrom(first state, bound string, most int) outcome {
	began := used()
	out := outcome{scenario: m.scenario.name, bound: bound, complete: true}
	visited := map[[2]uint64]struct{}{fingerprint(first): {}}
	steps, good := []step{{}}, map[[2]uint64]struct{}{}
	type reached struct {
		state
		index uint32
	}
	frontier, events := []reached{{first, 0}}, m.everything()
	fail := func(err error, index uint32, last ...event) {
		errors.As(err, &out.violation)
		out.trace = append(trace(steps, index), last...)
	}
search:
	for ; len(frontier) > 0; out.depth++ {
		var next []reached
		for _, at := range frontier {
			for _, e := range events {
				s, err := m.apply(at.state, e)
				if err != nil {
					fail(err, at.index, e)
					break search
				}
				if s == at.state {
					continue
				}
				out.transitions++
				print := fingerprint(s)
				if _, seen := visited[print]; seen {
					continue
				}
				visited[print] = struct{}{}
				steps = append(steps, step{at.index, e})
				index := uint32(len(steps) - 1) //nolint:gosec // memory ends before
				if err := m.ends(s, good); err != nil {
					fail(err, index)
					break search
				}
				next = append(next, reached{s, index})
			}
			if most > 0 && len(steps) >= most {
				out.complete = false
				break search
			}
		}
		frontier = next
	}
	out.states, out.took = len(steps), used()-began
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	out.heap = memory.HeapAlloc
	return out
}

// used is how much time of a processor this process has taken, which does not depend on what else runs.
func used() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func trace(steps []step, index uint32) []event {
	var events []event
	for ; index != 0; index = steps[index].from {
		events = append(events, steps[index].event)
	}
	slices.Reverse(events)
	return events
}
