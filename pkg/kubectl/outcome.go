// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"fmt"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func completeCondition(status v1alpha1.DRActionStatus) *metav1.Condition {
	return meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionComplete)
}

func isComplete(status v1alpha1.DRActionStatus) bool {
	condition := completeCondition(status)
	return condition != nil && condition.Status == metav1.ConditionTrue
}

// result is how an action ended, in one word, or how far it is.
func result(status v1alpha1.DRActionStatus) string {
	if isComplete(status) {
		return completeCondition(status).Reason
	}
	if status.Abort != nil {
		return "Aborting"
	}
	return v1alpha1.ReasonInProgress
}

// printOutcome prints how an action ended and what that means for the application.
func printOutcome(out io.Writer, now time.Time, action *v1alpha1.DRAction) {
	status := action.Status
	line := fmt.Sprintf("%s %s %s", action.Spec.Type, action.Name, result(status))
	if status.AcceptedTime != nil && status.CompletionTime != nil {
		line += " after " + span(between(status.AcceptedTime, status.CompletionTime))
	}
	fmt.Fprintln(out, line)
	if result(status) != v1alpha1.ReasonSucceeded {
		fmt.Fprintf(out, "  %s\n", completeCondition(status).Message)
		return
	}
	fmt.Fprintf(out, "  %s may run on %s\n", action.Spec.DRPlacementControl, action.Spec.TargetCluster)
	if window := status.DataLossWindow; window != nil {
		fmt.Fprintf(out, "  lost: what was written after %s%s\n", moment(now, window.SyncPoint.Time), leftBehind(action.Spec))
	}
}

// outcomeError turns the end of an action into the exit code of whoever waited for it.
func outcomeError(action *v1alpha1.DRAction, wanted string) error {
	if got := result(action.Status); got != wanted {
		return &exitError{code: ExitFailed, cause: fmt.Sprintf("%s ended %s", action.Name, got)}
	}
	return nil
}
