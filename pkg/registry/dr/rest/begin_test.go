// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func TestAcceptedFailoverIsInThePlacementAndOnRecord(t *testing.T) {
	a := newApplication(t)
	generation := a.placement().Generation

	action := ok[*v1alpha1.DRAction](t)(a.failover(deadSource("")))

	placement := a.placement()
	switch current := placement.Status.CurrentAction; {
	case action.Name != "shop-failover-2" || action.UID == "":
		t.Errorf("the answer is DRAction %q with UID %q, wanted shop-failover-2 as it is stored", action.Name, action.UID)
	case action.Spec.RequestedBy != user || action.Spec.TargetCluster != a.target || action.Spec.SourceCluster != a.source:
		t.Errorf("the server filled in %+v", action.Spec)
	case current == nil || current.Name != action.Name || placement.Status.Epoch != 2:
		t.Errorf("the placement has epoch %d and action %+v", placement.Status.Epoch, current)
	case !apiequality.Semantic.DeepEqual(current.Status, action.Status):
		t.Errorf("the answer's status is not the one that was committed:\n%+v\n%+v", action.Status, current.Status)
	case placement.Generation != generation:
		t.Errorf("generation went from %d to %d though no spec changed", generation, placement.Generation)
	}
	records := a.actions()
	if len(records) != 1 || !apiequality.Semantic.DeepEqual(records[0], *action) {
		t.Errorf("on record are %+v, wanted the answer", records)
	}
}

func TestRefusalsAndDryRunsChangeNothing(t *testing.T) {
	tests := map[string]struct {
		revive  bool
		request func(a *application) *v1alpha1.DRAction
		dryRun  []string
		// refused says whether an error is the right one; nil wants none.
		refused func(error) bool
		cause   metav1.CauseType
	}{
		"a healthy source, without force": {
			revive: true, request: func(*application) *v1alpha1.DRAction { return &v1alpha1.DRAction{} },
			refused: apierrors.IsConflict, cause: "SourceUnhealthy",
		},
		"a dead source that may still write": {
			request: func(*application) *v1alpha1.DRAction { return &v1alpha1.DRAction{} },
			refused: apierrors.IsConflict, cause: "SourceStopped",
		},
		"a target nobody knows": {
			request: func(*application) *v1alpha1.DRAction {
				r := deadSource("")
				r.Spec.TargetCluster = "elsewhere"
				return r
			},
			refused: apierrors.IsInvalid, cause: "TargetKnown",
		},
		"a risk nobody knows": {
			request: func(*application) *v1alpha1.DRAction {
				r := deadSource("")
				r.Spec.Acknowledgements = []v1alpha1.Acknowledgement{"Whatever"}
				return r
			},
			refused: apierrors.IsInvalid, cause: metav1.CauseTypeFieldValueNotSupported,
		},
		"the wrong subresource": {
			request: func(*application) *v1alpha1.DRAction {
				r := deadSource("")
				r.Spec.Type = v1alpha1.ActionRelocate
				return r
			},
			refused: apierrors.IsInvalid, cause: metav1.CauseTypeFieldValueInvalid,
		},
		"another placement's UID": {
			request: func(*application) *v1alpha1.DRAction {
				r := deadSource("")
				r.UID = "of another"
				return r
			},
			refused: apierrors.IsConflict,
		},
		"a placement that has changed since": {
			request: func(*application) *v1alpha1.DRAction {
				r := deadSource("")
				r.ResourceVersion = "1"
				return r
			},
			refused: apierrors.IsConflict,
		},
		"a dry run": {
			request: func(*application) *v1alpha1.DRAction { return deadSource("") },
			dryRun:  []string{metav1.DryRunAll},
		},
		"a dry run of what is refused": {
			revive: true, request: func(*application) *v1alpha1.DRAction { return &v1alpha1.DRAction{} },
			dryRun: []string{metav1.DryRunAll}, refused: apierrors.IsConflict, cause: "SourceUnhealthy",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t)
			if test.revive {
				heartbeats.Revive(a.source)
			}
			before := a.placement()

			action, err := a.failover(test.request(a), test.dryRun...)

			switch {
			case test.refused == nil && err != nil:
				t.Errorf("refused: %v", err)
			case test.refused == nil && (len(action.Status.Steps) == 0 || action.Status.DataLossWindow == nil || action.Spec.Epoch != 2):
				t.Errorf("the answer does not tell the plan: %+v", action)
			case test.refused != nil && (err == nil || !test.refused(err)):
				t.Errorf("the answer is %v", err)
			case test.cause != "" && !apierrors.HasStatusCause(err, test.cause):
				t.Errorf("the refusal has no cause %s: %#v", test.cause, err)
			}
			if after := a.placement(); after.ResourceVersion != before.ResourceVersion {
				t.Errorf("the placement changed:\n%+v\n%+v", before.Status, after.Status)
			}
			if records := a.actions(); len(records) != 0 {
				t.Errorf("there are records: %+v", records)
			}
		})
	}
}

func TestPreconditionsThatHoldLetTheRequestPass(t *testing.T) {
	a := newApplication(t)
	request := deadSource("")
	request.UID, request.ResourceVersion = a.placement().UID, a.placement().ResourceVersion
	if _, err := a.failover(request); err != nil {
		t.Error(err)
	}
}

func TestSameNameIsTheSameAction(t *testing.T) {
	a := newApplication(t)
	first := ok[*v1alpha1.DRAction](t)(a.failover(deadSource("burning")))
	committed := a.placement().ResourceVersion

	again := ok[*v1alpha1.DRAction](t)(a.failover(deadSource("burning")))

	if again.UID != first.UID || a.placement().ResourceVersion != committed {
		t.Errorf("the repeated request changed something: %+v", again)
	}
	elsewhere := deadSource("burning")
	elsewhere.Spec.TargetCluster = a.source
	if _, err := a.failover(elsewhere); !apierrors.IsConflict(err) {
		t.Errorf("the same name for another target: %v", err)
	}
	if _, err := a.relocate(&v1alpha1.DRAction{ObjectMeta: metav1.ObjectMeta{Name: "burning"}}); !apierrors.IsConflict(err) {
		t.Errorf("the same name for another type: %v", err)
	}
}

func TestMoreIsLeftBehindByAskingAgain(t *testing.T) {
	a := newApplication(t)
	groups := a.client.DrV1alpha1().VolumeReplicationGroups(a.namespace)
	group := ok[*v1alpha1.VolumeReplicationGroup](t)(groups.Get(t.Context(), "shop."+a.target, metav1.GetOptions{}))
	for _, name := range []string{"a", "b"} {
		group.Status.ProtectedPVCs = append(group.Status.ProtectedPVCs, v1alpha1.ProtectedPVC{Namespace: a.namespace, Name: name})
	}
	ok[*v1alpha1.VolumeReplicationGroup](t)(groups.UpdateStatus(t.Context(), group, metav1.UpdateOptions{}))
	leaving := func(claims ...string) *v1alpha1.DRAction {
		return &v1alpha1.DRAction{Spec: v1alpha1.DRActionSpec{LeaveBehind: claims}}
	}
	first := ok[*v1alpha1.DRAction](t)(a.failover(deadSource("")))

	again := ok[*v1alpha1.DRAction](t)(a.failover(leaving("b")))

	current := a.placement().Status.CurrentAction
	if again.UID != first.UID || !slices.Equal(again.Spec.LeaveBehind, []string{"b"}) || !slices.Equal(current.Spec.LeaveBehind, []string{"b"}) {
		t.Errorf("the answer is %+v, and in the placement is %+v", again.Spec, current.Spec)
	}
	if _, err := a.failover(leaving("c")); !apierrors.IsInvalid(err) || !slices.Equal(causes(t, err), []string{"LeaveBehindKnown"}) {
		t.Errorf("a claim that nobody has: %v", err)
	}
	if _, err := a.failover(leaving("a/b")); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "without their namespace") {
		t.Errorf("no name of a claim: %v", err)
	}
	if _, err := a.relocate(leaving("a")); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "loses nothing") {
		t.Errorf("a relocate: %v", err)
	}
}

func TestNameOfAnEarlierActionStaysThatAction(t *testing.T) {
	a := newApplication(t)
	first := ok[*v1alpha1.DRAction](t)(a.failover(deadSource("first")))
	a.end(a.source)
	a.secondaryInEpoch(2)
	second := ok[*v1alpha1.DRAction](t)(a.failover(deadSource("second")))

	again := ok[*v1alpha1.DRAction](t)(a.failover(deadSource("first")))

	if again.UID != first.UID || a.placement().Status.CurrentAction.Name != second.Name {
		t.Errorf("repeating the first request gave %s and made %s current", again.Name, a.placement().Status.CurrentAction.Name)
	}
}

// secondaryInEpoch has the target's agent confirm its role in an epoch.
func (a *application) secondaryInEpoch(epoch int64) {
	a.Helper()
	groups := a.client.DrV1alpha1().VolumeReplicationGroups(a.namespace)
	group := ok[*v1alpha1.VolumeReplicationGroup](a.T)(groups.Get(a.Context(), "shop."+a.target, metav1.GetOptions{}))
	group.Spec.Epoch = epoch
	group = ok[*v1alpha1.VolumeReplicationGroup](a.T)(groups.Update(a.Context(), group, metav1.UpdateOptions{}))
	group.Status.Epoch, group.Status.ObservedGeneration = epoch, group.Generation
	ok[*v1alpha1.VolumeReplicationGroup](a.T)(groups.UpdateStatus(a.Context(), group, metav1.UpdateOptions{}))
}

func TestNewActionLeavesTheLastOnesRecordFinal(t *testing.T) {
	tests := map[string]func(a *application, name string){
		"a record that does not know yet": func(*application, string) {},
		"a record that is not there": func(a *application, name string) {
			if err := a.client.DrV1alpha1().DRActions(a.namespace).Delete(a.Context(), name, metav1.DeleteOptions{}); err != nil {
				a.Fatal(err)
			}
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t)
			first := ok[*v1alpha1.DRAction](t)(a.failover(deadSource("")))
			a.end(a.source)
			a.secondaryInEpoch(2)
			ended := a.placement().Status.CurrentAction
			prepare(a, first.Name)

			ok[*v1alpha1.DRAction](t)(a.failover(deadSource("")))

			record := ok[*v1alpha1.DRAction](t)(a.client.DrV1alpha1().DRActions(a.namespace).Get(t.Context(), first.Name, metav1.GetOptions{}))
			if !apiequality.Semantic.DeepEqual(record.Status, ended.Status) {
				t.Errorf("the record says\n%+v, the action ended as\n%+v", record.Status, ended.Status)
			}
		})
	}
}

func TestRecordOfAnEarlierPlacementKeepsItsName(t *testing.T) {
	a := newApplication(t)
	first := ok[*v1alpha1.DRAction](t)(a.failover(deadSource("")))
	a.recreate()

	second := ok[*v1alpha1.DRAction](t)(a.failover(deadSource("")))

	if second.Name == first.Name || !strings.HasPrefix(second.Name, first.Name+"-") || second.UID == first.UID {
		t.Errorf("the action of the new placement is %s, that of the former one %s", second.Name, first.Name)
	}
}

// recreate makes the placement anew; records stay.
func (a *application) recreate() {
	a.Helper()
	former := a.placement()
	placements := a.client.DrV1alpha1().DRPlacementControls(a.namespace)
	if err := placements.Delete(a.Context(), "shop", metav1.DeleteOptions{}); err != nil {
		a.Fatal(err)
	}
	anew := &v1alpha1.DRPlacementControl{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: former.Spec, Status: former.Status}
	anew.Status.Epoch, anew.Status.CurrentAction, anew.Status.PrimaryCluster = 1, nil, a.source
	anew.Status.LastGroupSyncTime, anew.Status.LastKubeObjectProtectionTime = nil, nil
	anew.Status.Phase = v1alpha1.PhaseDeployed
	meta.SetStatusCondition(&anew.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionProtected, Status: metav1.ConditionTrue, Reason: "Protected"})
	a.place(anew)
}

func TestOfManyConcurrentRequestsOneIsAccepted(t *testing.T) {
	a := newApplication(t)
	const many = 8
	errs := make([]error, many)
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() { _, errs[i] = a.failover(deadSource(fmt.Sprintf("request-%d", i))) })
	}
	group.Wait()

	refused := slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	if len(refused) != many-1 {
		t.Errorf("%d of %d were refused: %v", len(refused), many, errs)
	}
	for _, err := range refused {
		if !apierrors.IsConflict(err) || !apierrors.HasStatusCause(err, "NoActionInProgress") {
			t.Errorf("refused with %v", err)
		}
	}
	if placement, records := a.placement(), a.actions(); placement.Status.Epoch != 2 || len(records) != 1 ||
		records[0].Name != placement.Status.CurrentAction.Name {
		t.Errorf("the placement has epoch %d and action %s; on record are %v", placement.Status.Epoch, placement.Status.CurrentAction.Name, records)
	}
}
