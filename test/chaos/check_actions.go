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

// checkWriters allows two writers only where a person took it upon themselves: from an acknowledged failover on.
func checkWriters(f Finding, actions map[string]*life) (out []Violation) {
	for _, o := range f.Overlaps {
		excused := o.Generations[0] != o.Generations[1] && slices.ContainsFunc(slices.Collect(maps.Values(actions)), func(l *life) bool {
			a := l.last()
			return a.Acknowledged && slices.Contains(o.Clusters[:], a.Source) && !l.asked.IsZero() && !l.asked.After(o.LastTime)
		})
		if !excused {
			out = append(out, Violation{promiseWriter, fmt.Sprintf("%v wrote a volume of %s in generations %v at once, from %s to %s",
				o.Clusters, f.App, o.Generations, o.FirstTime.Format(time.RFC3339Nano), o.LastTime.Format(time.RFC3339Nano))})
		}
	}
	return out
}

// checkLosses has every lost record explained by a failover that went on without what its source wrote after the sync point.
func checkLosses(f Finding, actions map[string]*life) (out []Violation) {
	for _, lost := range f.Lost {
		explained := slices.ContainsFunc(slices.Collect(maps.Values(actions)), func(l *life) bool { return explains(l, lost) })
		if !explained {
			out = append(out, Violation{promiseLoss, fmt.Sprintf("%s lost record %d that %s wrote at %s in generation %d, and no failover gave it up",
				f.App, lost.Seq, lost.Cluster, lost.Time.Format(time.RFC3339Nano), lost.Generation)})
		}
	}
	slices.SortStableFunc(out, func(a, b Violation) int { return cmp.Compare(a.What, b.What) })
	return out
}

func explains(l *life, lost layout.Record) bool {
	switch a := l.last(); {
	case a.Type != "Failover" || !a.Promoting || a.Source != lost.Cluster || a.SyncPoint == nil || !lost.Time.After(*a.SyncPoint):
		return false
	case a.Acknowledged:
		// The source may write for as long as it does not know.
		return true
	default:
		return l.ended.IsZero() || !lost.Time.After(l.ended)
	}
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
