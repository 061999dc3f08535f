// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func (q question) findTargetKnown() (bool, string) {
	policy := q.Placement.Spec.DRPolicyRef.Name
	switch {
	case q.Policy == nil:
		return false, fmt.Sprintf("DRPolicy %s does not exist, so its clusters are not known; create it again", policy)
	case q.target == "":
		return false, fmt.Sprintf("no target: DRPolicy %s has no other cluster than %s; set spec.targetCluster", policy, q.source)
	case !slices.Contains(q.policyClusters(), q.target):
		return false, fmt.Sprintf("%s is not a cluster of DRPolicy %s; choose one of %s",
			q.target, policy, strings.Join(q.policyClusters(), ", "))
	case !q.Clusters[q.target].Exists:
		return false, fmt.Sprintf("DRPolicy %s names %s, but there is no DRCluster %s; create it", policy, q.target, q.target)
	}
	return true, fmt.Sprintf("%s is a cluster of DRPolicy %s", q.target, policy)
}

func (q question) findTargetNotCurrent() (bool, string) {
	if q.target != "" && q.target == q.source {
		return false, fmt.Sprintf("the application already runs on %s; set spec.targetCluster to another cluster", q.target)
	}
	return true, fmt.Sprintf("the application runs on %s", orUnknown(q.source))
}

func (q question) findTargetConnected() (bool, string) {
	if !q.Clusters[q.target].Connected {
		return false, NotConnected(q.target, q.Clusters[q.target]) + "; bring its agent back or choose another target"
	}
	return true, fmt.Sprintf("the agent of %s is connected", q.target)
}

// peerReadyCheck can be forced on the way back to a cluster that stood down: what its copy waits to be resynced from is lost,
// and will not come. So it can where nobody knows which cluster is primary.
func (q question) peerReadyCheck() check {
	c := check{CheckPeerReady, "", question.findPeerReady}
	if (q.wayBack() || q.personDecides()) && q.targetIsSecondary() {
		c.overriddenBy = overriddenByForce
	}
	return c
}

// wayBack tells whether the request takes the application back to the cluster that stood down last, from one that was lost
// before anything was synced from it. What the cluster that stood down holds is all there is.
func (q question) wayBack() bool {
	return q.Type == v1alpha1.ActionFailover && q.current != nil && PastPointOfNoReturn(q.current) &&
		q.current.Spec.Epoch == q.Placement.Status.Epoch &&
		q.target == q.current.Spec.SourceCluster && q.source == q.current.Spec.TargetCluster &&
		!q.Clusters[q.source].Connected && q.sourceSynced() == nil
}

// targetIsSecondary tells whether the target confirms that it is secondary. A higher epoch than the hub knows counts as
// well: the hub was restored from an older state. Where nobody knows which cluster is primary, any does.
func (q question) targetIsSecondary() bool {
	group := q.targetGroup
	return group != nil && group.Status.ObservedGeneration == group.Generation &&
		(group.Status.Epoch >= q.Placement.Status.Epoch || q.personDecides()) && group.Status.State == v1alpha1.SecondaryState
}

func (q question) findPeerReady() (bool, string) {
	group := q.targetGroup
	if group == nil {
		return false, fmt.Sprintf("%s holds no copy: there is no VolumeReplicationGroup for it yet", q.target)
	}
	if !q.targetIsSecondary() {
		if awaitsReport(group, q.Placement.Status.Epoch) {
			return false, reportAwaited(q.target, group)
		}
		return false, fmt.Sprintf("%s has not confirmed that it is secondary in epoch %d (it reports %s in epoch %d); "+
			"VolumeReplicationGroup %s says what it waits for", q.target, q.Placement.Status.Epoch,
			orUnknown(string(group.Status.State)), group.Status.Epoch, group.Name)
	}
	switch ready, why := CopyReady(group); {
	case !ready && q.wayBack():
		return false, fmt.Sprintf("%s stood down for %s and is secondary, but %s, which is lost; set spec.force to go back to what %s "+
			"holds", q.target, q.current.Name, why, q.target)
	case !ready:
		return false, fmt.Sprintf("%s is secondary, but %s; wait until PeerReady is True", q.target, why) + q.orLeaveBehind(group, notProtected)
	}
	return true, fmt.Sprintf("%s confirmed that it is secondary in epoch %d", q.target, group.Status.Epoch)
}
