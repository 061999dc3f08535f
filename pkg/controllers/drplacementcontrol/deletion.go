// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// takeOff takes protection off every cluster, secondary first, so that at no time a copy is left without its primary's
// group. Workload and volumes stay. An action under way ends first: taking protection off between two clusters would
// leave the application stopped.
func (d *decider) takeOff() {
	if action.Running(d.placement()) {
		if !d.agentsAreAhead() && d.promotedUnbeknown() == nil && d.facts.Clusters[d.record().Spec.TargetCluster].usable() {
			d.keep()
			return
		}
		action.End(d.record(), v1alpha1.ReasonFailed,
			"The DRPlacementControl was deleted, and the action could not end before.", d.now)
	}
	d.status.Phase = v1alpha1.PhaseDeleting
	for _, cluster := range d.secondariesFirst() {
		group := d.facts.Groups[cluster]
		if group.DeletionTimestamp == nil {
			d.out.Delete = append(d.out.Delete, group)
		}
		d.release(cluster)
	}
	d.out.RemoveFinalizer = len(d.ownGroups()) == 0 && slices.Contains(d.facts.Placement.Finalizers, Finalizer)
}

// secondariesFirst lists the clusters whose groups are to go now: the secondaries', and the primary's once none is left.
func (d *decider) secondariesFirst() []string {
	clusters := slices.Sorted(maps.Keys(d.ownGroups()))
	secondaries := slices.DeleteFunc(slices.Clone(clusters), func(c string) bool { return c == d.status.PrimaryCluster })
	if len(secondaries) > 0 {
		return secondaries
	}
	return clusters
}

// reportTakingOff says in the conditions what taking protection off waits for.
func (d *decider) reportTakingOff() {
	message := "Protection is taken off; the application and its volumes stay."
	for _, cluster := range d.secondariesFirst() {
		known := d.facts.Clusters[cluster]
		if known.usable() && !known.Connected {
			message = fmt.Sprintf("Waits for cluster %s to take protection off: %s. Bring its agent back or, if it is lost for good, "+
				"take the finalizer %s off VolumeReplicationGroup %s.", cluster, action.NotConnected(cluster, known.ClusterFacts),
				v1alpha1.AgentFinalizer, GroupName(d.facts.Placement.Name, cluster))
			break
		}
		message = fmt.Sprintf("Waits for cluster %s to take protection off; the application and its volumes stay.", cluster)
	}
	d.condition(v1alpha1.ConditionAvailable, metav1.ConditionUnknown, "Deleting", message)
	d.condition(v1alpha1.ConditionPeerReady, metav1.ConditionFalse, "Deleting", message)
	d.condition(v1alpha1.ConditionProtected, metav1.ConditionFalse, "Deleting", message)
}
