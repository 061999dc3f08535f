// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Types of the causes with which an abort is refused.
const (
	// CauseNothingToAbort means that no action is under way.
	CauseNothingToAbort metav1.CauseType = "NothingToAbort"
	// CausePointOfNoReturn means that the target is being promoted already.
	CausePointOfNoReturn metav1.CauseType = "PointOfNoReturn"
)

// Abort takes the action under way back: the source is to be primary again, in the next epoch. It is refused, with a
// StatusError of one cause, if no action is under way or the point of no return has begun. Repeating it adds what is
// acknowledged further, and changes nothing else.
func Abort(placement *v1alpha1.DRPlacementControl, requestedBy, reason string, now time.Time, acknowledged ...v1alpha1.Acknowledgement) error {
	record := placement.Status.CurrentAction
	switch {
	case !Running(placement):
		return refuseAbort(placement, CauseNothingToAbort, "no action is under way")
	case record.Status.Abort != nil:
		acknowledge(record, acknowledged)
		return nil
	case PastPointOfNoReturn(record):
		return refuseAbort(placement, CausePointOfNoReturn, fmt.Sprintf(
			"%s to %s (%s) is past its point of no return: %s is being promoted; wait until it has ended",
			lower(record.Spec.Type), record.Spec.TargetCluster, record.Name, record.Spec.TargetCluster))
	}
	placement.Status.Epoch++
	requested := metav1.NewMicroTime(now)
	record.Status.Abort = &v1alpha1.AbortRequest{
		RequestedBy: requestedBy, RequestedTime: requested, Reason: reason, Epoch: placement.Status.Epoch,
	}
	acknowledge(record, acknowledged)
	for i := range record.Status.Steps {
		if step := &record.Status.Steps[i]; step.State == v1alpha1.StepPending {
			EndStep(step, v1alpha1.StepSkipped, "aborted", requested)
		}
	}
	SetUnderWay(&placement.Status, placement.Generation, requested)
	return nil
}

// acknowledge adds to what was acknowledged. What is acknowledged of the source has no meaning for an abort.
func acknowledge(record *v1alpha1.ActionRecord, acknowledged []v1alpha1.Acknowledgement) {
	ack := v1alpha1.AckTargetMayStillWrite
	if slices.Contains(acknowledged, ack) && !slices.Contains(record.Spec.Acknowledgements, ack) {
		record.Spec.Acknowledgements = append(record.Spec.Acknowledgements, ack)
	}
}

func refuseAbort(placement *v1alpha1.DRPlacementControl, cause metav1.CauseType, message string) error {
	return statusError(http.StatusConflict, placement.Name,
		fmt.Sprintf("cannot abort on DRPlacementControl %s/%s: %s", placement.Namespace, placement.Name, message),
		[]metav1.StatusCause{{Type: cause, Message: message}})
}

func statusError(code int32, name, message string, causes []metav1.StatusCause) *apierrors.StatusError {
	reason := metav1.StatusReasonConflict
	if code == http.StatusUnprocessableEntity {
		reason = metav1.StatusReasonInvalid
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message,
		Details: &metav1.StatusDetails{
			Group: v1alpha1.GroupName, Kind: "drplacementcontrols", Name: name, Causes: causes,
		},
	}}
}
