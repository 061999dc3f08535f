// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// A hub restored from a backup remembers reports that may no longer be true, and nothing that it has stored tells so. It
// was started, though, as any hub is that may have been restored. So before a cluster is told to become primary, the
// others' agents must have reported to this run of the controllers: each repeats the session that it is given.

// heir is the cluster that becomes primary by the action of the current epoch and has not been told so yet; empty if there
// is none.
func (d *decider) heir() string {
	record := d.record()
	if record == nil || action.FinalEpoch(record) != d.status.Epoch || d.status.PrimaryCluster == "" {
		return ""
	}
	heir := record.Spec.TargetCluster
	if record.Status.Abort != nil {
		if !d.aborting() {
			return ""
		}
		heir = record.Spec.SourceCluster
	}
	group := d.facts.Groups[heir]
	if group != nil && group.Spec.Epoch == d.status.Epoch && group.Spec.ReplicationState == v1alpha1.Primary {
		return ""
	}
	return heir
}

// answered tells whether a cluster's agent has reported to this run of the controllers. What it has accepted of what the
// hub may have forgotten, it has told then, and it will accept no more of it.
func (d *decider) answered(cluster string) bool {
	group := d.facts.Groups[cluster]
	return group != nil && group.Status.Session == d.facts.Session
}

// unanswered is a cluster that has to report before the heir is told; empty if there is none. One that is not connected is
// not waited for, but for an abort: that its target was not promoted nobody else can tell, and somebody has to acknowledge
// that it may have been.
func (d *decider) unanswered() string {
	heir := d.heir()
	if heir == "" {
		return ""
	}
	aborting := d.aborting()
	for _, cluster := range d.clusters() {
		known, group := d.facts.Clusters[cluster], d.facts.Groups[cluster]
		switch {
		case cluster == heir, group == nil, d.foreign(group), !known.usable(), d.answered(cluster):
		case known.Connected:
			return cluster
		case aborting && !slices.Contains(d.record().Spec.Acknowledgements, v1alpha1.AckTargetMayStillWrite):
			return cluster
		}
	}
	return ""
}

// waitsForAnswer says that a cluster has to report first, and what to do if it can't.
func (d *decider) waitsForAnswer(cluster string) string {
	message := fmt.Sprintf("Waits: the hub was started since %s reported last, and may have been restored from an older state; "+
		"%s is to report anew.", cluster, cluster)
	known := d.facts.Clusters[cluster]
	if known.Connected {
		return message
	}
	return fmt.Sprintf("%s %s. Bring it back, or abort once more with the acknowledgement %s.", message,
		action.NotConnected(cluster, known.ClusterFacts), v1alpha1.AckTargetMayStillWrite)
}

// refused tells whether the cluster that an action has told to become primary answers that it can't in that epoch: it was in
// it before, in another role, and the hub has forgotten.
func (d *decider) refused() bool {
	group := d.ownGroups()[d.status.PrimaryCluster]
	if !action.Running(d.placement()) || group == nil || group.Spec.ReplicationState != v1alpha1.Primary ||
		group.Spec.Epoch != d.status.Epoch || group.Status.ObservedGeneration != group.Generation {
		return false
	}
	ready := meta.FindStatusCondition(group.Status.Conditions, v1alpha1.ConditionDataReady)
	return ready != nil && ready.Status == metav1.ConditionFalse && ready.Reason == v1alpha1.ReasonEpochConflict
}

// promotedUnbeknown is the target of an aborted action, or of a relocate that has not told it anything, if it took part in it,
// which only one does that was told to become primary: the hub was restored from a state before that. It may have gone on to
// the abort's epoch, as primary. A failover that finds its target promoted is at its end; a relocate could never hand over to it.
func (d *decider) promotedUnbeknown() *v1alpha1.VolumeReplicationGroup {
	record := d.record()
	if record == nil {
		return nil
	}
	target := d.ownGroups()[record.Spec.TargetCluster]
	if target == nil || target.Spec.Epoch >= record.Spec.Epoch {
		return nil
	}
	stoodDown := target.Status.State == v1alpha1.SecondaryState
	switch in := target.Status.Epoch; {
	case record.Status.Abort != nil && record.Status.Abort.Epoch == d.status.Epoch:
		if in == record.Spec.Epoch || in == d.status.Epoch && !stoodDown {
			return target
		}
	case record.Spec.Epoch == d.status.Epoch && record.Spec.Type == v1alpha1.ActionRelocate && !action.PastPointOfNoReturn(record):
		if in == d.status.Epoch && !stoodDown {
			return target
		}
	}
	return nil
}
