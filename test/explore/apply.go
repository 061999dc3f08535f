// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/ramendr/dr-apiserver/pkg/action"

// apply lets an event happen, and what follows from it at once. If it changes nothing it was not enabled.
func (m *model) apply(s state, e event) (state, error) {
	if !m.scenario.swift {
		return s, m.happens(&s, e)
	}
	before := s
	err := m.happens(&s, e)
	if err == nil && s != before {
		err = m.swiftly(&s)
	}
	return s, err
}

// swiftly lets all happen that can happen within a cluster, one cluster after the other.
func (m *model) swiftly(s *state) error {
	for range maxRounds {
		before := *s
		for _, e := range m.within {
			if err := m.happens(s, e); err != nil {
				return err
			}
		}
		if *s == before {
			return nil
		}
	}
	return m.violated(s, everyActionEnds, "a cluster never comes to rest")
}

func (m *model) happens(s *state, e event) error {
	c, n, recorded := int(e.c), int(e.n), recordKey{s.hub.seenPlacement, s.hub.actions}
	var err error
	switch e.kind {
	case hubSees:
		hubCatchesUp(s, n)
	case hubDecides:
		err = m.reconcile(s)
		if err == nil && !m.scenario.gaps && s.hub.plan != 0 {
			err = m.hubWrites(s)
		}
	case hubWritesNext:
		if s.hub.plan != 0 {
			err = m.hubWrites(s)
		}
	case hubRecords:
		err = m.reconcileRecords(s)
	case verbAsked:
		err = m.asked(s, m.scenario.verbs[n])
	case verbStored:
		if s.hub.verb != 0 {
			err = m.commit(s)
		}
	case verbRecorded:
		if s.hub.record != 0 {
			m.keepRecord(s)
		}
	case applicationWrites:
		m.writes(s, c)
	case podsAreGone:
		podsEnd(s, c)
	case csiLooks:
		err = m.csi(s, c, n)
	case arrayShips:
		m.ship(s, c, n)
	case leaseExpires:
		s.hub.connected[c] = s.hub.connected[c] && s.reachable(c)
	case leaseRenewed:
		s.hub.connected[c] = s.hub.connected[c] || s.reachable(c)
	case heals:
		heal(s, n)
	default:
		if e.kind > heals {
			m.fault(s, e)
		} else {
			err = m.agentDoes(s, e)
		}
	}
	if err == nil {
		err = m.normalize(s, recorded)
	}
	if err == nil {
		err = m.checkWriters(s)
	}
	return err
}

func (m *model) agentDoes(s *state, e event) error {
	c := int(e.c)
	switch e.kind {
	case agentSees:
		m.watches(s, c)
	case agentDecides:
		m.looks(s, c)
		if m.scenario.gaps {
			return nil
		}
		m.lists(s, c)
		if s.sites[c].plan != 0 {
			return m.acts(s, c)
		}
	case agentWrites:
		if site := &s.sites[c]; site.plan != 0 && site.up && !site.dead {
			return m.acts(s, c)
		}
	case agentRestores:
		return m.restores(s, c)
	case agentLists:
		m.lists(s, c)
	case agentSeals:
		return m.seals(s, c)
	case agentUploads:
		return m.uploads(s, c, int(e.n))
	case agentClears:
		m.clears(s, c)
	case agentReports:
		m.reports(s, c)
	case lateReport:
		m.arrivesLate(s, c, false)
	case agentStarts:
		s.sites[c].up = s.sites[c].up || !s.sites[c].dead
	}
	return nil
}

func hubCatchesUp(s *state, n int) {
	if n == 0 {
		s.hub.seenPlacement = s.hub.placement
		return
	}
	s.hub.seenGroups[n-1] = s.hub.groups[n-1]
}

func (m *model) csi(s *state, c, v int) error {
	if s.sites[c].vrs[v] == 0 || s.sites[c].dead {
		return nil
	}
	key := csiKey{c, s.sites[c].vrs[v], s.volumes[v], s.linked()}
	turn := m.memoCSI.of(key, func() csiTurn { return m.reconcileVR(key) })
	before, after := m.arrays.get(s.volumes[v]), m.arrays.get(turn.volume)
	s.sites[c].vrs[v], s.volumes[v] = turn.vr, turn.volume
	if before[c].role == arraySecondary && after[c].role == arrayPrimary {
		return m.checkPromoted(s, c, after)
	}
	if before[c].role == arrayPrimary && after[c].role == arraySecondary {
		g := m.ghosts.get(s.ghost)
		g.exempt &^= 1 << c
		s.ghost = m.ghosts.put(g)
	}
	return nil
}

func (m *model) ship(s *state, c, v int) {
	if !s.linked() {
		return
	}
	array := m.arrays.get(s.volumes[v])
	array.replicate(c, s.clock)
	s.volumes[v] = m.arrays.put(array)
}

func heal(s *state, n int) {
	switch n {
	case 0, 1:
		s.sites[n].cut = false
	case 2, 3:
		s.sites[n-2].dead = false
	case 4:
		s.storageCut = false
	default:
		s.storeDead[n-5] = false
	}
}

// fault breaks something, if the budget allows. What is broken is not broken again.
func (m *model) fault(s *state, e event) {
	before, c := *s, int(e.c)
	spend := &s.left.faults
	switch e.kind {
	case hubDies:
		spend = &s.left.crashes
		h := &s.hub
		h.plan, h.verb, h.record = 0, 0, 0
		h.seenPlacement, h.seenGroups = h.placement, h.groups
		h.connected = [clusters]bool{}
		h.session++
	case agentDies:
		spend = &s.left.crashes
		s.sites[c].die()
	case agentCut:
		s.sites[c].cut = true
	case clusterDies:
		s.sites[c].die()
		s.sites[c].dead = true
	case storageBreaks:
		s.storageCut = true
	case storeDies:
		s.storeDead[c] = true
	case reportDelayed:
		m.delays(s, c)
	case reportTwice:
		m.arrivesLate(s, c, true)
	case hubSaved:
		spend = &s.left.backups
		m.save(s)
	case hubRestored:
		spend = &s.left.backups
		m.restoreHub(s)
	}
	if *spend == 0 || *s == before {
		*s = before
		return
	}
	*spend--
	if s.left.backups == 0 {
		// Nothing is restored from it any more: states that differ in it alone are the same.
		s.hub.backup = 0
	}
}

// die ends an agent's process, and with it all that it did not write down. While it is away nobody sees what the hub has.
func (site *siteState) die() {
	site.up, site.ahead = false, false
	site.watched, site.memory, site.plan, site.wanted, site.base = 0, 0, 0, 0, 0
}

func (m *model) save(s *state) {
	if s.hub.backup == 0 && !(m.scenario.betweenActions && action.Running(m.placements.get(s.hub.placement))) {
		s.hub.backup = m.backups.put(saved{s.hub.placement, s.hub.actions, s.hub.groups})
	}
}

// restoreHub brings the hub back as it was saved. Agents that run have seen later versions of their groups than any that
// it gives out from now on.
func (m *model) restoreHub(s *state) {
	if s.hub.backup == 0 {
		return
	}
	h, b := &s.hub, m.backups.get(s.hub.backup)
	*h = hubState{placement: b.placement, groups: b.groups, actions: b.actions, seenPlacement: b.placement, seenGroups: b.groups, backup: h.backup, session: h.session + 1}
	for c := range s.sites {
		s.sites[c].ahead = s.sites[c].up && m.deafToRestores
	}
	g := m.ghosts.get(s.ghost)
	g.restored = true
	s.ghost = m.ghosts.put(g)
}

// normalize has happen at once what the scenario lets nobody come between. The records are looked at unless they, and what
// they follow from, are as they were recorded last.
func (m *model) normalize(s *state, recorded recordKey) error {
	if !m.scenario.hubLags {
		s.hub.seenPlacement, s.hub.seenGroups = s.hub.placement, s.hub.groups
	}
	if !m.scenario.leases {
		for c := range clusters {
			s.hub.connected[c] = s.hub.connected[c] || s.reachable(c)
		}
	}
	for !m.scenario.records && recorded != (recordKey{s.hub.seenPlacement, s.hub.actions}) {
		recorded = recordKey{s.hub.seenPlacement, s.hub.actions}
		if err := m.reconcileRecords(s); err != nil {
			return err
		}
	}
	return nil
}
