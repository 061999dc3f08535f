// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/controllers/draction"
)

// verb is something that a person asks of the hub.
type verb struct {
	kind   string
	target int
	ack    bool
}

func (v verb) String() string {
	words := []string{v.kind}
	if v.kind == "failover" || v.kind == "relocate" {
		words = append(words, "to", names[v.target])
	}
	for _, ack := range v.acks() {
		words = append(words, "acknowledging", string(ack))
	}
	return strings.Join(words, " ")
}

func (v verb) request() action.Request {
	r := action.Request{Type: v1alpha1.ActionRelocate, TargetCluster: names[v.target], RequestedBy: "somebody"}
	if v.kind == "failover" {
		r.Type, r.Force = v1alpha1.ActionFailover, true
	}
	r.Acknowledgements = v.acks()
	return r
}

func (v verb) acks() []v1alpha1.Acknowledgement {
	switch {
	case !v.ack:
		return nil
	case v.kind == "abort":
		return []v1alpha1.Acknowledgement{v1alpha1.AckTargetMayStillWrite}
	default:
		return []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite}
	}
}

type verbKey struct {
	verb verb
	on   hubKey
}

// judged is what a request is judged by: what is stored.
func (m *model) judged(s *state) hubKey {
	return hubKey{placement: s.hub.placement, groups: s.hub.groups, connected: s.hub.connected, clock: s.clock}
}

// judge answers a request by what is stored: what the placement becomes, or 0 if it is refused or changes nothing.
func (m *model) judge(s *state, v verb) ref {
	key := verbKey{v, m.judged(s)}
	return m.memoVerb.of(key, func() ref {
		placement := m.placements.get(key.on.placement).DeepCopy()
		switch v.kind {
		case "delete":
			placement.DeletionTimestamp = deleted()
		case "abort":
			if m.abort(placement, v.acks()...) != nil {
				return 0
			}
		default:
			facts := action.Facts{
				Now: moment(s.clock), Placement: placement, Policy: m.policy,
				Clusters: map[string]action.ClusterFacts{}, Groups: map[string]*v1alpha1.VolumeReplicationGroup{},
			}
			for c, name := range names {
				facts.Clusters[name] = clusterFacts(key.on.connected[c])
				if group := m.groups.get(key.on.groups[c]); group != nil {
					facts.Groups[name] = group
				}
			}
			record := m.preflight(facts, v.request())
			if refusal := action.Refusal(record); refusal != nil {
				m.memoRefused[key] = refusal.Error()
				return 0
			}
			action.Accept(placement, record)
		}
		becomes := m.putPlacement(placement)
		if becomes == key.on.placement {
			return 0
		}
		return becomes
	})
}

// ask has a person's request judged. What comes of it is stored by a step of its own.
func (m *model) ask(s *state, v verb) bool {
	if s.hub.placement == 0 || s.hub.verb != 0 {
		return false
	}
	becomes := m.judge(s, v)
	if becomes == 0 {
		return false
	}
	if current := m.placements.get(s.hub.placement).Status.CurrentAction; current != nil && v.kind != "delete" {
		next := m.placements.get(becomes).Status.CurrentAction
		if next.Name != current.Name {
			m.finish(s, action.DRAction(m.placements.get(s.hub.placement), *current))
		}
	}
	s.hub.verb = m.putHubPlan(hubPlan{{hubPlacement, 0, s.hub.placement, becomes}})
	return true
}

// asked is a request and, unless something may come between, all that follows from it at once.
func (m *model) asked(s *state, v verb) error {
	if s.left.verbs == 0 || !m.ask(s, v) {
		return nil
	}
	s.left.verbs--
	if m.scenario.gaps {
		return nil
	}
	if err := m.commit(s); err != nil {
		return err
	}
	if !m.scenario.records && s.hub.record != 0 {
		m.keepRecord(s)
	}
	return nil
}

// commit stores what was accepted, unless the placement has changed since it was judged. Its record is written next, if
// the server lives to do so.
func (m *model) commit(s *state) error {
	w := m.hubPlans.get(s.hub.verb)[0]
	s.hub.verb = 0
	if s.hub.placement != w.base {
		return nil
	}
	before, after := m.placements.get(w.base), m.placements.get(w.becomes)
	if err := m.checkPlacement(s, before, after); err != nil {
		return err
	}
	s.hub.placement = w.becomes
	if current := after.Status.CurrentAction; after.DeletionTimestamp == nil && current != nil {
		s.hub.record = m.putAction(action.DRAction(after, *current))
	}
	return nil
}

// keepRecord writes the record of a request that was just accepted, unless there is one.
func (m *model) keepRecord(s *state) {
	written := m.actions.get(s.hub.record)
	s.hub.record = 0
	if m.findAction(s, written.Name) == nil {
		m.storeAction(s, written)
	}
}

// finish makes the record of an action that is replaced say how it ended, as the verbs do before they accept another.
func (m *model) finish(s *state, final *v1alpha1.DRAction) {
	if recorded := m.findAction(s, final.Name); recorded == nil || !action.Ended(recordOf(recorded)) {
		m.storeAction(s, final)
	}
}

type recordKey struct{ placement, actions ref }

// reconcileRecords has the DRAction controller bring the records up to date.
func (m *model) reconcileRecords(s *state) error {
	key := recordKey{s.hub.seenPlacement, s.hub.actions}
	becomes := m.memoRecord.of(key, func() ref { return m.decideRecords(key) })
	if err := m.checkRecords(s, s.hub.actions, becomes); err != nil {
		return err
	}
	s.hub.actions = becomes
	return nil
}

func (m *model) decideRecords(key recordKey) ref {
	facts := draction.Facts{Now: moment(maxRecords).Add(1 << 40), Placement: m.placements.get(key.placement), Actions: map[string]*v1alpha1.DRAction{}}
	for _, r := range m.actionSets.get(key.actions) {
		recorded := m.actions.get(r)
		current := facts.Placement != nil && facts.Placement.Status.CurrentAction != nil && facts.Placement.Status.CurrentAction.Name == recorded.Name
		if current || !action.Ended(recordOf(recorded)) {
			facts.Actions[recorded.Name] = recorded
		}
	}
	d := m.record(facts)
	after := key.actions
	if d.Create != nil {
		after = m.withAction(after, d.Create)
	}
	if d.UpdateSpec != nil {
		after = m.withAction(after, d.UpdateSpec)
	}
	for _, updated := range d.UpdateStatus {
		after = m.withAction(after, updated)
	}
	return after
}

func recordOf(a *v1alpha1.DRAction) *v1alpha1.ActionRecord {
	return &v1alpha1.ActionRecord{Name: a.Name, Spec: a.Spec, Status: a.Status}
}

func (m *model) findAction(s *state, name string) *v1alpha1.DRAction {
	for _, r := range m.actionSets.get(s.hub.actions) {
		if a := m.actions.get(r); a.Name == name {
			return a
		}
	}
	return nil
}

func (m *model) storeAction(s *state, a *v1alpha1.DRAction) {
	s.hub.actions = m.withAction(s.hub.actions, a)
}

// withAction is a set of records with one more, or one in another state.
func (m *model) withAction(set ref, a *v1alpha1.DRAction) ref {
	var refs []ref
	for _, r := range m.actionSets.get(set) {
		if m.actions.get(r).Name != a.Name {
			refs = append(refs, r)
		}
	}
	refs = append(refs, m.putAction(a))
	slices.SortFunc(refs, func(x, y ref) int { return strings.Compare(m.actions.get(x).Name, m.actions.get(y).Name) })
	return m.actionSets.put(encode(refs), refs)
}
