// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"maps"
	"slices"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// A source asks how much has arrived once it takes longer than askAfter, and timesUsual as long as the last time.
const (
	askAfter   = time.Minute
	timesUsual = 2
)

// complete is the cycle that all sources have sent; false if they have not all sent the same.
func complete(sources map[string]*volsyncv1alpha1.ReplicationSource) (sending, bool) {
	var last string
	for _, rs := range sources {
		if !succeeded(rs) || last != "" && trigger(rs) != last {
			return sending{}, false
		}
		last = trigger(rs)
	}
	return parseSending(last)
}

// SourcesOf are the sources of a group's members.
func (f *Facts) SourcesOf(name string) map[string]*volsyncv1alpha1.ReplicationSource {
	sources := map[string]*volsyncv1alpha1.ReplicationSource{}
	for claim, rs := range f.Sources {
		if rs.Annotations[annotationGroup] == name {
			sources[claim] = rs
		}
	}
	return sources
}

// whole is the cycle that all members have sent; false if they have not all sent the same. A member of the cycle under way
// may have no source yet.
func (f *Facts) whole(name string) (sending, bool) {
	sources, current := f.SourcesOf(name), f.GroupSnapshot(name)
	last, all := complete(sources)
	if all && current != nil && !later(current.cycle(), last.cycle) {
		all = !slices.ContainsFunc(membersOf(current.GetAnnotations()), func(m string) bool { return sources[m] == nil })
	}
	return last, all
}

// lastSent is the last cycle that was sent completely, as far as its sources tell.
func lastSent(sources map[string]*volsyncv1alpha1.ReplicationSource) (sending, bool) {
	if last, whole := complete(sources); whole {
		return last, true
	}
	last, _, found := lastNoted(sources)
	return last, found
}

// lastNoted is the last cycle that is noted to have been sent completely before that of a source, and what it cost.
func lastNoted(sources map[string]*volsyncv1alpha1.ReplicationSource) (last sending, took cost, found bool) {
	for _, rs := range sources {
		noted, ok := parseSending(rs.Annotations[annotationSynced])
		if !ok || found && !noted.at.After(last.at) && !(noted.at.Equal(last.at) && later(noted.cycle, last.cycle)) {
			continue
		}
		last, took, found = noted, parseCost(rs.Annotations[annotationCost]), true
	}
	return last, took, found
}

// sentAs tells whether a source has sent its volume in a cycle; one that is not there has not.
func sentAs(rs *volsyncv1alpha1.ReplicationSource, s sending) bool {
	return rs != nil && trigger(rs) == s.String() && succeeded(rs)
}

// sentIn tells whether a volume was among what was sent in a cycle. Its source has gone along with every one since it was made.
func sentIn(rs *volsyncv1alpha1.ReplicationSource, s sending) bool {
	joined, ok := parseSending(rs.Annotations[annotationJoined])
	return !ok || !s.at.Before(joined.at)
}

// syncedSince is up to when the peer has the data of a group of which this is a member's source; nil if it never had this member's.
func (f *Facts) syncedSince(rs *volsyncv1alpha1.ReplicationSource) *metav1.Time {
	last, ok := lastSent(f.SourcesOf(rs.Annotations[annotationGroup]))
	if !ok || !sentIn(rs, last) {
		return nil
	}
	return &metav1.Time{Time: last.at}
}

// Sent tells of what is sent as one, or is to be, how far that is: among other things which stream it is in, if it is in one yet,
// and which cycle of that was sent completely last.
func (f *Facts) Sent(now time.Time) []v1alpha1.VolSyncGroupStatus {
	var groups []v1alpha1.VolSyncGroupStatus
	for _, name := range f.sentNames() {
		g := v1alpha1.VolSyncGroupStatus{Asking: f.asking(name, now)}
		if volume, alone := v1alpha1.SentByItself(name); alone {
			g.VolSyncGroup = f.streamOfVolume(name, volume)
		} else {
			g.VolSyncGroup, g.Source = f.stream(name), f.progress(name)
		}
		switch {
		case g.Stream == "" && g.Source == nil:
			continue
		case g.Stream == "":
			g.Members = f.sendable(name)
		}
		groups = append(groups, g)
	}
	return groups
}

// asking tells whether anything that is sent fails or takes long, since the peer may have it already, or wait for something else.
func (f *Facts) asking(name string, now time.Time) bool {
	for _, rs := range f.SourcesOf(name) {
		if at, mayAsk := asksAt(rs); mayAsk && (failing(rs) || !now.Before(at)) {
			return true
		}
	}
	return false
}

// asksAt is when a source wants to know how much of what it is at has arrived; false if it is at nothing.
func asksAt(rs *volsyncv1alpha1.ReplicationSource) (time.Time, bool) {
	if idle(rs) || rs.Status == nil || rs.Status.LastSyncStartTime.IsZero() {
		return time.Time{}, false
	}
	usual := askAfter
	if took := rs.Status.LastSyncDuration; took != nil {
		usual = max(usual, timesUsual*took.Duration)
	}
	return rs.Status.LastSyncStartTime.Add(usual), true
}

// streamOfVolume is the one that a volume is in that is sent by itself, or is to be; it has no name while none was offered. What
// VolSync has answered last was sent completely.
func (f *Facts) streamOfVolume(name, volume string) v1alpha1.VolSyncGroup {
	g := v1alpha1.VolSyncGroup{Name: name, Members: []string{volume}}
	if rs := f.Sources[volume]; rs != nil {
		if told, known := lastTold(rs); known {
			g.Stream = told.stream
		}
		if rs.Status != nil {
			if answered, ours := parseSending(rs.Status.LastManualSync); ours && answered.stream == g.Stream {
				g.Cycle = answered.number
			}
		}
		return g
	}
	for _, c := range f.Claims {
		if c.Name == volume {
			g.Stream = c.Stream
		}
	}
	return g
}

// stream is the one that a group is in; it has no name while nothing was sent yet.
func (f *Facts) stream(name string) v1alpha1.VolSyncGroup {
	current := f.GroupSnapshot(name)
	last, whole := f.whole(name)
	if !whole {
		last, _, _ = lastNoted(f.SourcesOf(name))
	}
	g := v1alpha1.VolSyncGroup{Name: name}
	switch {
	case current != nil:
		g.Stream, g.Members = current.cycle().stream, membersOf(current.GetAnnotations())
	case whole:
		g.Stream, g.Members = last.stream, slices.Sorted(maps.Keys(f.SourcesOf(name)))
	default:
		return g
	}
	if last.stream == g.Stream {
		g.Cycle = last.number
	}
	return g
}

// sentNames are the names by which something is or was sent, or is to be.
func (f *Facts) sentNames() []string {
	names := sets.New[string]()
	for _, s := range f.GroupSnapshots {
		names.Insert(s.GetAnnotations()[annotationGroup])
	}
	for _, rs := range f.Sources {
		names.Insert(rs.Annotations[annotationGroup])
	}
	for i := range f.Claims {
		if c := &f.Claims[i]; c.sent() {
			names.Insert(c.sentBy())
		}
	}
	return sets.List(names.Delete(""))
}
