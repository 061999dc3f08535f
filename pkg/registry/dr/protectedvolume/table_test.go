// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package protectedvolume

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

func TestWhatIsWrongWithAVolume(t *testing.T) {
	condition := func(conditionType string, status metav1.ConditionStatus, reason string) metav1.Condition {
		return metav1.Condition{Type: conditionType, Status: status, Reason: reason}
	}
	for want, conditions := range map[string][]metav1.Condition{
		"<none>": {condition(dr.ConditionDataReady, metav1.ConditionTrue, "Secondary"), condition(dr.ConditionDataProtected, metav1.ConditionTrue, "InSync")},
		"Demoting": {
			condition(dr.ConditionDataReady, metav1.ConditionFalse, "Demoting"), condition(dr.ConditionDataProtected, metav1.ConditionFalse, "Resyncing"),
		},
		"Resyncing": {condition(dr.ConditionDataReady, metav1.ConditionTrue, "Secondary"), condition(dr.ConditionDataProtected, metav1.ConditionFalse, "Resyncing")},
		"Superseded": {
			condition(dr.ConditionDataReady, metav1.ConditionTrue, dr.ReasonSuperseded), condition(dr.ConditionDataProtected, metav1.ConditionTrue, dr.ReasonSuperseded),
		},
	} {
		if got := wrong(conditions); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
