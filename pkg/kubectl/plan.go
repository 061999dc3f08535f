// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// printPlan prints what an action would do: what was checked, the steps, and what would be lost.
func printPlan(out io.Writer, now time.Time, action *v1alpha1.DRAction) {
	fmt.Fprintf(out, "Plan: %s of %s/%s from %s to %s\n", verbs[action.Spec.Type], action.Namespace,
		action.Spec.DRPlacementControl, action.Spec.SourceCluster, action.Spec.TargetCluster)
	printChecks(out, action.Status.Checks)
	printSteps(out, action.Status.Steps)
	fmt.Fprintf(out, "\nData that would be lost\n  %s\n", lossAhead(now, action))
}

func printChecks(out io.Writer, checks []v1alpha1.PreflightCheck) {
	fmt.Fprintln(out, "\nChecks")
	var lines rows
	for _, check := range checks {
		lines.add(checkMarks[check.Result]+" "+check.Name, checkMessage(check))
	}
	lines.print(out, "  ")
}

func checkMessage(check v1alpha1.PreflightCheck) string {
	if check.Result == v1alpha1.CheckOverridden {
		return fmt.Sprintf("%s (overridden by %s)", check.Message, check.OverriddenBy)
	}
	return check.Message
}

func printSteps(out io.Writer, steps []v1alpha1.ActionStep) {
	fmt.Fprintln(out, "\nSteps")
	var lines rows
	for i, step := range steps {
		if step.PointOfNoReturn {
			lines.add("── point of no return: an abort is refused from here on ──")
		}
		lines.add(fmt.Sprintf("%d. %s", i+1, step.Name), "on "+step.Cluster, step.Description)
	}
	lines.print(out, "  ")
}

func lossAhead(now time.Time, action *v1alpha1.DRAction) string {
	if action.Spec.Type == v1alpha1.ActionRelocate {
		return "nothing: the target starts only with the source's proof that it has everything"
	}
	window := action.Status.DataLossWindow
	if window == nil {
		return "unknown: the server named no sync point"
	}
	return fmt.Sprintf("everything written after %s, %s", moment(now, window.SyncPoint.Time), age(now, window.SyncPoint.Time)) + leftBehind(action.Spec)
}

// leftBehind says which volumes are lost to an application besides, if any.
func leftBehind(spec v1alpha1.DRActionSpec) string {
	if len(spec.LeaveBehind) == 0 {
		return ""
	}
	return ", and all that is in " + strings.Join(spec.LeaveBehind, ", ")
}

// wouldBeRefused reports whether a check of a plan stands against the action.
func wouldBeRefused(action *v1alpha1.DRAction) bool {
	return slices.ContainsFunc(action.Status.Checks, func(check v1alpha1.PreflightCheck) bool {
		return check.Result == v1alpha1.CheckFailed
	})
}
