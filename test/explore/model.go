// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/agent"
	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/controllers/draction"
	"github.com/ramendr/dr-apiserver/pkg/controllers/drplacementcontrol"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

// deciders are the product's decisions. A mutant replaces some.
type deciders struct {
	preflight func(action.Facts, action.Request) v1alpha1.ActionRecord
	abort     func(*v1alpha1.DRPlacementControl, ...v1alpha1.Acknowledgement) error
	hub       func(drplacementcontrol.Facts) drplacementcontrol.Decision
	record    func(draction.Facts) draction.Decision
	agent     func(*agent.Facts) agent.Decision
	// newest is the capture that a failover restores.
	newest func(stores buckets, profiles []string, group archive.Group, accept func(archive.Ref) bool) (*archive.Found, error)
	// anyCapture has a relocate's target restore the newest capture, whatever the token says.
	anyCapture bool
	// groupsFirst has the hub write groups before the status that they follow from.
	groupsFirst bool
	// deafToRestores has agents take what a hub restored from a backup gives for older than what they know.
	deafToRestores bool
}

func theProducts() deciders {
	return deciders{
		preflight: action.Preflight,
		abort: func(p *v1alpha1.DRPlacementControl, acks ...v1alpha1.Acknowledgement) error {
			return action.Abort(p, "somebody", "", began, acks...)
		},
		hub:    drplacementcontrol.Decide,
		record: draction.Decide,
		agent:  agent.Decide,
		newest: newest,
	}
}

// model is the world that a scenario plays in: the values that its states are made of, and what was computed of them.
type model struct {
	scenario scenario
	deciders
	policy *v1alpha1.DRPolicy
	// within is what happens within clusters, fair the order in which everything has its turn when nothing fails.
	within, fair []event

	placements  table[*v1alpha1.DRPlacementControl]
	groups      table[*v1alpha1.VolumeReplicationGroup]
	actions     table[*v1alpha1.DRAction]
	actionSets  table[[]ref]
	statuses    table[v1alpha1.VolumeReplicationGroupStatus]
	checkpoints table[*checkpoint.Checkpoint]
	vrs         table[*csiaddons.VolumeReplication]
	contents    table[map[string][]byte]
	captures    table[*taken]
	founds      table[*archive.Found]
	hubPlans    table[hubPlan]
	agentPlans  table[[]agentStep]
	memories    values[memory]
	arrays      values[volume]
	ghosts      values[ghost]
	backups     values[saved]

	memoState   memo[ref, *replication.State]
	memoWish    memo[wish, ref]
	memoCSI     memo[csiKey, csiTurn]
	memoSeal    memo[sealKey, ref]
	memoPut     memo[putKey, putResult]
	memoFind    memo[findKey, ref]
	memoHub     memo[hubKey, ref]
	memoRecord  memo[recordKey, ref]
	memoAgent   memo[agentKey, look]
	memoSent    memo[[3]ref, sent]
	memoSeen    memo[ref, ref]
	memoVerb    memo[verbKey, ref]
	memoStatus  memo[ref, ref]
	memoRefused memo[verbKey, string]
}

func newModel(sc scenario, d deciders) *model {
	policy := builder.DRPolicy(builder.PolicyName).Obj()
	policy.Status.Async = nil
	m := &model{scenario: sc, deciders: d, policy: policy, memoState: memo[ref, *replication.State]{},
		memoWish: memo[wish, ref]{}, memoCSI: memo[csiKey, csiTurn]{}, memoSeal: memo[sealKey, ref]{}, memoPut: memo[putKey, putResult]{},
		memoSent: memo[[3]ref, sent]{}, memoSeen: memo[ref, ref]{}, memoStatus: memo[ref, ref]{}}
	m.within, m.fair = m.withinClusters(), m.calm()
	m.decideWith(d)
	return m
}

// decideWith has everything decided from now on by others, and forgets what was decided before.
func (m *model) decideWith(d deciders) {
	m.deciders = d
	m.memoHub, m.memoRecord, m.memoAgent = memo[hubKey, ref]{}, memo[recordKey, ref]{}, memo[agentKey, look]{}
	m.memoVerb, m.memoFind, m.memoRefused = memo[verbKey, ref]{}, memo[findKey, ref]{}, memo[verbKey, string]{}
}

// application is the placement as somebody creates it.
func application() *v1alpha1.DRPlacementControl {
	p := builder.DRPC("shop", "shop").Obj()
	p.UID = types.UID("shop")
	return p
}

func groupUID(c int) types.UID { return types.UID("group-" + names[c]) }

func deleted() *metav1.Time { return &metav1.Time{Time: began} }

// The hub's decision, as a function.
type (
	hubFacts    = drplacementcontrol.Facts
	hubDecision = drplacementcontrol.Decision
)
