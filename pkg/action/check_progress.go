// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"fmt"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func (q question) findNoActionInProgress() (bool, string) {
	status := q.Placement.Status
	switch {
	case q.Placement.DeletionTimestamp != nil:
		return false, fmt.Sprintf("DRPlacementControl %s is being deleted, so its application can't be moved any more", q.Placement.Name)
	case status.Epoch == 0 || status.Phase == v1alpha1.PhaseDeploying:
		return false, "the first placement has not ended; its conditions Available and Protected say what it waits for"
	case q.agentIsAhead() && q.source != "":
		return false, "an agent reports a later epoch than the hub knows, which was restored from an older state and is finding out " +
			"where the application runs; ask again in a moment"
	case q.current == nil:
		return true, "no action was requested before"
	case Ended(q.current) && q.Name == q.current.Name:
		return false, fmt.Sprintf("the name %s is taken by the %s to %s; choose another or leave it empty",
			q.Name, lower(q.current.Spec.Type), q.current.Spec.TargetCluster)
	case Ended(q.current):
		return true, fmt.Sprintf("the last action, %s, has ended", q.current.Name)
	case q.lostItsTarget():
		return true, fmt.Sprintf("%s cannot end, because %s; it ends as Failed when this failover is accepted", q.current.Name,
			NotConnected(q.current.Spec.TargetCluster, q.Clusters[q.current.Spec.TargetCluster]))
	}
	return false, q.inProgress()
}

// agentIsAhead tells whether an agent has reported an epoch that the hub has forgotten.
func (q question) agentIsAhead() bool {
	for _, group := range q.Groups {
		if group.Labels[v1alpha1.LabelDRPlacementControl] == q.Placement.Name && group.Status.Epoch > q.Placement.Status.Epoch {
			return true
		}
	}
	return false
}

// lostItsTarget tells whether the action under way can be neither finished nor taken back, because its target was lost
// after the point of no return, and the request is the way out of that: a failover that names another cluster.
func (q question) lostItsTarget() bool {
	return q.Type == v1alpha1.ActionFailover && PastPointOfNoReturn(q.current) && q.TargetCluster != "" &&
		q.TargetCluster != q.current.Spec.TargetCluster && !q.Clusters[q.current.Spec.TargetCluster].Connected
}

func (q question) inProgress() string {
	what := fmt.Sprintf("%s to %s (%s) is under way", lower(q.current.Spec.Type), q.current.Spec.TargetCluster, q.current.Name)
	switch {
	case q.current.Status.Abort != nil:
		return what + " and is being aborted; wait until it has ended"
	case PastPointOfNoReturn(q.current):
		return what + " and past its point of no return; wait until it has ended"
	default:
		return what + "; wait until it has ended, or abort it"
	}
}

// personDecides tells whether the hub, restored from an older state, does not know which cluster is primary, and the request
// says which shall be.
func (q question) personDecides() bool {
	return q.Type == v1alpha1.ActionFailover && q.source == "" && q.Placement.Status.Epoch > 0
}
