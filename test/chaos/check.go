// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

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
	promiseEpoch   = "one cluster is primary in an epoch"
	promiseLoss    = "a relocate loses nothing, a failover only what was written after the sync point it named"
	promiseTorn    = "a consistency group is one point in time"
	promiseCapture = "only complete captures are restored"
	promiseWrite   = "no acknowledged write of the API is lost"
	promiseWatch   = "watchers see no gap"
	promiseSettle  = "once nothing goes wrong, every application runs protected, each volume by its own method"
)

// Finding is what the records of one application's volumes say.
type Finding struct {
	App    string
	Kind   Kind
	Report *records.Report
}

// Check holds a history, and what was found in the end, against the promises.
func Check(history []Entry, found []Finding) []Violation {
	actions := actionsOf(history)
	var out []Violation
	out = append(out, checkEnds(history, actions)...)
	for _, f := range found {
		out = append(out, checkWriters(f, actions[f.App])...)
		out = append(out, checkVolumes(f)...)
		out = append(out, checkLosses(f, actions[f.App], syncedOf(history, f.App))...)
	}
	out = append(out, checkEpochs(history)...)
	out = append(out, checkCaptures(history)...)
	out = append(out, checkWrites(history)...)
	out = append(out, checkWatches(history)...)
	return out
}

// life is all that was seen of an action, oldest first. Its times are this program's: the server's clock may be wrong.
type life struct {
	states []Action
	// asked is when it was asked for first, ended when it was first seen to have ended; zero if neither was seen.
	asked, ended time.Time
}

func (l *life) last() Action { return l.states[len(l.states)-1] }

func (l *life) add(e Entry) {
	l.states = append(l.states, *e.Action)
	if l.ended.IsZero() && e.Action.Ended != "" {
		l.ended = e.Time
	}
}

// actionsOf returns the lives of the actions of each application by UID.
func actionsOf(history []Entry) map[string]map[string]*life {
	all, asked := map[string]map[string]*life{}, map[string]time.Time{}
	for _, e := range history {
		switch {
		case e.Kind == KindRequest && e.Action != nil:
			if key := e.App + "/" + e.Action.Name; asked[key].IsZero() && e.Began != nil {
				asked[key] = *e.Began
			}
		case e.Kind == KindAction:
			if all[e.App] == nil {
				all[e.App] = map[string]*life{}
			}
			if all[e.App][e.Action.UID] == nil {
				all[e.App][e.Action.UID] = &life{asked: asked[e.App+"/"+e.Action.Name]}
			}
			all[e.App][e.Action.UID].add(e)
		}
	}
	// A watcher may have seen an action before the request for it was answered.
	for app, lives := range all {
		for _, l := range lives {
			if l.asked.IsZero() {
				l.asked = asked[app+"/"+l.last().Name]
			}
		}
	}
	return all
}
