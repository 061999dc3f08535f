// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// LastSent is the last cycle of a group that was sent completely.
func (f *Facts) LastSent(name string) (sending, bool) { return lastSent(f.SourcesOf(name)) }

func lastSent(sources map[string]*volsyncv1alpha1.ReplicationSource) (sending, bool) {
	if last, whole := complete(sources); whole {
		return last, true
	}
	var last sending
	found := false
	for _, rs := range sources {
		if noted, ok := parseSending(rs.Annotations[annotationSynced]); ok && (!found || noted.at.After(last.at)) {
			last, found = noted, true
		}
	}
	return last, found
}

// sentIn tells whether a volume was among what was sent in a cycle. Its source has gone along with every one since it was made.
func sentIn(rs *volsyncv1alpha1.ReplicationSource, s sending) bool {
	joined, ok := parseSending(rs.Annotations[annotationJoined])
	return !ok || !s.at.Before(joined.at)
}

// syncedSince is up to when the peer has the data of a group of which this is a member's source; nil if it never had this member's.
func (f *Facts) syncedSince(rs *volsyncv1alpha1.ReplicationSource) *metav1.Time {
	last, ok := f.LastSent(rs.Annotations[annotationGroup])
	if !ok || !sentIn(rs, last) {
		return nil
	}
	return &metav1.Time{Time: last.at}
}
