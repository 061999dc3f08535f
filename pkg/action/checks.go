// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"slices"
	"strings"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// The preflight checks, by the names that clients know them by.
const (
	CheckTargetKnown        = v1alpha1.CheckTargetKnown
	CheckTargetNotCurrent   = v1alpha1.CheckTargetNotCurrent
	CheckNoActionInProgress = v1alpha1.CheckNoActionInProgress
	CheckTargetConnected    = v1alpha1.CheckTargetConnected
	CheckPeerReady          = v1alpha1.CheckPeerReady
	CheckProtected          = v1alpha1.CheckProtected
	CheckVolumesProtected   = v1alpha1.CheckVolumesProtected
	CheckLeaveBehindKnown   = v1alpha1.CheckLeaveBehindKnown
	CheckSourceUnhealthy    = v1alpha1.CheckSourceUnhealthy
	CheckCopyFresh          = v1alpha1.CheckCopyFresh
	CheckSourceStopped      = v1alpha1.CheckSourceStopped
	CheckTargetNotFenced    = v1alpha1.CheckTargetNotFenced
	CheckSourceConnected    = v1alpha1.CheckSourceConnected
	CheckSourceProtected    = v1alpha1.CheckSourceProtected
)

const (
	overriddenByForce = "force"
	overriddenByAck   = "acknowledgement:"
)

// check is one thing to look at. find says whether nothing stands against the action, and what was found and,
// if something does, the remedy.
type check struct {
	name         string
	overriddenBy string
	find         func(question) (bool, string)
}

// checks looks at everything that has a meaning for the request. What the target's agent says has none while the target
// is not a known cluster, and what any agent says of its role has none between two roles.
func (q question) checks() []v1alpha1.PreflightCheck {
	known := q.run(check{CheckTargetKnown, "", question.findTargetKnown})
	elsewhere := q.run(check{CheckTargetNotCurrent, "", question.findTargetNotCurrent})
	idle := q.run(check{CheckNoActionInProgress, "", question.findNoActionInProgress})
	results := []v1alpha1.PreflightCheck{known, elsewhere, idle}
	if idle.Result == v1alpha1.CheckFailed {
		return results
	}
	if known.Result != v1alpha1.CheckFailed {
		results = append(results,
			q.run(check{CheckTargetConnected, "", question.findTargetConnected}),
			q.run(check{CheckTargetNotFenced, "", question.findTargetNotFenced}))
		if elsewhere.Result != v1alpha1.CheckFailed {
			results = append(results, q.run(q.peerReadyCheck()))
		}
	}
	results = append(results, q.run(q.protectedCheck()))
	if q.Type == v1alpha1.ActionFailover {
		if len(q.LeaveBehind) > 0 {
			results = append(results, q.run(leaveBehindKnownCheck))
		}
		if len(q.unprotected()) > 0 {
			results = append(results, q.run(check{CheckVolumesProtected, overriddenByForce, question.findVolumesProtected}))
		}
		return append(results,
			q.run(check{CheckSourceUnhealthy, overriddenByForce, question.findSourceUnhealthy}),
			q.run(check{CheckCopyFresh, overriddenByForce, question.findCopyFresh}),
			q.run(sourceStoppedCheck))
	}
	return append(results,
		q.run(check{CheckSourceConnected, "", question.findSourceConnected}),
		q.run(check{CheckSourceProtected, "", question.findSourceProtected}))
}

func (q question) run(c check) v1alpha1.PreflightCheck {
	ok, message := c.find(q)
	result := v1alpha1.PreflightCheck{Name: c.name, Result: v1alpha1.CheckPassed, Message: message, OverriddenBy: c.overriddenBy}
	switch {
	case ok:
	case q.overrides(c):
		result.Result = v1alpha1.CheckOverridden
	default:
		result.Result = v1alpha1.CheckFailed
	}
	return result
}

func (q question) overrides(c check) bool {
	if ack, isAck := strings.CutPrefix(c.overriddenBy, overriddenByAck); isAck {
		return slices.Contains(q.Acknowledgements, v1alpha1.Acknowledgement(ack))
	}
	return c.overriddenBy == overriddenByForce && q.Force
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
