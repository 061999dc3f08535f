// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
	"github.com/ramendr/dr-apiserver/test/storagesim/records"
)

// checkVolumes has every claim keep its volume, and what was written to several at once be in all of them or in none.
func checkVolumes(f Finding) (out []Violation) {
	handles := map[string]string{}
	for _, v := range f.Report.Volumes {
		switch other, known := handles[v.Claim]; {
		case known:
			out = append(out, Violation{promiseLoss, fmt.Sprintf("claim %s of %s is volume %s and was %s before", v.Claim, f.App, v.Handle, other)})
		case v.Deleted:
			out = append(out, Violation{promiseLoss, fmt.Sprintf("volume %s of %s is on no cluster any more", v.Claim, f.App)})
		}
		handles[v.Claim] = v.Handle
	}
	if f.Report.Torn > 0 {
		out = append(out, Violation{promiseTorn, fmt.Sprintf("%d records that %s wrote to all its volumes at once survive on some only", f.Report.Torn, f.App)})
	}
	return out
}

// checkWriters allows two writers only where a person took it upon themselves: from an acknowledged failover on.
func checkWriters(f Finding, actions map[string]*life) (out []Violation) {
	for _, v := range f.Report.Volumes {
		for _, o := range v.Overlaps {
			if !excused(o, f.Kind.method(v.Claim), actions) {
				out = append(out, Violation{promiseWriter, fmt.Sprintf("%v wrote volume %s of %s in generations %v at once, from %s to %s",
					o.Clusters, v.Claim, f.App, o.Generations, o.FirstTime.Format(time.RFC3339Nano), o.LastTime.Format(time.RFC3339Nano))})
			}
		}
	}
	return out
}

// excused tells whether somebody acknowledged that there may be two writers. Storage that replicates a volume promotes one
// copy in a generation whatever anybody says; what VolSync copies are volumes of their own, of which each counts for itself.
func excused(o records.Overlap, method v1alpha1.ReplicationMethod, actions map[string]*life) bool {
	ofTheirOwn := method == v1alpha1.MethodVolSync || method == v1alpha1.MethodVolSyncGroup
	if o.Generations[0] == o.Generations[1] && !ofTheirOwn {
		return false
	}
	return slices.ContainsFunc(slices.Collect(maps.Values(actions)), func(l *life) bool {
		a := l.last()
		return a.Acknowledged && slices.Contains(o.Clusters[:], a.Source) && !l.asked.IsZero() && !l.asked.After(o.LastTime)
	})
}

// checkLosses has every lost record explained by a failover that went on without what its source wrote after the sync point.
func checkLosses(f Finding, actions map[string]*life, known synced) (out []Violation) {
	for _, v := range f.Report.Volumes {
		for _, lost := range v.Lost.Records {
			explained := slices.ContainsFunc(slices.Collect(maps.Values(actions)), func(l *life) bool {
				return explains(l, lost) && lost.Time.After(known.before(l, v.Claim))
			})
			if !explained {
				out = append(out, Violation{promiseLoss, fmt.Sprintf("volume %s of %s lost record %d that %s wrote at %s in generation %d, and no failover gave it up",
					v.Claim, f.App, lost.Seq, lost.Cluster, lost.Time.Format(time.RFC3339Nano), lost.Generation)})
			}
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

// synced is what a primary's agent said of its volumes, in the order in which it was seen: up to when the peer has each one's data.
type synced []Entry

func syncedOf(history []Entry, app string) (known synced) {
	for _, e := range history {
		if e.Kind == KindGroup && e.App == app && e.Group.State == "Primary" && len(e.Group.Synced) > 0 {
			known = append(known, e)
		}
	}
	return known
}

// before is up to when the target was known to have a volume's data before anybody asked for the action. What an action gives
// up of all volumes is counted from the sync point of the one that is farthest behind; of each one no more may be lost than of itself.
func (s synced) before(l *life, claim string) (point time.Time) {
	for _, e := range s {
		if e.Group.Cluster == l.last().Source && e.Time.Before(l.asked) {
			if at := e.Group.Synced[claim]; at.After(point) {
				point = at
			}
		}
	}
	return point
}
