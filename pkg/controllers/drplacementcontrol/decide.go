// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Finalizer keeps a DRPlacementControl until protection has been taken off every cluster, secondary first.
const Finalizer = "dr.ramen.io/drplacementcontrol"

// Cluster is what is known of a DRCluster.
type Cluster struct {
	action.ClusterFacts
	// Deleting is true once somebody gave the cluster up.
	Deleting bool
	// Unprepared is what the cluster's storage has yet to do before an application is failed over to it; empty if nothing.
	Unprepared string
	// S3Profile is the object store applications on it are recovered from.
	S3Profile string
}

// usable tells whether the cluster's agent can be expected to act, sooner or later.
func (c Cluster) usable() bool { return c.Exists && !c.Deleting }

// Facts is everything a decision rests on.
type Facts struct {
	// Now is the time of the decision.
	Now time.Time
	// Written is when the placement's status was last written from here; zero if it was not yet.
	Written time.Time
	// Placement is the DRPlacementControl.
	Placement *v1alpha1.DRPlacementControl
	// Policy is its DRPolicy; nil if there is none of that name.
	Policy *v1alpha1.DRPolicy
	// Clusters by name.
	Clusters map[string]Cluster
	// Groups are the VolumeReplicationGroups by cluster, also those that have the right name but are not ours.
	Groups map[string]*v1alpha1.VolumeReplicationGroup
	// Session names this run of the controllers. Reports made before it may have come back with a backup.
	Session string
}

// Decision is what shall be. Act carries it out from top to bottom.
type Decision struct {
	// RestsOnFenceOf is a cluster that has to be fenced when Status is written, or nothing of the decision holds; empty if
	// the decision rests on no fence.
	RestsOnFenceOf string
	// AddFinalizer is true if the placement needs its finalizer before anything else happens.
	AddFinalizer bool
	// Status is the placement's status. Where it differs from what is stored, it is written before any group is.
	Status v1alpha1.DRPlacementControlStatus
	// StatusChanged is true if it differs.
	StatusChanged bool
	// Create, Update and Delete are VolumeReplicationGroups, in the order in which they are to be written.
	Create, Update, Delete []*v1alpha1.VolumeReplicationGroup
	// Release are VolumeReplicationGroups whose agent is gone for good: their finalizer is taken off.
	Release []*v1alpha1.VolumeReplicationGroup
	// RemoveFinalizer is true once nothing is left to take off.
	RemoveFinalizer bool
	// RequeueAfter is when to decide again even if nothing happens; zero means not.
	RequeueAfter time.Duration
}

// Decide is what follows from the facts. It reads no clock and does no I/O: the same facts give the same decision.
func Decide(f Facts) Decision {
	d := newDecider(f)
	switch {
	case f.Placement.DeletionTimestamp != nil:
		d.takeOff()
	case d.agentsAreAhead(), d.primaryUnknown(), d.promotedUnbeknown() != nil, d.refused():
		d.adopt()
	case d.status.Epoch == 0:
		d.place()
	default:
		d.keep()
	}
	d.report()
	return d.decision()
}

// keep is every decision between first placement and deletion.
func (d *decider) keep() {
	d.releaseGivenUp()
	if action.Running(d.placement()) {
		d.advance()
	}
	d.settlePhase()
	d.commandGroups()
}

// advance takes the action under way as far as the facts allow.
func (d *decider) advance() {
	switch {
	case d.record().Status.Abort != nil:
		d.takeBack()
		return
	case action.PastPointOfNoReturn(d.record()):
	case d.record().Spec.Type == v1alpha1.ActionRelocate:
		d.handOver()
	case d.preparing() != nil:
		d.prepareStorage()
	default:
		d.stopSource()
	}
	if action.PastPointOfNoReturn(d.record()) {
		d.promote()
	}
}

// settlePhase gives the phase of a placement that has nothing under way.
func (d *decider) settlePhase() {
	if action.Running(d.placement()) {
		return
	}
	record := d.record()
	switch {
	case d.status.Phase == v1alpha1.PhaseDeploying:
		if confirmed, _, _ := d.confirmsAvailable(); confirmed {
			d.status.Phase = v1alpha1.PhaseDeployed
		}
	case record != nil && record.Spec.Epoch == d.status.Epoch && record.Spec.Type == v1alpha1.ActionRelocate:
		d.status.Phase = v1alpha1.PhaseRelocated
	case record != nil && record.Spec.Epoch == d.status.Epoch:
		d.status.Phase = v1alpha1.PhaseFailedOver
	case d.status.PrimaryCluster == d.facts.Placement.Spec.PreferredCluster:
		d.status.Phase = v1alpha1.PhaseDeployed
	default:
		d.status.Phase = v1alpha1.PhaseFailedOver
	}
}

// decider holds the facts and what has been decided so far.
type decider struct {
	facts  Facts
	now    metav1.MicroTime
	work   *v1alpha1.DRPlacementControl
	status *v1alpha1.DRPlacementControlStatus
	out    Decision
}

func newDecider(f Facts) *decider {
	work := f.Placement.DeepCopy()
	for i := range work.Status.Clusters {
		// Freshness is computed when read and never stored.
		work.Status.Clusters[i].Freshness = ""
	}
	f.Placement = work.DeepCopy()
	return &decider{facts: f, now: metav1.NewMicroTime(f.Now.Truncate(time.Microsecond)), work: work, status: &work.Status}
}

// placement is the placement with the status decided so far.
func (d *decider) placement() *v1alpha1.DRPlacementControl { return d.work }

func (d *decider) record() *v1alpha1.ActionRecord { return d.status.CurrentAction }

func (d *decider) decision() Decision {
	d.status.ObservedGeneration = d.facts.Placement.Generation
	d.deferWords()
	d.out.Status = *d.status
	d.out.StatusChanged = !equality.Semantic.DeepEqual(d.facts.Placement.Status, d.out.Status)
	return d.out
}
