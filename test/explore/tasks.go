// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
)

// busy is what an agent remembers, if it is there to go on with what it has begun.
func (m *model) busy(s *state, c int) (memory, bool) {
	site := &s.sites[c]
	if !site.up || site.dead || site.memory == 0 {
		return memory{}, false
	}
	return m.memories.get(site.memory), true
}

// restores ends the part of a restore that was begun. One that fails is begun again.
func (m *model) restores(s *state, c int) error {
	k, ok := m.busy(s, c)
	if !ok || k.restoring == restoreNothing {
		return nil
	}
	part, site := k.restoring, &s.sites[c]
	k.restoring = restoreNothing
	if part == restoreVolumes {
		if err := m.restoresVolumes(s, c, &k); err != nil {
			return err
		}
	} else if m.restoresApplication(site, c) {
		k.objects = true
	}
	site.memory = m.memories.put(k)
	return nil
}

func (m *model) restoresVolumes(s *state, c int, k *memory) error {
	if k.found == 0 {
		k.found = m.finds(s, c)
	}
	found := m.founds.get(k.found)
	if found == nil {
		return nil
	}
	if err := m.checkRestore(s, c, found); err != nil {
		return err
	}
	for i := range found.Content.Volumes {
		for v := range m.scenario.volumes {
			if claimKey(v).Name == found.Content.Volumes[i].PVC.Name && s.sites[c].claims[v] == claimAbsent {
				s.sites[c].claims[v] = claimOwned
			}
		}
	}
	k.volumes = true
	return nil
}

// restoresApplication creates the application's objects, or brings those that are there to the captured state if they are
// the application's own. It tells whether that succeeded.
func (m *model) restoresApplication(site *siteState, c int) bool {
	own := site.restored || slices.Contains(m.checkpoints.get(site.checkpoint).Objects, applicationUID(c))
	switch {
	case site.pods == podsAbsent:
		site.restored = true
	case site.pods != podsRunning && !own:
		return false
	}
	site.pods = podsRunning
	return true
}

// lists ends the listing of the application's objects.
func (m *model) lists(s *state, c int) {
	if k, ok := m.busy(s, c); ok && k.listing {
		k.listing, k.listed = false, true
		s.sites[c].memory = m.memories.put(k)
	}
}

// seals ends the taking of a capture. Where none may be half there, it is put into the stores at once.
func (m *model) seals(s *state, c int) error {
	k, ok := m.busy(s, c)
	if !ok || !k.capturing {
		return nil
	}
	m.seal(s, c)
	if m.scenario.halfCaptures {
		return nil
	}
	for p := range m.profiles() {
		if err := m.uploads(s, c, p); err != nil {
			return err
		}
	}
	return nil
}

func (m *model) clears(s *state, c int) {
	if k, ok := m.busy(s, c); ok && k.clearing {
		m.clear(s, c)
	}
}

// podsEnd is the end of the last pod of a workload that was scaled to zero.
func podsEnd(s *state, c int) {
	if site := &s.sites[c]; site.pods == podsStopping {
		site.pods = podsStopped
	}
}

// writes has the application write a record, to all its volumes.
func (m *model) writes(s *state, c int) {
	if s.left.writes == 0 || !m.canWrite(s, c) {
		return
	}
	s.left.writes--
	s.clock++
	for v := range m.scenario.volumes {
		array := m.arrays.get(s.volumes[v])
		array[c].data = array[c].data.add(s.clock)
		s.volumes[v] = m.arrays.put(array)
	}
}

// canWrite tells whether the application runs on a cluster and its volumes let it write.
func (m *model) canWrite(s *state, c int) bool {
	site := &s.sites[c]
	if site.dead || site.pods != podsRunning && site.pods != podsStopping {
		return false
	}
	for v := range m.scenario.volumes {
		if array := m.arrays.get(s.volumes[v]); site.claims[v] == claimAbsent || !array[c].writable() {
			return false
		}
	}
	return true
}
