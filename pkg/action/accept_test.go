// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action_test

import (
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

var acknowledged = action.Request{
	Type: v1alpha1.ActionFailover, Acknowledgements: []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite},
}

func equal(a, b any) bool { return equality.Semantic.DeepEqual(a, b) }

func states(f action.Facts) [3]v1alpha1.StepState {
	steps := f.Placement.Status.CurrentAction.Status.Steps
	return [3]v1alpha1.StepState{steps[0].State, steps[1].State, steps[2].State}
}

func TestAccept(t *testing.T) {
	const (
		pending, run, done = v1alpha1.StepPending, v1alpha1.StepRunning, v1alpha1.StepDone
	)
	for name, test := range map[string]struct {
		facts   action.Facts
		request action.Request
		phase   v1alpha1.DRPlacementControlPhase
		primary string
		states  [3]v1alpha1.StepState
		synced  bool
	}{
		"a failover from a lost cluster is past its point of no return at once": {
			dead(), acknowledged, v1alpha1.PhaseFailingOver, builder.DR2, [3]v1alpha1.StepState{done, run, pending}, false,
		},
		"a failover from a connected cluster stops it first": {
			healthy(), action.Request{Type: v1alpha1.ActionFailover, Force: true, Acknowledgements: acknowledged.Acknowledgements},
			v1alpha1.PhaseFailingOver, builder.DR1, [3]v1alpha1.StepState{run, pending, pending}, true,
		},
		"a relocate begins with the handover": {
			healthy(), relocate(), v1alpha1.PhaseRelocating, builder.DR1, [3]v1alpha1.StepState{run, pending, pending}, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := running(test.facts, test.request)
			status := f.Placement.Status
			if status.Phase != test.phase || status.PrimaryCluster != test.primary || status.Epoch != 4 {
				t.Errorf("got %s, primary %s, epoch %d", status.Phase, status.PrimaryCluster, status.Epoch)
			}
			if states(f) != test.states {
				t.Errorf("steps %v, want %v", states(f), test.states)
			}
			if synced := status.LastGroupSyncTime != nil; synced != test.synced {
				t.Errorf("sync time kept: %v, want %v", synced, test.synced)
			}
			complete := meta.FindStatusCondition(status.CurrentAction.Status.Conditions, v1alpha1.ConditionComplete)
			if complete == nil || complete.Status != metav1.ConditionFalse || complete.Reason != v1alpha1.ReasonInProgress {
				t.Errorf("condition Complete is %+v", complete)
			}
			for _, conditionType := range []string{"Available", "PeerReady", "Protected"} {
				if c := meta.FindStatusCondition(status.Conditions, conditionType); c == nil || c.Reason != string(test.phase) {
					t.Errorf("condition %s is %+v", conditionType, c)
				}
			}
		})
	}
}

func TestRepeatedRequests(t *testing.T) {
	named := action.Request{Type: v1alpha1.ActionFailover, Name: "storm", Force: true}
	namedAcknowledged := named
	namedAcknowledged.Acknowledgements = acknowledged.Acknowledgements
	for name, test := range map[string]struct {
		first, again action.Request
		lostSince    bool
		changed      bool
		passed       bool
	}{
		"the same name is the same action": {first: named, again: named},
		"the same name with defaults left out is the same action": {
			first: named, again: action.Request{Type: v1alpha1.ActionFailover, Name: "storm"},
		},
		"an acknowledgement is added to a named action": {first: named, again: namedAcknowledged, changed: true},
		"an acknowledgement is added to an action that is not named": {
			first: action.Request{Type: v1alpha1.ActionFailover, Force: true}, again: acknowledged, changed: true,
		},
		"an acknowledgement lets an action go on whose source was lost": {
			first: action.Request{Type: v1alpha1.ActionFailover, Force: true}, again: acknowledged, lostSince: true, changed: true, passed: true,
		},
		"an acknowledgement that was given before changes nothing": {first: namedAcknowledged, again: namedAcknowledged},
	} {
		t.Run(name, func(t *testing.T) {
			f := running(healthy(), test.first)
			if test.lostSince {
				f.Clusters[builder.DR1] = lost()
			}
			before := f.Placement.DeepCopy()
			f.Now = now.Add(time.Minute)
			record := action.Preflight(f, test.again)
			if refusal := action.Refusal(record); refusal != nil {
				t.Fatal(refusal)
			}
			action.Accept(f.Placement, record)
			if f.Placement.Status.Epoch != before.Status.Epoch || f.Placement.Status.CurrentAction.Name != before.Status.CurrentAction.Name {
				t.Error("it became another action")
			}
			if changed := !equal(before, f.Placement); changed != test.changed {
				t.Errorf("changed: %v, want %v", changed, test.changed)
			}
			if passed := action.PastPointOfNoReturn(f.Placement.Status.CurrentAction); passed != test.passed {
				t.Errorf("past the point of no return: %v, want %v", passed, test.passed)
			}
			if test.passed != (f.Placement.Status.PrimaryCluster == builder.DR2) {
				t.Errorf("primary is %s", f.Placement.Status.PrimaryCluster)
			}
			again := f.Placement.DeepCopy()
			action.Accept(f.Placement, action.Preflight(f, test.again))
			if !equal(again, f.Placement) && test.again.Name != "" {
				t.Error("a further repetition changed something")
			}
		})
	}
}

func TestNamesOfOtherActionsAreRefused(t *testing.T) {
	f := running(healthy(), action.Request{Type: v1alpha1.ActionRelocate, Name: "move", TargetCluster: builder.DR2})
	action.End(f.Placement.Status.CurrentAction, v1alpha1.ReasonSucceeded, "", metav1.NewMicroTime(now))
	record := action.Preflight(f, action.Request{Type: v1alpha1.ActionFailover, Name: "move", Force: true})
	if action.Refusal(record) == nil {
		t.Error("a failover took the name of a relocate")
	}
	same := action.Preflight(f, action.Request{Type: v1alpha1.ActionRelocate, Name: "move", TargetCluster: builder.DR2})
	if !equal(same, *f.Placement.Status.CurrentAction) {
		t.Error("an ended action asked for again by name is not answered with what became of it")
	}
}

func TestAbort(t *testing.T) {
	passed := running(healthy(), relocate())
	action.PassPointOfNoReturn(&passed.Placement.Status, "handed over", metav1.NewMicroTime(now))
	ended := running(healthy(), relocate())
	action.End(ended.Placement.Status.CurrentAction, v1alpha1.ReasonAborted, "", metav1.NewMicroTime(now))
	for name, test := range map[string]struct {
		facts   action.Facts
		refused metav1.CauseType
	}{
		"a relocate that hands over":                              {facts: running(healthy(), relocate())},
		"a failover that stops its source":                        {facts: running(healthy(), action.Request{Type: v1alpha1.ActionFailover, Force: true})},
		"nothing is under way":                                    {facts: healthy(), refused: action.CauseNothingToAbort},
		"the action has ended":                                    {facts: ended, refused: action.CauseNothingToAbort},
		"a relocate past its point of no return":                  {facts: passed, refused: action.CausePointOfNoReturn},
		"a failover that was past its point of no return at once": {facts: running(dead(), acknowledged), refused: action.CausePointOfNoReturn},
	} {
		t.Run(name, func(t *testing.T) {
			placement := test.facts.Placement
			before := placement.DeepCopy()
			err := action.Abort(placement, "sue", "wrong one", now)
			if test.refused != "" {
				checkAbortRefused(t, err, test.refused)
				if !equal(before, placement) {
					t.Error("a refused abort changed something")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			abort := placement.Status.CurrentAction.Status.Abort
			if placement.Status.Epoch != 5 || abort == nil || abort.Epoch != 5 || abort.RequestedBy != "sue" || abort.Reason != "wrong one" {
				t.Errorf("epoch %d, abort %+v", placement.Status.Epoch, abort)
			}
			if placement.Status.PrimaryCluster != builder.DR1 || action.Ended(placement.Status.CurrentAction) {
				t.Error("an abort neither moves the application nor ends the action at once")
			}
			once := placement.DeepCopy()
			if err := action.Abort(placement, "bob", "", now.Add(time.Minute)); err != nil || !equal(once, placement) {
				t.Errorf("a repeated abort changed something, or failed: %v", err)
			}
		})
	}
}

func checkAbortRefused(t *testing.T, err error, cause metav1.CauseType) {
	t.Helper()
	var status *apierrors.StatusError
	if !errors.As(err, &status) || status.Status().Code != 409 || !apierrors.HasStatusCause(err, cause) {
		t.Errorf("got %v, want a conflict because of %s", err, cause)
	}
}

func TestEndClosesEveryStep(t *testing.T) {
	for reason, want := range map[string][3]v1alpha1.StepState{
		v1alpha1.ReasonSucceeded: {v1alpha1.StepDone, v1alpha1.StepSkipped, v1alpha1.StepSkipped},
		v1alpha1.ReasonFailed:    {v1alpha1.StepFailed, v1alpha1.StepSkipped, v1alpha1.StepSkipped},
		v1alpha1.ReasonAborted:   {v1alpha1.StepSkipped, v1alpha1.StepSkipped, v1alpha1.StepSkipped},
	} {
		t.Run(reason, func(t *testing.T) {
			f := running(healthy(), relocate())
			action.End(f.Placement.Status.CurrentAction, reason, "", metav1.NewMicroTime(now))
			if states(f) != want {
				t.Errorf("steps %v, want %v", states(f), want)
			}
			if !action.Ended(f.Placement.Status.CurrentAction) || f.Placement.Status.CurrentAction.Status.CompletionTime == nil {
				t.Error("the action has not ended")
			}
		})
	}
}

func TestDRActionIsARecordOfItsOwn(t *testing.T) {
	f := running(healthy(), relocate())
	recorded := action.DRAction(f.Placement, *f.Placement.Status.CurrentAction)
	if recorded.Namespace != "shop" || recorded.Name != "shop-relocate-4" || len(recorded.OwnerReferences) != 0 ||
		recorded.Labels[v1alpha1.LabelDRPlacementControl] != "shop" {
		t.Errorf("got metadata %+v", recorded.ObjectMeta)
	}
	recorded.Status.Steps[0].Message = "changed"
	if f.Placement.Status.CurrentAction.Status.Steps[0].Message == "changed" {
		t.Error("the record shares memory with the placement")
	}
}
