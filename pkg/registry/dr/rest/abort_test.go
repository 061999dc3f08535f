// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// newRelocating is an application that is being moved to its target, before the point of no return.
func newRelocating(t *testing.T) (*application, *v1alpha1.DRAction) {
	t.Helper()
	a := newApplication(t)
	heartbeats.Revive(a.source)
	action := &v1alpha1.DRAction{Spec: v1alpha1.DRActionSpec{TargetCluster: a.target}}
	return a, ok[*v1alpha1.DRAction](t)(a.relocate(action))
}

func TestAbortTakesTheActionBackOnce(t *testing.T) {
	a, moving := newRelocating(t)

	aborting := ok[*v1alpha1.DRAction](t)(a.abort(&v1alpha1.DRAction{Spec: v1alpha1.DRActionSpec{Reason: "not today"}}))

	abort := a.placement().Status.CurrentAction.Status.Abort
	if abort == nil || abort.RequestedBy != user || abort.Reason != "not today" || abort.Epoch != 3 || a.placement().Status.Epoch != 3 {
		t.Errorf("the placement has epoch %d and abort %+v", a.placement().Status.Epoch, abort)
	}
	if aborting.UID != moving.UID || aborting.Status.Abort == nil {
		t.Errorf("the answer is %+v, wanted the action that is aborted", aborting)
	}
	before := a.placement().ResourceVersion
	ok[*v1alpha1.DRAction](t)(a.abort(&v1alpha1.DRAction{}))
	if a.placement().ResourceVersion != before {
		t.Error("repeating the abort changed something")
	}
}

func TestAbortThatIsRefusedChangesNothing(t *testing.T) {
	tests := map[string]struct {
		application func(*testing.T) *application
		request     *v1alpha1.DRAction
		options     metav1.CreateOptions
		cause       metav1.CauseType
		refused     bool
	}{
		"no action is under way": {application: newApplication, request: &v1alpha1.DRAction{}, refused: true, cause: "NothingToAbort"},
		"another action is named": {
			application: func(t *testing.T) *application { a, _ := newRelocating(t); return a },
			request:     &v1alpha1.DRAction{ObjectMeta: metav1.ObjectMeta{Name: "another"}}, refused: true,
		},
		"the point of no return has passed": {
			application: func(t *testing.T) *application {
				a := newApplication(t)
				ok[*v1alpha1.DRAction](t)(a.failover(deadSource("")))
				return a
			},
			request: &v1alpha1.DRAction{}, refused: true, cause: "PointOfNoReturn",
		},
		"it is a dry run": {
			application: func(t *testing.T) *application { a, _ := newRelocating(t); return a },
			request:     &v1alpha1.DRAction{}, options: metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := test.application(t)
			before := a.placement().ResourceVersion
			_, err := a.client.DrV1alpha1().DRPlacementControls(a.namespace).Abort(t.Context(), "shop", test.request, test.options)
			if test.refused != apierrors.IsConflict(err) || test.cause != "" && !apierrors.HasStatusCause(err, test.cause) {
				t.Errorf("the answer is %v", err)
			}
			if a.placement().ResourceVersion != before {
				t.Error("the placement changed")
			}
		})
	}
}
