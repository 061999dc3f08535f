// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"io"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// newestFirst are the actions of one DRPlacementControl, or of all where name is empty.
func newestFirst(actions []v1alpha1.DRAction, name string) []v1alpha1.DRAction {
	kept := slices.DeleteFunc(slices.Clone(actions), func(a v1alpha1.DRAction) bool {
		return name != "" && a.Spec.DRPlacementControl != name
	})
	slices.SortFunc(kept, func(a, b v1alpha1.DRAction) int { return acceptedTime(b).Compare(acceptedTime(a)) })
	return kept
}

func acceptedTime(action v1alpha1.DRAction) time.Time {
	if action.Status.AcceptedTime != nil {
		return action.Status.AcceptedTime.Time
	}
	return action.CreationTimestamp.Time
}

// printHistory prints a line for each action.
func printHistory(out io.Writer, now time.Time, actions []v1alpha1.DRAction, allNamespaces bool) {
	header := []string{"WHEN", "ACTION", "TYPE", "BY", "FROM", "TO", "RESULT", "DATA LOSS", "READY AFTER", "PROTECTED AFTER", "REASON"}
	if allNamespaces {
		header = append([]string{"NAMESPACE"}, header...)
	}
	var lines rows
	lines.add(header...)
	for _, action := range actions {
		cells := historyCells(now, action)
		if allNamespaces {
			cells = append([]string{action.Namespace}, cells...)
		}
		lines.add(cells...)
	}
	lines.print(out, "")
}

func historyCells(now time.Time, action v1alpha1.DRAction) []string {
	status := action.Status
	return []string{
		moment(now, acceptedTime(action)), action.Name, string(action.Spec.Type), action.Spec.RequestedBy,
		action.Spec.SourceCluster, action.Spec.TargetCluster, result(status), lossTaken(action),
		after(action, status.WorkloadReadyTime), after(action, status.ProtectedTime), orDash(action.Spec.Reason),
	}
}

// lossTaken is the data-loss window an action was accepted with, and what was left behind; one that was taken back lost nothing.
func lossTaken(action v1alpha1.DRAction) string {
	window := action.Status.DataLossWindow
	switch {
	case action.Spec.Type == v1alpha1.ActionRelocate || result(action.Status) == v1alpha1.ReasonAborted:
		return "none"
	case window == nil:
		return "unknown"
	default:
		return "≤ " + span(window.Duration.Duration) + leftBehind(action.Spec)
	}
}

// after is the time from the acceptance of an action until then.
func after(action v1alpha1.DRAction, then *metav1.MicroTime) string {
	if then == nil || action.Status.AcceptedTime == nil {
		return orDash("")
	}
	return span(between(action.Status.AcceptedTime, then))
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
