// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/agent"
	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// memory is what an agent loses when it dies: what it knows of the role it is in, and what it is busy with.
type memory struct {
	epoch  int64
	state  v1alpha1.ReplicationState
	action v1alpha1.VRGAction

	turn, stopped, listing, listed bool
	restoring                      restorePart
	found                          ref
	volumes, objects               bool

	capturing, quiesced bool
	taken               ref
	// put has a bit for each store that has the last capture, failed for each that refused it, begun for each that has
	// its files but not its manifest.
	put, failed, begun uint8

	clearing, cleared bool
}

type restorePart uint8

const (
	restoreNothing restorePart = iota
	restoreVolumes
	restoreObjects
)

// enter forgets what belongs to another role, as the agent's memory does. What was begun for that role ends.
func (k memory) enter(role checkpoint.Role) memory {
	if k.epoch == role.Epoch && k.state == role.State && k.action == role.Action {
		return k
	}
	return memory{
		epoch: role.Epoch, state: role.State, action: role.Action,
		taken: k.taken, put: k.put, failed: k.failed, begun: k.begun, clearing: k.clearing, cleared: k.cleared,
	}
}

// agentStep is one write of an agent, or what it does in one go.
type agentStep struct {
	op     agentOp
	volume int
	how    replication.Demotion
	saved  ref
}

type agentOp uint8

const (
	opSave agentOp = iota
	opQuiesce
	opClaim
	opPromote
	opDemote
	opRefresh
	opRelease
	opEnd
	opResume
	opForget
	opLeave
)

// look is what an agent makes of what it sees.
type look struct {
	memory, wanted, plan ref
	reports              bool
}

type agentKey struct {
	c                           int
	watched, checkpoint, memory ref
	claims                      [maxVolumes]claimState
	vrs                         [maxVolumes]ref
	clock                       uint8
}

// looks has an agent look at its group: observe, decide, remember, and plan what to write.
func (m *model) looks(s *state, c int) {
	site := &s.sites[c]
	if !site.up || site.dead || site.plan != 0 {
		return
	}
	if site.watched == 0 && site.checkpoint == 0 {
		site.memory, site.wanted, site.base = 0, 0, 0
		return
	}
	l := m.decideAgent(agentKey{c, site.watched, site.checkpoint, site.memory, site.claims, site.vrs, s.clock})
	site.memory, site.plan = l.memory, l.plan
	if l.reports && site.watched != 0 {
		site.wanted = l.wanted
	}
}

func (m *model) decideAgent(key agentKey) look {
	return m.memoAgent.of(key, func() look {
		k := m.memories.get(key.memory).enter(m.checkpoints.get(key.checkpoint).Current())
		f := m.facts(key, k)
		d := m.agent(f)
		l := look{plan: m.putAgentPlan(m.planAgent(f, &d))}
		if d.Report != nil {
			l.reports = true
			l.wanted = m.putStatus(d.Report.Status(v1alpha1.VolumeReplicationGroupStatus{}, f.Now))
		}
		if d.Save == nil {
			k = k.begin(&d)
		}
		l.memory = m.memories.put(k)
		return l
	})
}

// begin remembers the work that a decision begins: what takes longer than a look.
func (k memory) begin(d *agent.Decision) memory {
	k.turn = k.turn || d.Wait
	if k.restoring == restoreNothing {
		switch {
		case d.RestoreVolumes:
			k.restoring = restoreVolumes
		case d.RestoreObjects:
			k.restoring = restoreObjects
		}
	}
	k.listing = k.listing || d.Remember
	if d.Capture && !k.capturing {
		k.capturing, k.quiesced = true, d.Quiesced
	}
	k.clearing = k.clearing || d.Clear
	return k
}

// facts are what the agent observes.
func (m *model) facts(key agentKey, k memory) *agent.Facts {
	f := &agent.Facts{
		Now: moment(key.clock), Cluster: names[key.c], Key: groupKey(key.c), Group: m.groups.get(key.watched),
		Checkpoint: m.checkpoints.get(key.checkpoint), Turn: k.turn, Cleared: k.cleared,
		Stop: agent.StopFacts{Done: k.stopped, Listed: k.listed},
		Restore: agent.RestoreFacts{
			Running: k.restoring != restoreNothing, Found: m.founds.get(k.found), Volumes: k.volumes, Objects: k.objects,
		},
		Capture:   m.captureFacts(k),
		Refreshed: map[types.NamespacedName]agent.Attempt{},
	}
	if k.listed {
		f.Stop.Remembered = []types.UID{applicationUID(key.c)}
	}
	for v := range m.scenario.volumes {
		if key.claims[v] == claimAbsent {
			continue
		}
		f.Volumes = append(f.Volumes, m.observed(key.c, v, key.claims[v], key.vrs[v]))
		if !m.scenario.refresh {
			// What the storage looks at by itself, it need not be asked for.
			f.Refreshed[claimKey(v)] = agent.Attempt{Count: 1, Last: f.Now.Add(time.Hour)}
		}
	}
	return f
}

func (m *model) captureFacts(k memory) agent.CaptureFacts {
	facts := agent.CaptureFacts{Running: k.capturing}
	if t := m.captures.get(k.taken); t != nil {
		facts.Taken, facts.Objects = t.capture, []types.UID{applicationUID(t.c)}
	}
	for p := range m.profiles() {
		if k.put&(1<<p) != 0 {
			facts.Put = append(facts.Put, profile(p))
		}
		if k.failed&(1<<p) != 0 {
			if facts.Failed == nil {
				facts.Failed = map[string]string{}
			}
			facts.Failed[profile(p)] = "it does not answer"
		}
	}
	return facts
}

// observed is a claim as the agent observes it.
func (m *model) observed(c, v int, claimed claimState, vr ref) agent.Volume {
	out := agent.Volume{Volume: m.claim(v, claimed), Selected: true, Class: "class", State: m.replicationState(vr, v)}
	if out.Method = v1alpha1.MethodVolumeReplication; claimed == claimOwned {
		out.Owner, out.Claimed = groupKey(c).String(), true
		out.PVC.Annotations = map[string]string{mark.Method: string(out.Method)}
	}
	return out
}

func (m *model) claim(v int, _ claimState) replication.Volume {
	key := claimKey(v)
	return replication.Volume{
		PVC: &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: types.UID(key.Name)},
			Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: "pv-" + key.Name},
		},
		PV: &corev1.PersistentVolume{
			ObjectMeta: metav1.ObjectMeta{Name: "pv-" + key.Name},
			Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: corev1.PersistentVolumeSource{
				CSI: &corev1.CSIPersistentVolumeSource{Driver: "model", VolumeHandle: "handle-" + key.Name},
			}},
		},
	}
}

func groupKey(c int) types.NamespacedName {
	return types.NamespacedName{Namespace: "shop", Name: v1alpha1.GroupNameFor("shop", names[c])}
}

func claimKey(v int) types.NamespacedName {
	return types.NamespacedName{Namespace: "shop", Name: fmt.Sprintf("data-%d", v)}
}

func applicationUID(c int) types.UID { return types.UID("application-on-" + names[c]) }

// planAgent puts a decision's writes into the order in which the agent carries them out.
func (m *model) planAgent(f *agent.Facts, d *agent.Decision) []agentStep {
	if d.Save != nil {
		return []agentStep{{op: opSave, saved: m.putCheckpoint(d.Save)}}
	}
	var plan []agentStep
	if d.Quiesce && (!f.Stop.Done || len(d.Demote)+len(d.Promote) > 0 || d.Capture || d.Settle != nil) {
		plan = append(plan, agentStep{op: opQuiesce})
	}
	add := func(op agentOp, volumes []*agent.Volume) {
		for _, v := range volumes {
			plan = append(plan, agentStep{op: op, volume: numberOf(v), how: d.How})
		}
	}
	add(opClaim, d.Claim)
	add(opPromote, d.Promote)
	add(opDemote, d.Demote)
	add(opRefresh, d.Refresh)
	add(opEnd, d.End)
	add(opRelease, d.Release)
	if d.Resume {
		plan = append(plan, agentStep{op: opResume})
	}
	if d.Settle != nil {
		plan = append(plan, agentStep{op: opSave, saved: m.putCheckpoint(d.Settle)})
	}
	if d.Forget {
		plan = append(plan, agentStep{op: opForget}, agentStep{op: opLeave})
	}
	return plan
}

func numberOf(v *agent.Volume) int {
	var n int
	if _, err := fmt.Sscanf(v.PVC.Name, "data-%d", &n); err != nil {
		panic(err)
	}
	return n
}

func (m *model) putAgentPlan(plan []agentStep) ref {
	if len(plan) == 0 {
		return 0
	}
	code := make([]byte, 0, len(plan)*7)
	for _, p := range plan {
		code = append(code, byte(p.op), byte(p.volume), byte(p.how), byte(p.saved), byte(p.saved>>8), byte(p.saved>>16), byte(p.saved>>24))
	}
	return m.agentPlans.put(string(code), plan)
}
