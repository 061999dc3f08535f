// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

// scenario is what may happen, and how often.
type scenario struct {
	name, story string
	volumes     int
	verbs       []verb
	faults      []kind
	// twoStores has an object store at each cluster rather than one that is at neither.
	twoStores bool
	// hubLags lets the hub's controllers act on what their caches had before, gaps lets anything come between a decision
	// and its first write, leases lets the hub be late to know that an agent is back, records lets it be late with them.
	hubLags, gaps, leases, records bool
	// halfCaptures lets captures be half there; refresh lets agents have the storage looked at.
	halfCaptures, refresh bool
	// swift has what happens within a cluster happen at once, so that there can be more of all else.
	swift bool
	// betweenActions has the hub backed up only while no action runs.
	betweenActions bool
	// bounds are how much of everything there may be, by the name of the bound.
	bounds map[string]budget
}

func failover(target int, ack bool) verb { return verb{"failover", target, ack} }
func relocate(target int) verb           { return verb{"relocate", target, false} }

var (
	abort  = verb{kind: "abort"}
	giveUp = verb{kind: "abort", ack: true}
	remove = verb{kind: "delete"}
)

var scenarios = []scenario{
	{
		name: "failover", story: "a failover, its abort and a second one back, while agents, the hub and clusters die", volumes: 1,
		verbs:  []verb{failover(1, false), failover(1, true), failover(0, true), abort},
		faults: []kind{hubDies, agentDies, agentCut, clusterDies},
		bounds: map[string]budget{
			"small": {verbs: 1},
			"ci":    {verbs: 1, faults: 1},
			"large": {verbs: 2, faults: 1, crashes: 1, writes: 1},
		},
	},
	{
		name: "relocate", story: "a relocate, its abort and a failover instead, while agents, the hub and clusters die", volumes: 1,
		verbs:  []verb{relocate(1), failover(1, true), failover(0, true), abort},
		faults: []kind{hubDies, agentDies, clusterDies},
		bounds: map[string]budget{
			"small": {verbs: 1, writes: 1},
			"ci":    {verbs: 1, crashes: 1},
			"large": {verbs: 2, faults: 1, crashes: 1, writes: 1},
		},
	},
	{
		name: "backup", story: "the hub is backed up between actions and restored at any later moment", volumes: 1, betweenActions: true,
		verbs:  []verb{failover(1, true), relocate(1), relocate(0), failover(0, true), abort},
		faults: []kind{hubSaved, hubRestored, agentCut, agentDies},
		bounds: map[string]budget{
			"small": {verbs: 1, backups: 2},
			"ci":    {verbs: 1, backups: 2},
			"large": {verbs: 2, faults: 1, backups: 2, writes: 1},
		},
	},
	{
		name: "rewind", story: "the hub is backed up at any moment, also during an action, and restored at any later one, while a cluster cannot reach it", volumes: 1, swift: true,
		verbs:  []verb{failover(1, false), failover(1, true), relocate(1), failover(0, true), relocate(0), abort, giveUp},
		faults: []kind{hubSaved, hubRestored, hubDies, agentCut},
		bounds: map[string]budget{
			"small": {verbs: 1, backups: 2},
			"ci":    {verbs: 2, backups: 2},
			"large": {verbs: 3, faults: 1, crashes: 1, backups: 3, writes: 1},
		},
	},
	{
		name: "returns", story: "the application goes to and fro while clusters are lost and return, agents among them that have missed a change", volumes: 1, swift: true,
		verbs:  []verb{failover(1, true), failover(0, true), relocate(1), relocate(0), abort, giveUp},
		faults: []kind{clusterDies, agentCut, hubDies},
		bounds: map[string]budget{
			"small": {verbs: 3},
			"ci":    {verbs: 3, faults: 1},
			"large": {verbs: 4, faults: 2, crashes: 1, writes: 2},
		},
	},
	{
		name: "network", story: "reports are late, come twice or never, leases run out, caches lag", volumes: 1, hubLags: true, leases: true,
		verbs:  []verb{failover(1, true), relocate(1), abort},
		faults: []kind{agentCut, reportDelayed, reportTwice},
		bounds: map[string]budget{
			"small": {verbs: 1},
			"ci":    {verbs: 1, faults: 1},
			"large": {verbs: 2, faults: 2, writes: 1},
		},
	},
	{
		name: "captures", story: "object stores die, captures are half there, agents die while they put them", volumes: 1, twoStores: true, halfCaptures: true,
		verbs:  []verb{failover(1, true), relocate(1), failover(0, true)},
		faults: []kind{storeDies, agentDies, clusterDies},
		bounds: map[string]budget{
			"small": {verbs: 1},
			"ci":    {verbs: 1, crashes: 1},
			"large": {verbs: 2, faults: 1, crashes: 1},
		},
	},
	{
		name: "volumes", story: "an application with two volumes, of which one may be a step ahead", volumes: 2,
		verbs:  []verb{failover(1, true), relocate(1), abort},
		faults: []kind{agentDies, storageBreaks},
		bounds: map[string]budget{
			"small": {verbs: 1},
			"ci":    {verbs: 1, faults: 1},
			"large": {verbs: 2, faults: 1, crashes: 1, writes: 1},
		},
	},
	{
		name: "storage", story: "the arrays lose each other, decisions and writes are apart, agents have the storage looked at", volumes: 1, gaps: true, refresh: true,
		verbs:  []verb{failover(1, true), relocate(1), abort},
		faults: []kind{storageBreaks},
		bounds: map[string]budget{
			"small": {verbs: 1},
			"ci":    {verbs: 1},
			"large": {verbs: 2, faults: 1, writes: 2},
		},
	},
	{
		name: "deletion", story: "the placement is deleted at any moment, also during an action", volumes: 1, records: true,
		verbs:  []verb{remove, failover(1, true), relocate(1)},
		faults: []kind{agentDies, hubDies, agentCut},
		bounds: map[string]budget{
			"small": {verbs: 1},
			"ci":    {verbs: 1, crashes: 1},
			"large": {verbs: 2, faults: 1, crashes: 1, writes: 1},
		},
	},
}

// begin is the state in which a scenario begins: the application runs on dr1, protected, and dr2 is its standby.
// It comes about by the product's own decisions, whosever are explored.
func (m *model) begin(bound budget) state {
	explored := m.deciders
	m.decideWith(theProducts())
	defer m.decideWith(explored)
	s := state{}
	s.hub.placement = m.putPlacement(application())
	s.hub.connected, s.hub.session = [clusters]bool{true, true}, 1
	for c := range s.sites {
		s.sites[c].up = true
	}
	s.sites[0].pods = podsRunning
	for v := range m.scenario.volumes {
		s.sites[0].claims[v] = claimPlain
		s.volumes[v] = m.arrays.put(volume{{role: arrayStandalone}, {}})
	}
	if err := m.normalize(&s, recordKey{}); err != nil {
		panic(err)
	}
	settled, _, err := m.settle(s)
	if err != nil {
		panic(err)
	}
	if err := m.checkEnd(&settled); err != nil {
		panic(err)
	}
	settled.left = bound
	return settled
}
