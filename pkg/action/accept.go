// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Accept puts an action that Refusal does not refuse into the placement's status, ready for the one guarded write that
// is its commit point. Where nothing is left to stop on the source, the point of no return is passed in the same write.
// Accepting the action the placement already has changes no more than what a repeated request added to it.
func Accept(placement *v1alpha1.DRPlacementControl, record v1alpha1.ActionRecord) {
	status := &placement.Status
	accepted := record.DeepCopy()
	if status.CurrentAction != nil && status.CurrentAction.Name == accepted.Name {
		passed := !PastPointOfNoReturn(status.CurrentAction) && PastPointOfNoReturn(accepted)
		status.CurrentAction = accepted
		if passed {
			moveTo(status, accepted.Spec.TargetCluster)
		}
		return
	}
	now := *accepted.Status.AcceptedTime
	meta.SetStatusCondition(&accepted.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionComplete, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonInProgress,
		Message:            fmt.Sprintf("%s to %s is under way.", accepted.Spec.Type, accepted.Spec.TargetCluster),
		LastTransitionTime: metav1.NewTime(now.Time),
	})
	StartStep(&accepted.Status.Steps[0], now)
	status.CurrentAction = accepted
	status.Epoch = accepted.Spec.Epoch
	status.Phase = v1alpha1.PhaseFailingOver
	if accepted.Spec.Type == v1alpha1.ActionRelocate {
		status.Phase = v1alpha1.PhaseRelocating
	}
	if stopEstablished(accepted) {
		PassPointOfNoReturn(status, notConnectedButAcknowledged(accepted), now)
	}
	SetUnderWay(status, placement.Generation, now)
}

// PassPointOfNoReturn marks in the status that the steps before are done, with what was found, and that the current
// action's target is promoted from now on. The target's VolumeReplicationGroup may be written only once this is stored. Where
// the target's storage has to prepare first, that begins instead, and the point of no return is passed when it has.
func PassPointOfNoReturn(status *v1alpha1.DRPlacementControlStatus, found string, now metav1.MicroTime) {
	passPointOfNoReturn(status.CurrentAction, found, now)
	if PastPointOfNoReturn(status.CurrentAction) {
		moveTo(status, status.CurrentAction.Spec.TargetCluster)
	}
}

func passPointOfNoReturn(record *v1alpha1.ActionRecord, found string, now metav1.MicroTime) {
	for i := range record.Status.Steps {
		step := &record.Status.Steps[i]
		if step.PointOfNoReturn || step.Name == v1alpha1.StepMaintenanceMode && step.State == v1alpha1.StepPending {
			StartStep(step, now)
			return
		}
		EndStep(step, v1alpha1.StepDone, found, now)
	}
}

func notConnectedButAcknowledged(record *v1alpha1.ActionRecord) string {
	return fmt.Sprintf("%s is not connected; %s was acknowledged.",
		orUnknown(record.Spec.SourceCluster), v1alpha1.AckSourceMayStillWrite)
}

// moveTo changes the primary cluster. What was known of the copies of the old primary says nothing about the new one's.
func moveTo(status *v1alpha1.DRPlacementControlStatus, cluster string) {
	status.PrimaryCluster = cluster
	status.LastGroupSyncTime = nil
	status.LastKubeObjectProtectionTime = nil
}

// stopEstablished tells whether nothing is left to stop on a failover's source: it was found not to be connected, and
// that it may go on writing was acknowledged.
func stopEstablished(record *v1alpha1.ActionRecord) bool {
	return record.Spec.Type == v1alpha1.ActionFailover &&
		slices.ContainsFunc(record.Status.Checks, func(c v1alpha1.PreflightCheck) bool {
			return c.Name == CheckSourceStopped && c.Result == v1alpha1.CheckOverridden
		})
}

// SetUnderWay sets the placement's conditions to what holds while an action is under way.
func SetUnderWay(status *v1alpha1.DRPlacementControlStatus, generation int64, now metav1.MicroTime) {
	record := status.CurrentAction
	reason := string(status.Phase)
	message := fmt.Sprintf("%s to %s (DRAction %s) is under way.", record.Spec.Type, record.Spec.TargetCluster, record.Name)
	if record.Status.Abort != nil {
		reason = "Aborting"
		message = fmt.Sprintf("%s to %s (DRAction %s) is being aborted.", record.Spec.Type, record.Spec.TargetCluster, record.Name)
	}
	for _, conditionType := range []string{
		v1alpha1.ConditionAvailable, v1alpha1.ConditionPeerReady, v1alpha1.ConditionProtected,
	} {
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{
			Type: conditionType, Status: metav1.ConditionFalse, Reason: reason, Message: message,
			ObservedGeneration: generation, LastTransitionTime: metav1.NewTime(now.Time),
		})
	}
}
