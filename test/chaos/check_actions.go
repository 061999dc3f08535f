// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

func checkEnds(history []Entry, actions map[string]map[string]*life) (out []Violation) {
	named := map[string]map[string][]string{}
	for _, app := range slices.Sorted(maps.Keys(actions)) {
		named[app] = map[string][]string{}
		for _, uid := range slices.Sorted(maps.Keys(actions[app])) {
			l := actions[app][uid]
			named[app][l.last().Name] = append(named[app][l.last().Name], uid)
			var ends []string
			for _, a := range l.states {
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
	for _, app := range slices.Sorted(maps.Keys(named)) {
		for _, name := range slices.Sorted(maps.Keys(named[app])) {
			if uids := named[app][name]; len(uids) > 1 {
				out = append(out, Violation{promiseOne, fmt.Sprintf("%s/%s is %d actions", app, name, len(uids))})
			}
		}
	}
	for _, e := range history {
		if e.Kind == KindRequest && e.Answer == Accepted && e.Action != nil && len(named[e.App][e.Action.Name]) == 0 {
			out = append(out, Violation{promiseEnd, fmt.Sprintf("%s/%s was accepted and there is no record of it", e.App, e.Action.Name)})
		}
	}
	return out
}

// presence is a group, from the first to the last version that was seen of it, and the epochs in which it was primary.
type presence struct {
	app, cluster string
	first, last  int64
	primary      []int64
}

// checkEpochs has no two clusters confirm that they are primary in the same epoch of a placement. The groups of one placement
// are there at the same time; those of one that was created anew are not.
func checkEpochs(history []Entry) (out []Violation) {
	groups := map[string]*presence{}
	for _, e := range history {
		if e.Kind != KindGroup {
			continue
		}
		p := groups[e.Group.UID]
		if p == nil {
			p = &presence{app: e.App, cluster: e.Group.Cluster, first: e.Group.Version}
			groups[e.Group.UID] = p
		}
		p.last = max(p.last, e.Group.Version)
		if e.Group.State == "Primary" && !slices.Contains(p.primary, e.Group.Epoch) {
			p.primary = append(p.primary, e.Group.Epoch)
		}
	}
	for _, a := range groups {
		for _, b := range groups {
			if a.app != b.app || a.cluster >= b.cluster || a.first > b.last || b.first > a.last {
				continue
			}
			for _, epoch := range a.primary {
				if slices.Contains(b.primary, epoch) {
					out = append(out, Violation{promiseEpoch, fmt.Sprintf("%s and %s both were primary in epoch %d of %s", a.cluster, b.cluster, epoch, a.app)})
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Violation) int { return cmp.Compare(a.What, b.What) })
	return out
}
