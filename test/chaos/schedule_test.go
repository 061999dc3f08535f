// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	storagefaults "github.com/ramendr/dr-apiserver/test/storagesim/faults"
)

func TestASeedReproducesItsSchedule(t *testing.T) {
	three := inTurns(kinds, 3)
	first, again, other := Schedule(7, time.Minute, three), Schedule(7, time.Minute, three), Schedule(8, time.Minute, three)
	if !slices.Equal(first, again) {
		t.Error("the same seed gives another schedule")
	}
	if slices.Equal(first, other) {
		t.Error("another seed gives the same schedule")
	}
}

func TestEveryFaultIsTakenBackByTheEnd(t *testing.T) {
	const length = 2 * time.Minute
	for seed := range uint64(50) {
		open := map[string]Event{}
		for _, e := range Schedule(seed, length, inTurns(kinds, len(kinds))) {
			if e.At > length {
				t.Fatalf("seed %d: %s at %s is after the end", seed, e, e.At)
			}
			switch {
			case e.Fault == "" || faults[e.Fault].undo == nil:
			case e.Undo:
				delete(open, e.Name)
			default:
				for _, o := range open {
					if faults[o.Fault].exclusive(o.Fault, o.Target) == faults[e.Fault].exclusive(e.Fault, e.Target) {
						t.Errorf("seed %d: %s while %s lasts", seed, e, o)
					}
				}
				open[e.Name] = e
			}
		}
		if len(open) > 0 {
			t.Errorf("seed %d: never taken back: %v", seed, open)
		}
	}
}

func TestSeedsComeByEveryFaultAndEveryVerb(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(20) {
		for _, e := range Schedule(seed, 5*time.Minute, inTurns(kinds, len(kinds))) {
			seen[e.Fault], seen[string(e.Verb)] = true, true
		}
	}
	for name := range faults {
		if !seen[name] {
			t.Errorf("%s is never drawn", name)
		}
	}
	for _, verb := range weighted {
		if !seen[string(verb)] {
			t.Errorf("%s is never drawn", verb)
		}
	}
}

func TestAFaultOfAMethodIsDrawnOnlyWhereAVolumeIsReplicatedByIt(t *testing.T) {
	for seed := range uint64(20) {
		for _, e := range Schedule(seed, 5*time.Minute, inTurns(kinds, 4)) {
			if of := faults[e.Fault].of; of != "" && !slices.ContainsFunc(inTurns(kinds, 4), func(k Kind) bool { return k.has(of) }) {
				t.Errorf("seed %d: %s, and nothing is replicated by %s", seed, e, of)
			}
		}
	}
}

func TestStorageKnowsEveryFaultThatItIsToldOf(t *testing.T) {
	for name, fault := range faults {
		if fault.excludes != "storage" {
			continue
		}
		for _, target := range fault.targets {
			cluster, what, _ := strings.Cut(target, " ")
			if _, err := storagefaults.Parse([]string{what, "cluster=" + cluster}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
