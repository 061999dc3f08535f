// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const notInstalled = "VolSync is not installed on this cluster; install it, with the CRDs of snapshots"

// sent tells whether a claim was told to be sent.
func (c *Claim) sent() bool {
	_, isFinal := finalEpoch(c.Role)
	return c.Role == rolePrimary || isFinal
}

// claimsOf are those of a group that were told to be sent.
func (f *Facts) claimsOf(name string) []*Claim {
	var claims []*Claim
	for i := range f.Claims {
		if c := &f.Claims[i]; c.Group == name && c.sent() {
			claims = append(claims, c)
		}
	}
	return claims
}

// sendable are the names of those that have their volumes.
func (f *Facts) sendable(name string) []string {
	var names []string
	for _, c := range f.claimsOf(name) {
		if c.Bound {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
}

// progress is how far a group is with being sent; nil if none of its claims is to be.
func (f *Facts) progress(name string) *v1alpha1.VolSyncGroupSource {
	claims := f.claimsOf(name)
	if len(claims) == 0 {
		return nil
	}
	s := &v1alpha1.VolSyncGroupSource{Completed: f.completed(name)}
	for _, c := range claims {
		s.VolumeGroupSnapshotClassName = max(s.VolumeGroupSnapshotClassName, c.GroupSnapshotClass)
		if c.Role != rolePrimary {
			s.Manual = max(s.Manual, c.Role)
		}
	}
	snapshot := f.GroupSnapshot(name)
	if snapshot != nil {
		f.underWay(s, snapshot)
	}
	if s.Current == nil {
		s.Step = f.between(claims)
	}
	s.Message = f.failure(name, snapshot)
	switch {
	case s.Message != "":
		s.Result = v1alpha1.VolSyncCycleFailed
	case len(s.Completed) > 0:
		s.Result = v1alpha1.VolSyncCycleSuccessful
	}
	if s.Message == "" {
		s.Message = f.awaited(claims, snapshot)
	}
	return s
}

// underWay describes a cycle that has a snapshot, unless all of it was sent and only the snapshot is left.
func (f *Facts) underWay(s *v1alpha1.VolSyncGroupSource, snapshot *GroupSnapshot) {
	final := snapshot.GetAnnotations()[annotationFinal]
	if !snapshot.Ready() {
		s.Step = v1alpha1.ReplicationGroupSnapshotting
		s.Current = &v1alpha1.VolSyncCycle{ID: snapshot.cycle().String(), Manual: final}
		return
	}
	members := membersOf(snapshot.GetAnnotations())
	wanted := f.wantedOf(snapshot)
	for _, m := range members {
		if sentAs(f.Sources[m], wanted) {
			s.Sent = append(s.Sent, m)
		}
	}
	if len(s.Sent) == len(members) && !isFirstFinal(wanted.final) {
		s.Sent = nil
		return
	}
	s.Step = v1alpha1.ReplicationGroupSending
	if final != wanted.final {
		s.Step = v1alpha1.ReplicationGroupConfirming
	}
	s.Current = &v1alpha1.VolSyncCycle{ID: wanted.cycle.String(), Manual: wanted.final, Time: second(wanted)}
}

// between is the step of a group that has no cycle under way.
func (f *Facts) between(claims []*Claim) v1alpha1.ReplicationGroupStep {
	ready := f.Present && slices.ContainsFunc(claims, func(c *Claim) bool { return c.Bound })
	for _, c := range claims {
		if f.Destinations[c.Name] != nil || c.Bound && c.Label != c.Group {
			ready = false
		}
	}
	if ready {
		return v1alpha1.ReplicationGroupWaiting
	}
	return v1alpha1.ReplicationGroupPreparing
}

// failure says what of a group fails: its snapshot, or what is sent.
func (f *Facts) failure(name string, snapshot *GroupSnapshot) string {
	if snapshot != nil && snapshot.Trouble() != "" {
		return fmt.Sprintf("VolumeGroupSnapshot %s/%s: %s", snapshot.GetNamespace(), snapshot.GetName(), snapshot.Trouble())
	}
	sources := f.SourcesOf(name)
	var failures []string
	for _, claim := range slices.Sorted(maps.Keys(sources)) {
		if rs := sources[claim]; !succeeded(rs) {
			failures = append(failures, trouble("ReplicationSource", rs))
		}
	}
	return firstOf(failures)
}

// awaited says what keeps a claim from being sent with the others.
func (f *Facts) awaited(claims []*Claim, snapshot *GroupSnapshot) string {
	if !f.Present {
		return notInstalled
	}
	var awaited []string
	for _, c := range claims {
		switch {
		case f.Destinations[c.Name] != nil:
			awaited = append(awaited, fmt.Sprintf("ReplicationDestination %s/%s is being removed", f.Group.Namespace, c.Name))
		case !c.Bound:
			awaited = append(awaited, fmt.Sprintf("PersistentVolumeClaim %s/%s has no volume that could be sent", f.Group.Namespace, c.Name))
		case snapshot != nil && f.Sources[c.Name] == nil && f.Copies[copyName(c.Name, snapshot.cycle())] != nil:
			awaited = append(awaited, fmt.Sprintf("waits for the peer to say where it receives PersistentVolumeClaim %s/%s", f.Group.Namespace, c.Name))
		}
	}
	slices.Sort(awaited)
	return firstOf(awaited)
}

// firstOf is the first text that is not empty, with the number of the others.
func firstOf(texts []string) string {
	texts = slices.DeleteFunc(texts, func(text string) bool { return text == "" })
	switch len(texts) {
	case 0:
		return ""
	case 1:
		return texts[0]
	default:
		return fmt.Sprintf("%s (and %d more)", texts[0], len(texts)-1)
	}
}

// completed are the last cycles of which all was sent, the newest first.
func (f *Facts) completed(name string) []v1alpha1.VolSyncCycle {
	var cycles []v1alpha1.VolSyncCycle
	sources := f.SourcesOf(name)
	last, whole := f.whole(name)
	if whole {
		cycles = append(cycles, cycleOf(last, costOf(sources, last)))
	}
	if before, took, found := lastNoted(sources); found && !(whole && before.cycle == last.cycle) {
		cycles = append(cycles, cycleOf(before, took))
	}
	return cycles
}

func cycleOf(s sending, took cost) v1alpha1.VolSyncCycle {
	c := v1alpha1.VolSyncCycle{ID: s.cycle.String(), Manual: s.final, Time: second(s), Bytes: took.bytes}
	if took.took > 0 {
		c.Duration = &metav1.Duration{Duration: took.took}
	}
	return c
}

// second is the point in time of a cycle, as exactly as it is told.
func second(s sending) *metav1.Time {
	at := metav1.NewTime(s.at).Rfc3339Copy()
	return &at
}
