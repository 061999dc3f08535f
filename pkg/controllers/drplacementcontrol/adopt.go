// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// agentsAreAhead tells whether a group speaks of a later epoch than the placement: the hub was restored from an older
// state, or the placement was created anew where groups or agents remember an earlier one.
func (d *decider) agentsAreAhead() bool {
	return d.highestEpoch() > d.status.Epoch
}

// primaryUnknown tells whether an earlier decision left it to a person to say which cluster shall be primary.
func (d *decider) primaryUnknown() bool {
	return d.status.Epoch > 0 && d.status.PrimaryCluster == "" && !action.Running(d.placement())
}

func (d *decider) highestEpoch() int64 { return action.HighestEpoch(d.placement(), d.ownGroups()) }

// adopt takes over what the agents prove: the highest epoch and the one cluster that is primary in it. Where they do
// not prove it, a person decides by requesting an action; nothing is commanded until then.
func (d *decider) adopt() {
	epoch := d.highestEpoch()
	confirmed := epoch
	if promoted := d.promotedUnbeknown(); promoted != nil {
		confirmed = promoted.Status.Epoch
		// Both were in the epoch of a relocate, so that it says of neither what it is to be.
		epoch = max(epoch, d.record().Spec.Epoch+1)
	}
	var primaries []string
	for cluster, group := range d.ownGroups() {
		if group.Status.Epoch == confirmed && group.Status.State == v1alpha1.PrimaryState {
			primaries = append(primaries, cluster)
		}
	}
	slices.Sort(primaries)
	if action.Running(d.placement()) {
		action.End(d.record(), v1alpha1.ReasonFailed, fmt.Sprintf(
			"By what an agent reports, something happened in epoch %d that the hub does not remember: it was restored from an older state.", confirmed), d.now)
	}
	if len(primaries) != 1 {
		d.status.Phase = v1alpha1.PhaseWaitForUser
		// Any cluster may be chosen now.
		d.status.PrimaryCluster = ""
		d.refuse(v1alpha1.ReasonEpochConflict, fmt.Sprintf("By what an agent reports, something happened in epoch %d that the hub does "+
			"not remember, which knows epoch %d, and %s primary. Look at the clusters and request a failover to the one that shall run "+
			"the application.", confirmed, d.status.Epoch, whoIs(primaries)))
		return
	}
	if d.status.PrimaryCluster != primaries[0] {
		d.status.PrimaryCluster = primaries[0]
		d.status.LastGroupSyncTime, d.status.LastKubeObjectProtectionTime = nil, nil
	}
	d.status.Epoch = epoch
	d.out.AddFinalizer = !slices.Contains(d.facts.Placement.Finalizers, Finalizer)
	d.status.Phase = ""
	d.settlePhase()
	d.commandGroups()
}

func whoIs(primaries []string) string {
	if len(primaries) == 0 {
		return "no cluster confirms that it is"
	}
	return strings.Join(primaries, " and ") + " confirm that they are"
}
