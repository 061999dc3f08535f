// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func micro(seconds float64) *metav1.MicroTime {
	m := metav1.NewMicroTime(now.Add(time.Duration(seconds * float64(time.Second))))
	return &m
}

func planned(kind v1alpha1.ActionType) *v1alpha1.DRAction {
	action := &v1alpha1.DRAction{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop-failover-2"},
		Spec: v1alpha1.DRActionSpec{
			Type: kind, DRPlacementControl: "shop", SourceCluster: "dr1", TargetCluster: "dr2", RequestedBy: "tina", Epoch: 2,
		},
		Status: v1alpha1.DRActionStatus{
			Checks: []v1alpha1.PreflightCheck{
				{Name: "TargetKnown", Result: v1alpha1.CheckPassed, Message: "dr2 is one of the clusters of DRPolicy dr-policy"},
				{Name: "SourceStopped", Result: v1alpha1.CheckOverridden, Message: "dr1 is not connected", OverriddenBy: "acknowledgement:SourceMayStillWrite"},
			},
			Steps: []v1alpha1.ActionStep{
				{Name: v1alpha1.StepStopSource, Cluster: "dr1", Description: "stop the application where it can be reached", State: v1alpha1.StepPending},
				{Name: v1alpha1.StepPromote, Cluster: "dr2", Description: "promote the copies", State: v1alpha1.StepPending, PointOfNoReturn: true},
				{Name: v1alpha1.StepRestore, Cluster: "dr2", Description: "restore the objects", State: v1alpha1.StepPending},
			},
			DataLossWindow: &v1alpha1.DataLossWindow{
				SyncPoint: metav1.NewTime(now.Add(-12 * time.Second)), Duration: metav1.Duration{Duration: 12 * time.Second},
			},
		},
	}
	if kind == v1alpha1.ActionRelocate {
		action.Name, action.Status.DataLossWindow = "shop-relocate-2", nil
		action.Status.Steps[0] = v1alpha1.ActionStep{
			Name: v1alpha1.StepHandOver, Cluster: "dr1", Description: "stop the application and sync a last time", State: v1alpha1.StepPending,
		}
	}
	return action
}

func accepted(kind v1alpha1.ActionType) *v1alpha1.DRAction {
	action := planned(kind)
	action.Status.AcceptedTime = micro(0)
	action.Status.Steps[0].State, action.Status.Steps[0].StartTime = v1alpha1.StepRunning, micro(0)
	return action
}

func promoting(kind v1alpha1.ActionType) *v1alpha1.DRAction {
	action := accepted(kind)
	action.Status.Steps[0].State, action.Status.Steps[0].CompletionTime = v1alpha1.StepDone, micro(0.12)
	action.Status.Steps[1].State, action.Status.Steps[1].StartTime = v1alpha1.StepRunning, micro(0.12)
	action.Status.Steps[1].Message = "waiting for data-shop-0"
	return action
}

func ended(kind v1alpha1.ActionType, reason string) *v1alpha1.DRAction {
	action := promoting(kind)
	action.Status.CompletionTime = micro(3.2)
	action.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: reason, Message: "what the server says of the end",
	}}
	if reason == v1alpha1.ReasonSucceeded {
		action.Status.WorkloadReadyTime = micro(3.2)
		for i, end := range []float64{0.12, 2.1, 3.2} {
			step := &action.Status.Steps[i]
			step.State, step.StartTime, step.CompletionTime, step.Message = v1alpha1.StepDone, micro(0), micro(end), ""
		}
	}
	return action
}

func refusal(code int32) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: code, Reason: metav1.StatusReasonConflict, Message: "failover of shop/shop refused",
		Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{
			{Type: "SourceUnhealthy", Message: "dr1 is connected and the application is Available there; relocate loses nothing, or set force"},
			{Type: "CopyFresh", Field: "spec.force", Message: "the copy is 12m old, twice the interval is 10m; wait for a sync, or set force"},
		}},
	}}
}
