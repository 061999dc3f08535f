// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A Verb is something that a person asks for.
type Verb string

// The verbs.
const (
	Failover Verb = "failover"
	Relocate Verb = "relocate"
	Abort    Verb = "abort"
	DryRun   Verb = "dry run of a failover"
	Recreate Verb = "delete and create again"
)

// Event is one thing that is done at its time: a verb on an application, or a fault that is put in place or taken back.
type Event struct {
	// At is when, from the beginning.
	At time.Duration `json:"at"`
	// Name is unique; a fault's two events share it.
	Name string `json:"name"`

	// App is the number of the application of a verb.
	App  int  `json:"app,omitempty"`
	Verb Verb `json:"verb,omitempty"`
	// Acknowledge says that the person knows that the source may still write.
	Acknowledge bool `json:"acknowledge,omitempty"`

	// Fault is what goes wrong, Target with what. Undo takes it back.
	Fault  string `json:"fault,omitempty"`
	Target string `json:"target,omitempty"`
	Undo   bool   `json:"undo,omitempty"`
}

func (e Event) String() string {
	switch {
	case e.Verb != "":
		return fmt.Sprintf("%s of app %d", e.Verb, e.App)
	case e.Undo:
		return fmt.Sprintf("end of %s %s", e.Fault, e.Target)
	default:
		return strings.TrimSpace(e.Fault + " " + e.Target)
	}
}

// Schedule returns what is done to the applications in the time given, which follows from the seed and their methods. Every fault is
// taken back by the end.
func Schedule(seed uint64, length time.Duration, apps []Kind) []Event {
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // it is to be foreseeable
	var events []Event
	for app := range apps {
		events = append(events, verbs(r, length, app)...)
	}
	events = append(events, disturbances(r, length, apps)...)
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	return events
}

// weighted are the verbs by how often they are drawn.
var weighted = []Verb{
	Failover, Failover, Failover, Failover, Failover, Relocate, Relocate, Relocate, Relocate, Relocate, Abort, Abort, Abort, DryRun, Recreate,
}

func verbs(r *rand.Rand, length time.Duration, app int) []Event {
	var events []Event
	for at := between(r, 2*time.Second, 12*time.Second); at < length; {
		e := Event{At: at, Name: fmt.Sprintf("a%d-%d", app, len(events)), App: app, Verb: weighted[r.IntN(len(weighted))], Acknowledge: r.IntN(3) > 0}
		events = append(events, e)
		gap := between(r, 5*time.Second, 25*time.Second)
		if e.Verb == Relocate && r.IntN(2) == 0 {
			// Time for an abort while it is under way.
			gap = between(r, 100*time.Millisecond, 2*time.Second)
		}
		at += gap
	}
	return events
}

// disturbances come one after the other, each while the one before may still last.
func disturbances(r *rand.Rand, length time.Duration, apps []Kind) []Event {
	var events []Event
	busy := map[string]time.Duration{}
	var names []string
	for name, fault := range faults {
		if fault.of == "" || slices.ContainsFunc(apps, func(k Kind) bool { return k.has(fault.of) }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for at := between(r, 3*time.Second, 8*time.Second); at < length; at += between(r, 2*time.Second, 9*time.Second) {
		name := names[r.IntN(len(names))]
		fault := faults[name]
		target := fault.targets[r.IntN(len(fault.targets))]
		lasts := between(r, fault.atLeast, fault.atMost)
		// Of a kind and a target there is one at a time, or the end of one would be the end of the other.
		if key := fault.exclusive(name, target); at >= busy[key] {
			id := fmt.Sprintf("f%d", len(events))
			end := min(at+lasts, length)
			events = append(events, Event{At: at, Name: id, Fault: name, Target: target})
			if fault.undo != nil {
				events = append(events, Event{At: end, Name: id, Fault: name, Target: target, Undo: true})
			}
			busy[key] = end + time.Second
		}
	}
	return events
}

func between(r *rand.Rand, from, to time.Duration) time.Duration {
	if to <= from {
		return from
	}
	return from + time.Duration(r.Int64N(int64(to-from)))
}
