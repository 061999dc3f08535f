// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// checkKnown holds what the hub takes the peer to have to what it has.
func (m *model) checkKnown() {
	m.t.Helper()
	if m.known == nil {
		return
	}
	for _, c := range m.from.facts.Claims {
		if m.joined[c.Name].After(m.known.Time) {
			continue
		}
		_, image := m.to.facts.choose(replication.Restoration{Claim: &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: c.Name}}}, m.to.facts.Destinations[c.Name])
		if image == nil {
			m.t.Fatalf("%s is taken to be with the peer up to %s, and is not at all", c.Name, m.known)
		}
		if has := m.to.holds[image.Name]; has < m.written && m.since[has+1].Before(m.known.Time) {
			m.t.Fatalf("%s is taken to be with the peer up to %s, and is up to %s\n%s", c.Name, m.known, m.since[has+1], m.describe())
		}
	}
}

// check holds what could be promoted to one point in time.
func (m *model) check() {
	m.t.Helper()
	for _, set := range m.to.facts.completeSets(func(setID) bool { return true }) {
		for _, name := range set.members {
			if got, first := m.to.holds[set.images[name].Name], m.to.holds[set.images[set.members[0]].Name]; got != first {
				m.t.Fatalf("cycle %s is complete with %s of %d and %s of %d", set.cycle, set.members[0], first, name, got)
			}
		}
	}
}

// checkSynced holds what sources say that the peer has of their volumes to what they said before, and to what can be.
func (m *model) checkSynced() {
	m.t.Helper()
	maps.DeleteFunc(m.synced, func(name string, _ time.Time) bool { return m.from.facts.Sources[name] == nil })
	for name, rs := range m.from.facts.Sources {
		before, known := m.synced[name]
		point := reportPrimary(rs, nil).LastSyncTime
		if !alone(name) {
			point = m.from.facts.syncedSince(rs)
		}
		switch {
		case point == nil && known:
			m.t.Fatalf("%s was synced up to %s, and then never", name, before)
		case point == nil:
			continue
		case point.Time.Before(before):
			m.t.Fatalf("%s was synced up to %s, and then up to %s", name, before, point)
		case point.Time.Before(m.joined[name].Truncate(time.Second)):
			m.t.Fatalf("%s is there since %s and was synced up to %s", name, m.joined[name], point)
		}
		m.synced[name] = point.Time
	}
}

// checkTold holds what is told of the group's cycles to what there is.
func (m *model) checkTold() {
	m.t.Helper()
	for _, g := range m.from.facts.Sent(m.now) {
		if _, itself := v1alpha1.SentByItself(g.Name); itself || len(m.from.facts.claimsOf(g.Name)) == 0 {
			continue
		}
		switch s := g.Source; {
		case s == nil || s.Step == "" || len(s.Completed) > 2 || len(s.Completed) == 2 && s.Completed[0].ID == s.Completed[1].ID:
			m.t.Fatalf("sent is %+v", s)
		case s.Current == nil && len(s.Sent) > 0 || s.Current != nil && len(s.Sent) == len(g.Members) && s.Step != v1alpha1.ReplicationGroupSending:
			m.t.Fatalf("of %+v sent is %+v", g.VolSyncGroup, s)
		}
	}
	for _, g := range m.to.facts.Arrived(&m.told) {
		d := g.Destination
		if d == nil {
			continue
		}
		if d.Step == "" || d.Step == v1alpha1.ReplicationGroupCommitting != (len(d.Arrived) == len(g.Members)) && d.Step != v1alpha1.ReplicationGroupPreparing {
			m.t.Fatalf("of %+v received is %+v", g.VolSyncGroup, d)
		}
		if d.Committed != nil && slices.ContainsFunc(d.Committed.Images, func(i v1alpha1.VolSyncImage) bool {
			return m.to.holds[i.VolumeSnapshotName] != m.to.holds[d.Committed.Images[0].VolumeSnapshotName]
		}) {
			m.t.Fatalf("committed is %+v, which is not of one point in time", d.Committed)
		}
	}
}

// arrives goes on without disturbances until all that was written so far can be promoted.
func (m *model) arrives() {
	m.t.Helper()
	m.write()
	target := m.written
	for range 20000 {
		m.step()
		if !slices.ContainsFunc(m.from.facts.Claims, func(c Claim) bool { return !m.hasArrived(c, target) }) {
			return
		}
	}
	m.t.Log(m.describe())
	m.t.Fatalf("nothing arrives any more: sent %+v, awaited %+v", m.from.facts.Sent(m.now), m.to.facts.Arrived(&m.told))
}

// hasArrived tells whether so much of a volume could be promoted, with its group.
func (m *model) hasArrived(c Claim, written int) bool {
	members := []string{c.Name}
	if c.Group != "" {
		members = nil
		for _, other := range m.from.facts.Claims {
			if other.Group == c.Group {
				members = append(members, other.Name)
			}
		}
		slices.Sort(members)
	}
	set := m.to.facts.newestSet(c.Name)
	return set != nil && slices.Equal(set.members, members) && m.to.holds[set.images[c.Name].Name] >= written
}

// describe tells what each cluster is at.
func (m *model) describe() string {
	text := ""
	for _, name := range slices.Sorted(maps.Keys(m.from.facts.Sources)) {
		rs := m.from.facts.Sources[name]
		text += fmt.Sprintf("\n%s is sent for %s from %s (there: %v), paused %v, answered %s, mover %+v", name, trigger(rs), rs.Spec.SourcePVC,
			m.from.facts.Copies[rs.Spec.SourcePVC] != nil, rs.Spec.Paused, rs.Status.LastManualSync, m.from.jobs[rs.UID])
	}
	for _, name := range slices.Sorted(maps.Keys(m.to.facts.Destinations)) {
		rd := m.to.facts.Destinations[name]
		text += fmt.Sprintf("\n%s is received for %s, paused %v, answered %s, mover %+v", name, rd.Spec.Trigger.Manual, rd.Spec.Paused,
			rd.Status.LastManualSync, m.to.jobs[rd.UID])
	}
	for _, g := range m.from.facts.GroupSnapshots {
		text += fmt.Sprintf("\n%s is ready: %v, of %s ago", g.GetName(), g.Ready(), m.now.Sub(g.GetCreationTimestamp().Time))
	}
	return text
}
