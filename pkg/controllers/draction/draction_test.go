// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package draction

import (
	"context"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

var now = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

func accepted(name string, epoch int64) *v1alpha1.ActionRecord {
	at := metav1.NewMicroTime(now)
	return &v1alpha1.ActionRecord{
		Name: name,
		Spec: v1alpha1.DRActionSpec{
			Type: v1alpha1.ActionFailover, DRPlacementControl: "shop", SourceCluster: builder.DR1, TargetCluster: builder.DR2, Epoch: epoch,
		},
		Status: v1alpha1.DRActionStatus{
			AcceptedTime: &at,
			Steps:        []v1alpha1.ActionStep{{Name: v1alpha1.StepStopSource, State: v1alpha1.StepRunning}},
		},
	}
}

func ended(record *v1alpha1.ActionRecord) *v1alpha1.ActionRecord {
	record = record.DeepCopy()
	action.End(record, v1alpha1.ReasonSucceeded, "", metav1.NewMicroTime(now))
	return record
}

func placement(record *v1alpha1.ActionRecord) *v1alpha1.DRPlacementControl {
	return builder.DRPC("shop", "shop").Running(builder.DR1, record.Spec.Epoch, v1alpha1.PhaseFailingOver).Action(record).Obj()
}

func recorded(record *v1alpha1.ActionRecord) *v1alpha1.DRAction {
	return action.DRAction(placement(record), *record)
}

func TestDecide(t *testing.T) {
	first, second := accepted("first", 2), accepted("second", 3)
	protected := ended(first)
	protected.Status.ProtectedTime = &metav1.MicroTime{Time: now}
	rewritten := protected.DeepCopy()
	rewritten.Status.Steps[0].Message = "another story"
	acknowledged := first.DeepCopy()
	acknowledged.Spec.Acknowledgements = []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite}
	promoting := first.DeepCopy()
	promoting.Status.Steps[0].StartTime = &metav1.MicroTime{Time: now}
	deleting := placement(first)
	deleting.DeletionTimestamp = &metav1.Time{Time: now}

	for name, test := range map[string]struct {
		at        time.Time
		placement *v1alpha1.DRPlacementControl
		actions   []*v1alpha1.DRAction
		create    bool
		spec      bool
		// status is the result of each record that is updated.
		status  []string
		requeue time.Duration
	}{
		"a record that the request did not get to write is written after a while": {
			at: now.Add(2 * time.Second), placement: placement(first), create: true,
		},
		"the request is left time to write the record": {
			at: now.Add(500 * time.Millisecond), placement: placement(first), requeue: 1500 * time.Millisecond,
		},
		"a placement that is going gets no new records": {at: now.Add(time.Hour), placement: deleting},
		"a record that is up to date is left alone":     {at: now, placement: placement(first), actions: []*v1alpha1.DRAction{recorded(first)}},
		"a record that is behind is brought up to date": {
			at: now, placement: placement(ended(first)), actions: []*v1alpha1.DRAction{recorded(first)}, status: []string{v1alpha1.ReasonSucceeded},
		},
		"a step that has just begun is left time to lead on": {
			at: now.Add(100 * time.Millisecond), placement: placement(promoting), actions: []*v1alpha1.DRAction{recorded(first)},
			requeue: 400 * time.Millisecond,
		},
		"a step that takes its time is told of": {
			at: now.Add(500 * time.Millisecond), placement: placement(promoting), actions: []*v1alpha1.DRAction{recorded(first)}, status: []string{""},
		},
		"acknowledgements are added to the spec": {
			at: now, placement: placement(acknowledged), actions: []*v1alpha1.DRAction{recorded(first)}, spec: true,
		},
		"a record that has ended gets the time of protection": {
			at: now, placement: placement(protected), actions: []*v1alpha1.DRAction{recorded(ended(first))}, status: []string{v1alpha1.ReasonSucceeded},
		},
		"a record that has ended is not rewritten": {
			at: now, placement: placement(rewritten), actions: []*v1alpha1.DRAction{recorded(protected)},
		},
		"a record of that name of another action is left alone": {
			at: now, placement: placement(second), actions: []*v1alpha1.DRAction{func() *v1alpha1.DRAction {
				other := recorded(ended(first))
				other.Name = "second"
				return other
			}()},
		},
		"a record that lost its place to a later action ends as failed": {
			at: now, placement: placement(second), actions: []*v1alpha1.DRAction{recorded(first), recorded(second)}, status: []string{v1alpha1.ReasonFailed},
		},
		"a record that is newer than what is known of the placement is left alone": {
			at: now, placement: placement(first), actions: []*v1alpha1.DRAction{recorded(first), recorded(second)},
		},
		"a record whose placement is gone ends as failed": {
			at: now, actions: []*v1alpha1.DRAction{recorded(first)}, status: []string{v1alpha1.ReasonFailed},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := Facts{Now: test.at, Placement: test.placement, Actions: map[string]*v1alpha1.DRAction{}}
			for _, a := range test.actions {
				f.Actions[a.Name] = a
			}
			d := Decide(f)
			if (d.Create != nil) != test.create || (d.UpdateSpec != nil) != test.spec || d.RequeueAfter != test.requeue {
				t.Errorf("create %v, update spec %v, requeue after %s", d.Create, d.UpdateSpec, d.RequeueAfter)
			}
			if len(d.UpdateStatus) != len(test.status) {
				t.Fatalf("%d records are updated", len(d.UpdateStatus))
			}
			for i, a := range d.UpdateStatus {
				reason := ""
				if c := meta.FindStatusCondition(a.Status.Conditions, v1alpha1.ConditionComplete); c != nil {
					reason = c.Reason
				}
				if reason != test.status[i] {
					t.Errorf("%s: %s, want %s", a.Name, reason, test.status[i])
				}
			}
			for _, a := range d.UpdateStatus {
				f.Actions[a.Name] = a
			}
			if again := Decide(f); len(test.status) > 0 && len(again.UpdateStatus) > 0 {
				t.Error("the second time something is updated again")
			}
		})
	}
}

func TestReconcileWritesTheRecordThroughAllItsStates(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	record := accepted("first", 2)
	p := placement(record)
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(p).
		WithStatusSubresource(&v1alpha1.DRPlacementControl{}, &v1alpha1.DRAction{}).
		WithIndex(&v1alpha1.DRAction{}, indexActionsByPlacement, func(o client.Object) []string {
			return []string{o.(*v1alpha1.DRAction).Spec.DRPlacementControl}
		}).Build()
	key := types.NamespacedName{Namespace: "shop", Name: "shop"}
	r := &Reconciler{Client: c, Clock: clocktesting.NewFakePassiveClock(now.Add(time.Minute))}
	reconcileOnce := func() *v1alpha1.DRAction {
		t.Helper()
		if _, err := r.Reconcile(context.Background(), reconcile.Request{NamespacedName: key}); err != nil {
			t.Fatal(err)
		}
		got := &v1alpha1.DRAction{}
		if err := c.Get(context.Background(), types.NamespacedName{Namespace: "shop", Name: "first"}, got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := reconcileOnce(); complete(got) {
		t.Errorf("created as %+v", got.Status)
	}
	advance := func(next *v1alpha1.ActionRecord) {
		t.Helper()
		p.Status.CurrentAction = next
		if err := c.Status().Update(context.Background(), p); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Get(context.Background(), key, p); err != nil {
		t.Fatal(err)
	}
	acknowledged := record.DeepCopy()
	acknowledged.Spec.Acknowledgements = []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite}
	acknowledged.Status.Steps[0].Message = "goes on"
	advance(acknowledged)
	if got := reconcileOnce(); len(got.Spec.Acknowledgements) != 1 || got.Status.Steps[0].Message != "goes on" {
		t.Errorf("got %+v", got)
	}
	advance(ended(acknowledged))
	if got := reconcileOnce(); !complete(got) {
		t.Errorf("got %+v", got.Status)
	}
	if err := c.Delete(context.Background(), p); err != nil {
		t.Fatal(err)
	}
	if got := reconcileOnce(); !complete(got) || len(got.OwnerReferences) > 0 {
		t.Errorf("the record did not outlive its placement: %+v", got)
	}
}
