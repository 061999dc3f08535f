// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/controllers/drplacementcontrol"
)

// hubPlan is what the placement controller is about to write, one write at a time. Each is refused if what it rests on
// has changed, and then the rest is given up.
type hubPlan []hubWrite

type hubWrite struct {
	op hubOp
	c  int
	// base is what the write rests on, becomes what it writes.
	base, becomes ref
}

type hubOp uint8

const (
	hubPlacement hubOp = iota
	hubUpdate
	hubCreate
	hubDelete
	hubRemove
)

type hubKey struct {
	placement ref
	groups    [clusters]ref
	connected [clusters]bool
	clock     uint8
	session   uint8
}

// reconcile has the placement controller decide on what it sees.
func (m *model) reconcile(s *state) error {
	h := &s.hub
	if h.seenPlacement == 0 || h.plan != 0 {
		return nil
	}
	key := hubKey{h.seenPlacement, h.seenGroups, h.connected, s.clock, h.session}
	h.plan = m.memoHub.of(key, func() ref { return m.decideHub(key) })
	return m.checkHeir(s)
}

func (m *model) decideHub(key hubKey) ref {
	placement := m.placements.get(key.placement)
	facts := drplacementcontrol.Facts{
		Now: moment(key.clock), Placement: placement, Policy: m.policy, Session: fmt.Sprint(key.session),
		Clusters: map[string]drplacementcontrol.Cluster{}, Groups: map[string]*v1alpha1.VolumeReplicationGroup{},
	}
	for c, name := range names {
		facts.Clusters[name] = drplacementcontrol.Cluster{ClusterFacts: clusterFacts(key.connected[c]), S3Profile: m.profiles()[c%len(m.profiles())]}
		if group := m.groups.get(key.groups[c]); group != nil {
			facts.Groups[name] = group
		}
	}
	return m.planHub(key, m.hub(facts))
}

func clusterFacts(connected bool) action.ClusterFacts {
	return action.ClusterFacts{Exists: true, Connected: connected, LastHeartbeat: began}
}

func profile(c int) string { return "s3-" + names[c] }

// planHub puts a decision's writes into the order in which the controller carries them out.
func (m *model) planHub(key hubKey, d drplacementcontrol.Decision) ref {
	var status, groups, last hubPlan
	at, placement := key.placement, m.placements.get(key.placement)
	write := func(p *v1alpha1.DRPlacementControl) hubWrite {
		w := hubWrite{hubPlacement, 0, at, m.putPlacement(p)}
		at, placement = w.becomes, p
		return w
	}
	if d.AddFinalizer {
		p := placement.DeepCopy()
		p.Finalizers = append(p.Finalizers, drplacementcontrol.Finalizer)
		status = append(status, write(p))
	}
	if d.StatusChanged && !d.RemoveFinalizer {
		p := placement.DeepCopy()
		p.Status = d.Status
		if w := write(p); w.base != w.becomes {
			status = append(status, w)
		}
	}
	groups = append(groups, m.writeGroups(key, d)...)
	if d.RemoveFinalizer {
		last = hubPlan{{hubPlacement, 0, at, 0}}
	}
	plan := slices.Concat(status, groups, last)
	if m.groupsFirst {
		plan = slices.Concat(groups, status, last)
	}
	return m.putHubPlan(plan)
}

func (m *model) writeGroups(key hubKey, d drplacementcontrol.Decision) (plan hubPlan) {
	add := func(op hubOp, groups []*v1alpha1.VolumeReplicationGroup, change func(*v1alpha1.VolumeReplicationGroup)) {
		for _, g := range groups {
			c := indexOf(g.Spec.ClusterName)
			g = g.DeepCopy()
			change(g)
			plan = append(plan, hubWrite{op, c, key.groups[c], m.putGroup(g)})
		}
	}
	add(hubUpdate, d.Update, func(g *v1alpha1.VolumeReplicationGroup) {
		if before := m.groups.get(key.groups[indexOf(g.Spec.ClusterName)]); !equality.Semantic.DeepEqual(before.Spec, g.Spec) {
			g.Generation++
		}
	})
	add(hubCreate, d.Create, func(g *v1alpha1.VolumeReplicationGroup) {
		g.Generation, g.UID = 1, groupUID(indexOf(g.Spec.ClusterName))
	})
	add(hubDelete, d.Delete, func(g *v1alpha1.VolumeReplicationGroup) { g.DeletionTimestamp = deleted() })
	for _, g := range d.Release {
		c := indexOf(g.Spec.ClusterName)
		plan = append(plan, hubWrite{hubRemove, c, key.groups[c], 0})
	}
	return plan
}

func (m *model) putHubPlan(plan hubPlan) ref {
	if len(plan) == 0 {
		return 0
	}
	code := make([]byte, 0, len(plan)*10)
	for _, w := range plan {
		code = append(code, byte(w.op), byte(w.c))
		for _, r := range []ref{w.base, w.becomes} {
			code = append(code, byte(r), byte(r>>8), byte(r>>16), byte(r>>24))
		}
	}
	return m.hubPlans.put(string(code), plan)
}

// hubWrites carries out the next write of the controller's plan.
func (m *model) hubWrites(s *state) error {
	h := &s.hub
	plan := m.hubPlans.get(h.plan)
	w := plan[0]
	h.plan = m.putHubPlan(plan[1:])
	if w.op == hubPlacement {
		return m.writePlacement(s, w)
	}
	stored := &h.groups[w.c]
	if w.op == hubDelete {
		return m.deleteGroup(s, w.c)
	}
	if *stored != w.base {
		h.plan = 0
		return nil
	}
	if before, after := m.groups.get(*stored), m.groups.get(w.becomes); before != nil && after != nil && after.Spec.Epoch < before.Spec.Epoch {
		h.plan = 0
		return m.violated(s, agentsOnlyGoForward, "the hub told %s epoch %d after %d", names[w.c], after.Spec.Epoch, before.Spec.Epoch)
	}
	if err := m.checkCommand(s, w.c, m.groups.get(w.becomes)); err != nil {
		return err
	}
	*stored, h.seenGroups[w.c] = w.becomes, w.becomes
	return nil
}

func (m *model) writePlacement(s *state, w hubWrite) error {
	h := &s.hub
	if h.placement != w.base {
		h.plan = 0
		return nil
	}
	before, after := m.placements.get(h.placement), m.placements.get(w.becomes)
	if after != nil && after.Status.Epoch < before.Status.Epoch {
		h.plan = 0 // The server refuses such a status.
		return nil
	}
	if err := m.checkPlacement(s, before, after); err != nil {
		return err
	}
	h.placement, h.seenPlacement = w.becomes, w.becomes
	return nil
}

// deleteGroup is a deletion as the server does it: it waits for the agent's finalizer.
func (m *model) deleteGroup(s *state, c int) error {
	group := m.groups.get(s.hub.groups[c])
	if group == nil {
		return nil
	}
	group = group.DeepCopy()
	group.DeletionTimestamp = deleted()
	s.hub.groups[c] = m.putGroup(group)
	if len(group.Finalizers) == 0 {
		s.hub.groups[c] = 0
	}
	s.hub.seenGroups[c] = s.hub.groups[c]
	return nil
}
