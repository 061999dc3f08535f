// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// show prints what a failover would do and what would be lost.
func show(out io.Writer, plan *v1alpha1.DRAction) {
	fmt.Fprintf(out, "Failover of %s from %s to %s\n", plan.Spec.DRPlacementControl, plan.Spec.SourceCluster, plan.Spec.TargetCluster)
	for _, check := range plan.Status.Checks {
		fmt.Fprintf(out, "  %-10s %s: %s\n", check.Result, check.Name, check.Message)
	}
	for i, step := range plan.Status.Steps {
		fmt.Fprintf(out, "  %d. %s on %s: %s\n", i+1, step.Name, step.Cluster, step.Description)
	}
	if window := plan.Status.DataLossWindow; window != nil {
		fmt.Fprintf(out, "Lost: what was written after %s, %s\n", window.SyncPoint.Format(time.RFC3339), window.Duration.Round(time.Second))
	}
}

// explain says why the server did not accept a failover, and what the caller could do about it.
func explain(out io.Writer, err error) int {
	var refusal apierrors.APIStatus
	if !errors.As(err, &refusal) || !answered(err) {
		return fail(err)
	}
	status := refusal.Status()
	if status.Details == nil || len(status.Details.Causes) == 0 {
		fmt.Fprintln(out, status.Message)
		return exitRefused
	}
	fmt.Fprintln(out, "Refused, nothing was changed:")
	for _, cause := range status.Details.Causes {
		fmt.Fprintf(out, "  %s: %s%s\n", cause.Type, cause.Message, remedy(string(cause.Type)))
	}
	return exitRefused
}

// remedy names the flag with which a cause can be overridden, or what else can be done by a program.
func remedy(cause string) string {
	switch cause {
	case v1alpha1.CheckSourceUnhealthy, v1alpha1.CheckCopyFresh:
		return " (-force overrides this)"
	case v1alpha1.CheckSourceStopped:
		return fmt.Sprintf(" (-acknowledge %s takes this risk)", v1alpha1.AckSourceMayStillWrite)
	case v1alpha1.CheckTargetKnown, v1alpha1.CheckTargetNotCurrent:
		return " (name another cluster with -to)"
	default:
		return ""
	}
}

// conclude says how the failover ended.
func conclude(out io.Writer, action *v1alpha1.DRAction) int {
	complete := meta.FindStatusCondition(action.Status.Conditions, v1alpha1.ConditionComplete)
	if complete.Reason != v1alpha1.ReasonSucceeded {
		fmt.Fprintf(out, "%s: %s\n", complete.Reason, complete.Message)
		return exitFailed
	}
	fmt.Fprintf(out, "%s may run on %s\n", action.Spec.DRPlacementControl, action.Spec.TargetCluster)
	return exitDone
}
