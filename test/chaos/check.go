// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
	"github.com/ramendr/dr-apiserver/test/storagesim/records"
)

// Violation is a promise that was not kept.
type Violation struct {
	Promise string `json:"promise"`
	What    string `json:"what"`
}

func (v Violation) String() string { return v.Promise + ": " + v.What }

// The promises, as they are given in docs/reliability.md.
const (
	promiseEnd     = "every accepted action ends, once"
	promiseOne     = "a request is one action"
	promiseWriter  = "one writer at a time"
	promiseLoss    = "a relocate loses nothing, a failover only what was written after the sync point it named"
	promiseCapture = "only complete captures are restored"
	promiseWrite   = "no acknowledged write of the API is lost"
	promiseWatch   = "watchers see no gap"
	promiseSettle  = "once nothing goes wrong, every application runs protected"
)

// Finding is what the records of one application's volumes say.
type Finding struct {
	App string
	// Acknowledged is how many records were acknowledged to writers.
	Acknowledged int
	Overlaps     []records.Overlap
	// Lost are acknowledged records that did not survive.
	Lost []layout.Record
}

// Check holds a history, and what was found in the end, against the promises.
func Check(history []Entry, found []Finding) []Violation {
	actions := actionsOf(history)
	var out []Violation
	out = append(out, checkEnds(history, actions)...)
	for _, f := range found {
		out = append(out, checkWriters(f, actions[f.App])...)
		out = append(out, checkLosses(f, actions[f.App])...)
	}
	out = append(out, checkCaptures(history)...)
	out = append(out, checkWrites(history)...)
	out = append(out, checkWatches(history)...)
	return out
}

// life is all that was seen of an action, oldest first.
type life []Action

func (l life) last() Action { return l[len(l)-1] }

// actionsOf returns the lives of the actions of each application by UID.
func actionsOf(history []Entry) map[string]map[string]life {
	all := map[string]map[string]life{}
	for _, e := range history {
		if e.Kind != KindAction {
			continue
		}
		if all[e.App] == nil {
			all[e.App] = map[string]life{}
		}
		all[e.App][e.Action.UID] = append(all[e.App][e.Action.UID], *e.Action)
	}
	return all
}

func checkEnds(history []Entry, actions map[string]map[string]life) (out []Violation) {
	named := map[string]map[string][]string{}
	for _, app := range slices.Sorted(maps.Keys(actions)) {
		named[app] = map[string][]string{}
		for _, uid := range slices.Sorted(maps.Keys(actions[app])) {
			l := actions[app][uid]
			named[app][l.last().Name] = append(named[app][l.last().Name], uid)
			var ends []string
			for _, a := range l {
				if a.Ended != "" {
					ends = append(ends, a.Ended)
				}
			}
			switch ends = slices.Compact(ends); {
			case len(ends) == 0 && !l.last().Deleted:
				out = append(out, Violation{promiseEnd, fmt.Sprintf("%s/%s has not ended: %s", app, l.last().Name, l.last().Message)})
			case len(ends) > 1:
				out = append(out, Violation{promiseEnd, fmt.Sprintf("%s/%s ended as %v", app, l.last().Name, ends)})
			}
		}
	}
	for _, e := range history {
		if e.Kind != KindRequest || e.Action == nil {
			continue
		}
		switch uids := named[e.App][e.Action.Name]; {
		case e.Answer == Accepted && len(uids) == 0:
			out = append(out, Violation{promiseEnd, fmt.Sprintf("%s/%s was accepted and there is no record of it", e.App, e.Action.Name)})
		case len(uids) > 1:
			out = append(out, Violation{promiseOne, fmt.Sprintf("%s/%s is %d actions", e.App, e.Action.Name, len(uids))})
		}
	}
	return out
}

// checkWriters allows two writers only where a person took it upon themselves: from an acknowledged failover on.
func checkWriters(f Finding, actions map[string]life) (out []Violation) {
	for _, o := range f.Overlaps {
		excused := o.Generations[0] != o.Generations[1] && slices.ContainsFunc(slices.Collect(maps.Values(actions)), func(l life) bool {
			a := l.last()
			return a.Acknowledged && slices.Contains(o.Clusters[:], a.Source) && a.AcceptedAt != nil && !a.AcceptedAt.After(o.LastTime)
		})
		if !excused {
			out = append(out, Violation{promiseWriter, fmt.Sprintf("%v wrote a volume of %s in generations %v at once, from %s to %s",
				o.Clusters, f.App, o.Generations, o.FirstTime.Format(time.RFC3339Nano), o.LastTime.Format(time.RFC3339Nano))})
		}
	}
	return out
}

// checkLosses has every lost record explained by a failover that went on without what its source wrote after the sync point.
func checkLosses(f Finding, actions map[string]life) (out []Violation) {
	for _, lost := range f.Lost {
		explained := slices.ContainsFunc(slices.Collect(maps.Values(actions)), func(l life) bool { return explains(l.last(), lost) })
		if !explained {
			out = append(out, Violation{promiseLoss, fmt.Sprintf("%s lost record %d that %s wrote at %s in generation %d, and no failover gave it up",
				f.App, lost.Seq, lost.Cluster, lost.Time.Format(time.RFC3339Nano), lost.Generation)})
		}
	}
	slices.SortStableFunc(out, func(a, b Violation) int { return cmp.Compare(a.What, b.What) })
	return out
}

func explains(a Action, lost layout.Record) bool {
	switch {
	case a.Type != "Failover" || !a.Promoting || a.Source != lost.Cluster || a.SyncPoint == nil || !lost.Time.After(*a.SyncPoint):
		return false
	case a.Acknowledged:
		// The source may write for as long as it does not know.
		return true
	default:
		return a.CompletedAt == nil || !lost.Time.After(*a.CompletedAt)
	}
}

func checkCaptures(history []Entry) (out []Violation) {
	for _, e := range history {
		if e.Kind == KindCapture && e.Error != "" {
			out = append(out, Violation{promiseCapture, fmt.Sprintf("%s: %s: %s", e.App, e.What, e.Error)})
		}
	}
	return out
}

// checkWrites has no read give less than what was acknowledged before it began.
func checkWrites(history []Entry) (out []Violation) {
	acknowledged := []Entry{}
	for _, e := range history {
		switch e.Kind {
		case KindWrite:
			acknowledged = append(acknowledged, e)
		case KindRead:
			for _, w := range acknowledged {
				if w.Time.Before(*e.Began) && w.Number > e.Number {
					out = append(out, Violation{promiseWrite, fmt.Sprintf("write %d was acknowledged at %s, and a read at %s gave %d",
						w.Number, w.Time.Format(time.RFC3339Nano), e.Time.Format(time.RFC3339Nano), e.Number)})
					break
				}
			}
		}
	}
	return out
}

// checkWatches has each watch see every acknowledged write between the first and the last that it saw, in their order.
func checkWatches(history []Entry) (out []Violation) {
	acknowledged, sessions := map[int64]bool{}, map[int][]int64{}
	for _, e := range history {
		switch e.Kind {
		case KindWrite:
			acknowledged[e.Number] = true
		case KindSeen:
			sessions[e.Session] = append(sessions[e.Session], e.Number)
		}
	}
	for _, session := range slices.Sorted(maps.Keys(sessions)) {
		seen := sessions[session]
		if !slices.IsSorted(seen) {
			out = append(out, Violation{promiseWatch, fmt.Sprintf("watch %d saw writes out of their order: %v", session, seen)})
			continue
		}
		for n := seen[0]; n <= seen[len(seen)-1]; n++ {
			if _, there := slices.BinarySearch(seen, n); !there && acknowledged[n] {
				out = append(out, Violation{promiseWatch, fmt.Sprintf("watch %d saw write %d and later ones but not %d, which was acknowledged", session, seen[0], n)})
			}
		}
	}
	return out
}
