// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package draction

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

type column = base.Column[*dr.DRAction]

func newTable() rest.TableConvertor {
	return base.NewTableConvertor(
		column{Name: "Type", Description: "Failover or Relocate.",
			Cell: func(a *dr.DRAction, _ time.Time) any { return string(a.Spec.Type) }},
		column{Name: "DRPC", Description: "The DRPlacementControl acted on.",
			Cell: func(a *dr.DRAction, _ time.Time) any { return a.Spec.DRPlacementControl }},
		column{Name: "From", Description: "Where the application ran.",
			Cell: func(a *dr.DRAction, _ time.Time) any { return base.OrNone(a.Spec.SourceCluster) }},
		column{Name: "To", Description: "Where the application shall run.",
			Cell: func(a *dr.DRAction, _ time.Time) any { return a.Spec.TargetCluster }},
		column{Name: "State", Description: "How the action ended, or the step it is at.",
			Cell: func(a *dr.DRAction, _ time.Time) any { return state(a) }},
		column{Name: "Gave Up", Description: "The time span of writes that a failover gave up.",
			Cell: func(a *dr.DRAction, _ time.Time) any { return gaveUp(a) }},
		column{Name: "Took", Description: "Time from acceptance until the workload could run.",
			Cell: func(a *dr.DRAction, now time.Time) any { return took(a, now) }},
		column{Name: "Requested By", Wide: true, Description: "The user who asked.",
			Cell: func(a *dr.DRAction, _ time.Time) any { return base.OrNone(a.Spec.RequestedBy) }},
		column{Name: "Epoch", Type: "integer", Wide: true, Description: "The epoch the action began.",
			Cell: func(a *dr.DRAction, _ time.Time) any { return a.Spec.Epoch }},
		column{Name: "Reason", Wide: true, Description: "The requester's own words.",
			Cell: func(a *dr.DRAction, _ time.Time) any { return base.OrNone(a.Spec.Reason) }},
	)
}

func state(a *dr.DRAction) string {
	if complete := meta.FindStatusCondition(a.Status.Conditions, dr.ConditionComplete); complete != nil && complete.Status == "True" {
		return complete.Reason
	}
	if a.Status.Abort != nil {
		return "Aborting"
	}
	for _, step := range a.Status.Steps {
		if step.State == dr.StepRunning {
			return string(step.Name)
		}
	}
	return dr.ReasonInProgress
}

func gaveUp(a *dr.DRAction) string {
	if a.Status.DataLossWindow == nil {
		return base.None
	}
	return duration.HumanDuration(a.Status.DataLossWindow.Duration.Duration)
}

func took(a *dr.DRAction, now time.Time) string {
	accepted := a.Status.AcceptedTime
	if accepted == nil {
		return base.None
	}
	end := now
	switch {
	case a.Status.WorkloadReadyTime != nil:
		end = a.Status.WorkloadReadyTime.Time
	case a.Status.CompletionTime != nil:
		end = a.Status.CompletionTime.Time
	}
	return base.Elapsed(accepted.Time, end)
}
