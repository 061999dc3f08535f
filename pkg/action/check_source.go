// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

var sourceStoppedCheck = check{
	CheckSourceStopped, overriddenByAck + string(v1alpha1.AckSourceMayStillWrite), question.findSourceStopped,
}

func (q question) findSourceUnhealthy() (bool, string) {
	if !q.Clusters[q.source].Connected {
		return true, NotConnected(orUnknown(q.source), q.Clusters[q.source])
	}
	if q.Clusters[q.source].Fence.Fenced {
		return true, fmt.Sprintf("%s is fenced off from storage", q.source)
	}
	if meta.IsStatusConditionTrue(q.Placement.Status.Conditions, v1alpha1.ConditionAvailable) {
		return false, fmt.Sprintf("%s is connected and the application is available there; relocate loses nothing, "+
			"or set spec.force to fail over nevertheless", q.source)
	}
	return true, fmt.Sprintf("%s is connected, but the application is not available there", q.source)
}

func (q question) findSourceStopped() (bool, string) {
	source := q.Clusters[q.source]
	switch {
	case source.Fence.Fenced:
		return true, fmt.Sprintf("%s is fenced off from storage", q.source)
	case source.Connected:
		return true, fmt.Sprintf("%s is connected and is stopped before %s is promoted", q.source, q.target)
	case Synchronous(q.Policy):
		return true, fmt.Sprintf("%s, so the failover waits until it is fenced off from storage; %s",
			NotConnected(orUnknown(q.source), source), FenceIt(q.source))
	}
	return false, fmt.Sprintf("%s, and nothing else is known to stop it from writing; what it still writes is discarded "+
		"when it returns. Acknowledge that with %s in spec.acknowledgements, or fence it first",
		NotConnected(orUnknown(q.source), source), v1alpha1.AckSourceMayStillWrite)
}

func (q question) findSourceConnected() (bool, string) {
	if !q.Clusters[q.source].Connected {
		return false, NotConnected(orUnknown(q.source), q.Clusters[q.source]) +
			"; bring it back, or fail over if it does not come back"
	}
	return true, fmt.Sprintf("the agent of %s is connected", q.source)
}

func (q question) findSourceProtected() (bool, string) {
	if !Confirms(q.sourceGroup, v1alpha1.PrimaryState, q.Placement.Status.Epoch) {
		if awaitsReport(q.sourceGroup, q.Placement.Status.Epoch) {
			return false, reportAwaited(q.source, q.sourceGroup)
		}
		return false, fmt.Sprintf("%s has not confirmed that it is primary in epoch %d; wait until Available is True", orUnknown(q.source), q.Placement.Status.Epoch)
	}
	for _, conditionType := range []string{v1alpha1.ConditionDataProtected, v1alpha1.ConditionClusterDataProtected} {
		if condition := meta.FindStatusCondition(q.sourceGroup.Status.Conditions, conditionType); condition == nil {
			return false, fmt.Sprintf("%s has not reported %s yet; wait until Protected is True", q.source, conditionType)
		} else if !conditionTrue(q.sourceGroup, conditionType) {
			return false, fmt.Sprintf("%s is %s on %s; wait until Protected is True: %s", conditionType, condition.Status, q.source, condition.Message)
		}
	}
	return true, fmt.Sprintf("volumes and objects of %s are protected", q.source)
}
