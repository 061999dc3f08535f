// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// describePlacement says where an application runs and whether it could be recovered.
func describePlacement(placement *v1alpha1.DRPlacementControl) string {
	status := placement.Status
	words := []string{fmt.Sprintf("%s on %s in epoch %d", status.Phase, status.PrimaryCluster, status.Epoch)}
	for _, condition := range status.Conditions {
		words = append(words, fmt.Sprintf("%s=%s", condition.Type, condition.Status))
	}
	return strings.Join(words, " ")
}

// describeAction says how far an action is, or how it ended.
func describeAction(action *v1alpha1.DRAction) string {
	words := fmt.Sprintf("%s from %s to %s by %s: ", action.Spec.Type, action.Spec.SourceCluster, action.Spec.TargetCluster, action.Spec.RequestedBy)
	if complete := meta.FindStatusCondition(action.Status.Conditions, v1alpha1.ConditionComplete); complete != nil {
		words += complete.Reason
	}
	for _, step := range action.Status.Steps {
		if step.State == v1alpha1.StepRunning {
			words += ", " + string(step.Name) + " on " + step.Cluster
		}
	}
	return words
}
