// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// maxRounds is far more than anything takes to come to rest.
const maxRounds = 400

// calm is the order in which everything has its turn when nothing fails: a fair execution.
func (m *model) calm() []event {
	var all []event
	for _, e := range m.everything() {
		switch e.kind {
		case verbAsked, applicationWrites:
		default:
			if e.kind <= heals {
				all = append(all, e)
			}
		}
	}
	return all
}

// rested forgets what may still happen, for nothing more does, and the backup that nothing will be restored from.
func rested(s state) state {
	s.left, s.hub.backup = budget{}, 0
	return s
}

// round gives everything that can happen its turn once. What is broken for good stays broken.
func (m *model) round(s state, broken func(event) bool) (state, error) {
	var err error
	for _, e := range m.fair {
		if broken != nil && broken(e) {
			continue
		}
		if s, err = m.apply(s, e); err != nil {
			return s, err
		}
	}
	return s, nil
}

// settle lets the world go on, without faults, until nothing changes any more.
func (m *model) settle(s state) (state, int, error) { return m.settleWith(s, nil) }

func (m *model) settleWith(s state, broken func(event) bool) (state, int, error) {
	s = rested(s)
	for rounds := range maxRounds {
		next, err := m.round(s, broken)
		if err != nil {
			return next, rounds, err
		}
		if next == s {
			return s, rounds, nil
		}
		s = next
	}
	return s, maxRounds, m.violated(&s, everyActionEnds, "nothing fails any more, and yet it never comes to rest")
}

// ends checks that the world comes to a good end from a state once faults stop. What is known to end well is remembered.
func (m *model) ends(s state, good map[[2]uint64]struct{}) error {
	s = rested(s)
	var path [][2]uint64
	for range maxRounds {
		print := fingerprint(s)
		if _, known := good[print]; known {
			break
		}
		next, err := m.round(s, nil)
		if err != nil {
			return err
		}
		path = append(path, print)
		if next == s {
			if err := m.checkEnd(&s); err != nil {
				return err
			}
			break
		}
		s = next
		if len(path) == maxRounds {
			return m.violated(&s, everyActionEnds, "nothing fails any more, and yet it never comes to rest")
		}
	}
	for _, p := range path {
		good[p] = struct{}{}
	}
	return nil
}

// checkEnd holds when everything has come to rest: every action has ended, and the application runs in one place,
// protected, with a copy that is ready, unless a person has to decide because the hub forgot.
func (m *model) checkEnd(s *state) error {
	for _, r := range m.actionSets.get(s.hub.actions) {
		if a := m.actions.get(r); ending(a.Status) == "" {
			return m.violated(s, everyActionEnds, "the record of %s never ends: %s", a.Name, m.describe(s))
		}
	}
	placement := m.placements.get(s.hub.placement)
	if placement == nil {
		return m.checkReleased(s)
	}
	if action.Running(placement) {
		return m.violated(s, everyActionEnds, "%s never ends: %s", placement.Status.CurrentAction.Name, m.describe(s))
	}
	if placement.Status.Phase == v1alpha1.PhaseWaitForUser && m.ghosts.get(s.ghost).restored {
		return m.checkDecidable(*s)
	}
	return m.checkSettled(s, placement)
}

// checkDecidable holds when the hub, restored from a backup, leaves it to a person to say where the application shall run:
// there is an answer that it takes and with which all ends well.
func (m *model) checkDecidable(s state) error {
	refused := ""
	for target := range clusters {
		decided := s
		decided.left.verbs = 1
		if err := m.asked(&decided, failover(target, true)); err != nil {
			return err
		}
		if decided.left.verbs == 0 {
			return m.ends(decided, map[[2]uint64]struct{}{})
		}
		refused += "\n" + m.memoRefused[verbKey{failover(target, true), m.judged(&s)}]
	}
	return m.violated(&s, wayOut, "nobody can say where the application shall run: %s%s", refused, m.describe(&s))
}

func (m *model) checkSettled(s *state, placement *v1alpha1.DRPlacementControl) error {
	primary := indexOf(placement.Status.PrimaryCluster)
	for c := range clusters {
		want := v1alpha1.SecondaryState
		if c == primary {
			want = v1alpha1.PrimaryState
		}
		if !action.Confirms(m.groups.get(s.hub.groups[c]), want, placement.Status.Epoch) {
			return m.violated(s, everyActionEnds, "%s never confirms %s in epoch %d: %s", names[c], want, placement.Status.Epoch, m.describe(s))
		}
		if m.canWrite(s, c) != (c == primary) {
			return m.violated(s, everyActionEnds, "in the end %s is primary, and yet whether %s writes is %v: %s", names[primary], names[c], m.canWrite(s, c), m.describe(s))
		}
	}
	for _, t := range []string{v1alpha1.ConditionAvailable, v1alpha1.ConditionPeerReady, v1alpha1.ConditionProtected} {
		if !meta.IsStatusConditionTrue(placement.Status.Conditions, t) {
			return m.violated(s, everyActionEnds, "in the end %s is not True: %s", t, m.describe(s))
		}
	}
	return nil
}

// checkReleased holds when the placement is gone: nothing of ours is left, and the application runs in one place.
func (m *model) checkReleased(s *state) error {
	writers := 0
	for c := range clusters {
		site := &s.sites[c]
		if s.hub.groups[c] != 0 || site.checkpoint != 0 {
			return m.violated(s, everyActionEnds, "the placement is gone, and %s goes on: %s", names[c], m.describe(s))
		}
		if m.canWrite(s, c) {
			writers++
		}
	}
	if writers != 1 {
		return m.violated(s, everyActionEnds, "the placement is gone, and the application runs on %d clusters: %s", writers, m.describe(s))
	}
	return nil
}

// describe tells what a state is like, for people who look for the reason of a violation.
func (m *model) describe(s *state) string {
	out := fmt.Sprintf("\n  hub: %s", encode(m.placements.get(s.hub.placement)))
	for c := range clusters {
		site := &s.sites[c]
		out += fmt.Sprintf("\n  %s: group %s\n    checkpoint %s\n    memory %+v\n    up %v cut %v dead %v pods %d plan %v claims %v",
			names[c], encode(m.groups.get(s.hub.groups[c])), encode(m.checkpoints.get(site.checkpoint)), m.memories.get(site.memory),
			site.up, site.cut, site.dead, site.pods, m.agentPlans.get(site.plan), site.claims)
		for v := range m.scenario.volumes {
			out += fmt.Sprintf("\n    vr %s", encode(m.vrs.get(site.vrs[v])))
		}
	}
	return out + fmt.Sprintf("\n  arrays %+v\n  actions %d", m.arrays.get(s.volumes[0]), len(m.actionSets.get(s.hub.actions)))
}
