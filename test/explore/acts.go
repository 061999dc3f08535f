// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"slices"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// acts carries out the next step of an agent's plan.
func (m *model) acts(s *state, c int) error {
	site := &s.sites[c]
	plan := m.agentPlans.get(site.plan)
	step := plan[0]
	site.plan = m.putAgentPlan(plan[1:])
	switch step.op {
	case opSave:
		if err := m.checkCheckpoint(s, c, m.checkpoints.get(site.checkpoint), m.checkpoints.get(step.saved)); err != nil {
			return err
		}
		site.checkpoint = step.saved
	case opQuiesce:
		m.quiesce(site)
	case opClaim:
		site.claims[step.volume] = claimOwned
	case opPromote:
		if err := m.checkPromote(s, c); err != nil {
			return err
		}
		site.vrs[step.volume] = m.wished(wish{site.vrs[step.volume], step.volume, opPromote, 0})
	case opDemote, opRefresh:
		site.vrs[step.volume] = m.wished(wish{site.vrs[step.volume], step.volume, step.op, step.how})
	case opEnd:
		site.vrs[step.volume] = m.wished(wish{site.vrs[step.volume], step.volume, opRelease, 0})
	case opRelease:
		m.release(site, step.volume)
	case opResume:
		if site.pods == podsStopped || site.pods == podsStopping {
			site.pods = podsRunning
		}
	case opForget:
		site.checkpoint = 0
	case opLeave:
		m.leave(s, c)
	}
	return nil
}

// quiesce scales the workload to zero. What it finds is decided upon at once if it is news; the rest of the plan is then
// given up.
func (m *model) quiesce(site *siteState) {
	if site.pods == podsRunning {
		site.pods = podsStopping
	}
	k := m.memories.get(site.memory)
	if done := site.pods != podsStopping; done != k.stopped {
		k.stopped = done
		site.memory, site.plan = m.memories.put(k), 0
	}
}

func (m *model) release(site *siteState, v int) {
	if site.vrs[v] == 0 {
		site.claims[v] = claimPlain
		return
	}
	site.vrs[v] = m.wished(wish{site.vrs[v], v, opRelease, 0})
}

// leave takes the agent's finalizer off the group on the hub, if the hub answers and has what the agent has seen.
func (m *model) leave(s *state, c int) {
	site := &s.sites[c]
	if !s.reachable(c) || s.hub.groups[c] == 0 || m.seenBy(s.hub.groups[c]) != site.watched {
		return
	}
	group := m.groups.get(s.hub.groups[c]).DeepCopy()
	group.Finalizers = slices.DeleteFunc(group.Finalizers, func(f string) bool { return f == v1alpha1.AgentFinalizer })
	s.hub.groups[c] = m.putGroup(group)
	if group.DeletionTimestamp != nil && len(group.Finalizers) == 0 {
		s.hub.groups[c] = 0
	}
	site.wanted, site.base, site.memory = 0, 0, 0
}

// seenBy is a group as an agent looks at it: what it reported itself means nothing to it.
func (m *model) seenBy(group ref) ref {
	if group == 0 {
		return 0
	}
	return m.memoSeen.of(group, func() ref {
		g := m.groups.get(group).DeepCopy()
		g.Status = v1alpha1.VolumeReplicationGroupStatus{}
		return m.putGroup(g)
	})
}

func (m *model) statusOf(group ref) ref {
	if group == 0 {
		return 0
	}
	return m.memoStatus.of(group, func() ref { return m.putStatus(m.groups.get(group).Status) })
}

// watches has an agent see its group as the hub has it now.
func (m *model) watches(s *state, c int) {
	site := &s.sites[c]
	if !s.reachable(c) {
		return
	}
	site.watched = m.seenBy(s.hub.groups[c])
	if !site.ahead {
		site.base = m.statusOf(s.hub.groups[c])
	}
}

// sent is what becomes of a group when a report arrives.
type sent struct{ group, status ref }

// arrives is the group after a report that was made as the difference between two statuses.
func (m *model) arrives(group, base, wanted ref) sent {
	return m.memoSent.of([3]ref{group, base, wanted}, func() sent {
		patch, err := status.MergePatch(m.statuses.get(base), m.statuses.get(wanted))
		if err != nil {
			panic(err)
		}
		g := m.groups.get(group).DeepCopy()
		g.Status = patched(g.Status, patch)
		r := m.putGroup(g)
		return sent{r, m.statusOf(r)}
	})
}

func patched(before v1alpha1.VolumeReplicationGroupStatus, patch []byte) v1alpha1.VolumeReplicationGroupStatus {
	type object struct {
		Status v1alpha1.VolumeReplicationGroupStatus `json:"status"`
	}
	data, err := json.Marshal(object{before})
	if err != nil {
		panic(err)
	}
	if data, err = jsonpatch.MergePatch(data, patch); err != nil {
		panic(err)
	}
	var after object
	if err := json.Unmarshal(data, &after); err != nil {
		panic(err)
	}
	return after.Status
}

// reports has an agent tell the hub what it found.
func (m *model) reports(s *state, c int) {
	site := &s.sites[c]
	if !s.reachable(c) || site.wanted == 0 || site.wanted == site.base || s.hub.groups[c] == 0 {
		return
	}
	result := m.arrives(s.hub.groups[c], site.base, site.wanted)
	s.hub.groups[c] = result.group
	if !site.ahead {
		site.base = result.status
	}
}

// delays leaves a report under way while its sender gives it up.
func (m *model) delays(s *state, c int) {
	site := &s.sites[c]
	if !s.reachable(c) || site.late != 0 || site.wanted == 0 || site.wanted == site.base || s.hub.groups[c] == 0 {
		return
	}
	pair := []ref{site.base, site.wanted}
	site.late = m.actionSets.put("late"+encode(pair), pair)
}

// arrivesLate is a report that arrives when its sender no longer counts on it.
func (m *model) arrivesLate(s *state, c int, again bool) {
	site := &s.sites[c]
	if site.late == 0 {
		return
	}
	pair := m.actionSets.get(site.late)
	if s.hub.groups[c] != 0 {
		s.hub.groups[c] = m.arrives(s.hub.groups[c], pair[0], pair[1]).group
	}
	if !again {
		site.late = 0
	}
}

func isPrimary(c *checkpoint.Checkpoint) bool {
	return c.Current().State == v1alpha1.Primary
}
