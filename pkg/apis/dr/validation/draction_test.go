// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

func TestDRActionRequest(t *testing.T) {
	tests := map[string]struct {
		action  dr.DRAction
		verb    dr.ActionType
		refused []string
	}{
		"empty":           {dr.DRAction{}, dr.ActionFailover, nil},
		"what is implied": {dr.DRAction{Spec: dr.DRActionSpec{Type: dr.ActionFailover, DRPlacementControl: "shop"}}, dr.ActionFailover, nil},
		"an abort of any": {dr.DRAction{Spec: dr.DRActionSpec{Type: dr.ActionRelocate}}, "", nil},
		"everything wrong": {
			dr.DRAction{ObjectMeta: metav1.ObjectMeta{Name: "A B"}, Spec: dr.DRActionSpec{
				Type: dr.ActionRelocate, DRPlacementControl: "bank", TargetCluster: "a.b", Reason: strings.Repeat("x", 1025),
				Acknowledgements: []dr.Acknowledgement{dr.AckSourceMayStillWrite, "Whatever"},
				LeaveBehind:      []string{"data-1", "shop/data-2", "data-1"},
			}},
			dr.ActionFailover,
			[]string{
				"metadata.name: is no name of a DRAction", "spec.type: POST it to the subresource of that action",
				"spec.drPlacementControl: POST it to that DRPlacementControl", "spec.targetCluster: must not contain dots; name a DRCluster",
				"spec.reason: 1024", "spec.acknowledgements[1]: \"SourceMayStillWrite\"",
				"spec.leaveBehind[1]: without their namespace", "spec.leaveBehind[2]: Duplicate",
			},
		},
		"more left behind than anybody means": {
			dr.DRAction{Spec: dr.DRActionSpec{LeaveBehind: claims(101)}}, dr.ActionFailover, []string{"spec.leaveBehind: 100"},
		},
		"a failover that leaves something behind": {dr.DRAction{Spec: dr.DRActionSpec{LeaveBehind: claims(100)}}, dr.ActionFailover, nil},
		"a relocate that does": {
			dr.DRAction{Spec: dr.DRActionSpec{LeaveBehind: claims(1)}}, dr.ActionRelocate, []string{"spec.leaveBehind: loses nothing"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			expect(t, append(ValidateDRActionRequest(&test.action, test.verb, "shop"), declared(t, &test.action, nil)...), test.refused)
		})
	}
}

func claims(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("data-%d", i))
	}
	return names
}

func record(changes ...func(*dr.DRAction)) *dr.DRAction {
	a := &dr.DRAction{
		ObjectMeta: metav1.ObjectMeta{Name: "shop-failover-2", Namespace: "shop"},
		Spec:       dr.DRActionSpec{Type: dr.ActionFailover, DRPlacementControl: "shop", TargetCluster: "dr2", Epoch: 2},
	}
	for _, change := range changes {
		change(a)
	}
	return a
}

func ended(a *dr.DRAction) {
	a.Status.Conditions = []metav1.Condition{{Type: dr.ConditionComplete, Status: metav1.ConditionTrue}}
}

func TestDRAction(t *testing.T) {
	expect(t, ValidateDRAction(record()), nil)
	expect(t, ValidateDRAction(record(func(a *dr.DRAction) { a.Spec = dr.DRActionSpec{} })), []string{
		"spec.type: name what was done", "spec.drPlacementControl: POST to the failover or relocate subresource",
		"spec.targetCluster: where the application was moved to", "spec.epoch: begins an epoch",
	})
}

func TestDRActionUpdate(t *testing.T) {
	acknowledge := func(a *dr.DRAction) { a.Spec.Acknowledgements = []dr.Acknowledgement{dr.AckSourceMayStillWrite} }
	leave := func(a *dr.DRAction) {
		a.Spec.LeaveBehind = append(a.Spec.LeaveBehind, fmt.Sprintf("data-%d", len(a.Spec.LeaveBehind)))
	}
	expect(t, ValidateDRActionUpdate(record(leave, acknowledge, leave), record(leave)), nil)
	expect(t, ValidateDRActionUpdate(record(leave), record(leave, leave)), []string{"spec: ask anew"})
	expect(t, ValidateDRActionUpdate(record(leave, leave), record(leave, ended)), []string{"spec: ask anew"})
	another := func(a *dr.DRAction) { a.Spec.TargetCluster = "dr3" }
	expect(t, ValidateDRActionUpdate(record(), record()), nil)
	expect(t, ValidateDRActionUpdate(record(acknowledge), record()), nil)
	expect(t, ValidateDRActionUpdate(record(), record(acknowledge)), []string{"spec: ask anew"})
	expect(t, ValidateDRActionUpdate(record(acknowledge), record(ended)), []string{"spec: ask anew"})
	expect(t, ValidateDRActionUpdate(record(acknowledge, another), record()), []string{"spec: ask anew"})
}

func TestDRActionStatusUpdate(t *testing.T) {
	at := func(minute int) *metav1.MicroTime {
		return &metav1.MicroTime{Time: time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC)}
	}
	protected := func(minute int) func(*dr.DRAction) {
		return func(a *dr.DRAction) { a.Status.ProtectedTime = at(minute) }
	}
	completed := func(a *dr.DRAction) { a.Status.CompletionTime = at(1) }
	const refusal = "status: only protectedTime"
	expect(t, ValidateDRActionStatusUpdate(record(ended), record(completed)), nil)
	expect(t, ValidateDRActionStatusUpdate(record(ended, protected(2)), record(ended)), nil)
	expect(t, ValidateDRActionStatusUpdate(record(ended, completed), record(ended)), []string{refusal})
	expect(t, ValidateDRActionStatusUpdate(record(completed), record(ended, completed)), []string{refusal})
	expect(t, ValidateDRActionStatusUpdate(record(ended, protected(3)), record(ended, protected(2))), []string{refusal})
	expect(t, ValidateDRActionStatusUpdate(record(ended), record(ended, protected(2))), []string{refusal})
}
