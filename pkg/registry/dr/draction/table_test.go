// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package draction

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

func TestStateAndDurationOfAnAction(t *testing.T) {
	accepted := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *metav1.MicroTime { return &metav1.MicroTime{Time: accepted.Add(d)} }
	steps := []dr.ActionStep{{Name: "StopSource", State: "Done"}, {Name: "Promote", State: dr.StepRunning}}
	complete := func(status metav1.ConditionStatus, reason string) []metav1.Condition {
		return []metav1.Condition{{Type: dr.ConditionComplete, Status: status, Reason: reason}}
	}
	tests := map[string]struct {
		status      dr.DRActionStatus
		state, took string
	}{
		"not accepted": {dr.DRActionStatus{}, dr.ReasonInProgress, "<none>"},
		"under way": {
			dr.DRActionStatus{AcceptedTime: at(0), Steps: steps, Conditions: complete(metav1.ConditionFalse, dr.ReasonInProgress)}, "Promote", "10s",
		},
		"being aborted": {dr.DRActionStatus{AcceptedTime: at(0), Steps: steps, Abort: &dr.AbortRequest{}}, "Aborting", "10s"},
		"succeeded": {
			dr.DRActionStatus{AcceptedTime: at(0), WorkloadReadyTime: at(4 * time.Second), CompletionTime: at(5 * time.Second),
				Steps: steps, Conditions: complete(metav1.ConditionTrue, "Succeeded")}, "Succeeded", "4s",
		},
		"aborted": {
			dr.DRActionStatus{AcceptedTime: at(0), CompletionTime: at(6 * time.Second), Abort: &dr.AbortRequest{},
				Conditions: complete(metav1.ConditionTrue, "Aborted")}, "Aborted", "6s",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			action := &dr.DRAction{Status: test.status}
			if state, took := state(action), took(action, accepted.Add(10*time.Second)); state != test.state || took != test.took {
				t.Errorf("shown as %s after %s, wanted %s after %s", state, took, test.state, test.took)
			}
		})
	}
}
