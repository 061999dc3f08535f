// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// plan lists the steps of an action, none begun.
func (q question) plan() []v1alpha1.ActionStep {
	source, target := q.source, q.target
	first := v1alpha1.ActionStep{
		Name: v1alpha1.StepStopSource, Cluster: source, State: v1alpha1.StepPending,
		Description: fmt.Sprintf("Stop the application on %s, or establish that the cluster cannot be reached.", orUnknown(source)),
	}
	switch {
	case q.Type == v1alpha1.ActionFailover && Synchronous(q.Policy):
		first.Name = v1alpha1.StepFence
		first.Description = fmt.Sprintf("Wait until %s is fenced off from storage, or confirmed that it has stopped and let go of its volumes.",
			orUnknown(source))
	case q.Type == v1alpha1.ActionRelocate:
		first.Name = v1alpha1.StepHandOver
		first.Description = fmt.Sprintf("Stop the application on %s, capture it, sync its volumes a last time and hand over.",
			orUnknown(source))
	}
	steps := []v1alpha1.ActionStep{first}
	if q.Type == v1alpha1.ActionFailover && len(q.Clusters[target].Maintenance) > 0 {
		steps = append(steps, v1alpha1.ActionStep{
			Name: v1alpha1.StepMaintenanceMode, Cluster: target, State: v1alpha1.StepPending,
			Description: fmt.Sprintf("Have the storage of %s prepare for the promotion.", target),
		})
	}
	return append(steps,
		v1alpha1.ActionStep{
			Name: v1alpha1.StepPromote, Cluster: target, State: v1alpha1.StepPending, PointOfNoReturn: true,
			Description: q.promotion(),
		},
		v1alpha1.ActionStep{
			Name: v1alpha1.StepRestore, Cluster: target, State: v1alpha1.StepPending,
			Description: fmt.Sprintf("Restore the application's objects on %s, so that it runs.", target),
		})
}

// promotion says what the step Promote does.
func (q question) promotion() string {
	switch {
	case q.Type == v1alpha1.ActionRelocate:
		return fmt.Sprintf("Restore volume metadata from the handover's capture and make the volumes on %s writable.", q.target)
	case Synchronous(q.Policy):
		return fmt.Sprintf("Restore volume metadata from the newest capture, so that %s uses the volumes.", q.target) + q.leftBehind()
	default:
		return fmt.Sprintf("Restore volume metadata from the newest capture and make the copies on %s writable.", q.target) + q.leftBehind()
	}
}

// Step finds a step of the action; nil if its plan has none of that name.
func Step(record *v1alpha1.ActionRecord, name v1alpha1.StepName) *v1alpha1.ActionStep {
	for i := range record.Status.Steps {
		if record.Status.Steps[i].Name == name {
			return &record.Status.Steps[i]
		}
	}
	return nil
}

// StartStep marks a step as begun; it does nothing to one that has.
func StartStep(step *v1alpha1.ActionStep, now metav1.MicroTime) {
	if step.State == v1alpha1.StepPending {
		step.State, step.StartTime = v1alpha1.StepRunning, &now
	}
}

// EndStep marks a step as ended in a state, with what was found; it does nothing to one that has ended.
func EndStep(step *v1alpha1.ActionStep, state v1alpha1.StepState, message string, now metav1.MicroTime) {
	switch step.State {
	case v1alpha1.StepPending:
		step.State, step.Message = state, message
	case v1alpha1.StepRunning:
		step.State, step.Message, step.CompletionTime = state, message, &now
	}
}

// Ended tells whether an action has reached its end, whichever.
func Ended(record *v1alpha1.ActionRecord) bool {
	return meta.IsStatusConditionTrue(record.Status.Conditions, v1alpha1.ConditionComplete)
}

// Running tells whether the placement has an action that has not ended.
func Running(placement *v1alpha1.DRPlacementControl) bool {
	return placement.Status.CurrentAction != nil && !Ended(placement.Status.CurrentAction)
}

// PastPointOfNoReturn tells whether the step that rules out an abort has begun.
func PastPointOfNoReturn(record *v1alpha1.ActionRecord) bool {
	for _, step := range record.Status.Steps {
		if step.PointOfNoReturn && (step.State == v1alpha1.StepRunning || step.State == v1alpha1.StepDone) {
			return true
		}
	}
	return false
}

// FinalEpoch is the epoch the action leaves the application in: its own, or the one in which it was taken back.
func FinalEpoch(record *v1alpha1.ActionRecord) int64 {
	if record.Status.Abort != nil {
		return record.Status.Abort.Epoch
	}
	return record.Spec.Epoch
}

// End ends an action with a reason: Succeeded, Failed or Aborted. Steps that have not ended are closed accordingly.
func End(record *v1alpha1.ActionRecord, reason, message string, now metav1.MicroTime) {
	open := map[string]v1alpha1.StepState{
		v1alpha1.ReasonSucceeded: v1alpha1.StepDone,
		v1alpha1.ReasonFailed:    v1alpha1.StepFailed,
		v1alpha1.ReasonAborted:   v1alpha1.StepSkipped,
	}[reason]
	for i := range record.Status.Steps {
		step := &record.Status.Steps[i]
		if step.State == v1alpha1.StepPending {
			EndStep(step, v1alpha1.StepSkipped, "", now)
		}
		EndStep(step, open, step.Message, now)
	}
	record.Status.CompletionTime = &now
	meta.SetStatusCondition(&record.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: reason, Message: message,
		LastTransitionTime: metav1.NewTime(now.Time),
	})
}
