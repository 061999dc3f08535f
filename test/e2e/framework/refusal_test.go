// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package framework

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestRefused(t *testing.T) {
	refused := func(code int32, causes ...metav1.StatusCause) error {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Code: code, Details: &metav1.StatusDetails{Causes: causes}}}
	}
	known, fresh := metav1.StatusCause{Type: "TargetKnown", Message: "no"}, metav1.StatusCause{Type: "CopyFresh", Message: "no"}
	tests := map[string]struct {
		err            error
		refused, alone bool
	}{
		"the cause alone":               {refused(409, known), true, true},
		"the cause and another":         {refused(409, fresh, known), true, false},
		"another cause":                 {refused(409, fresh), false, false},
		"the cause without a message":   {refused(409, metav1.StatusCause{Type: "TargetKnown"}), false, false},
		"another code":                  {refused(403, known), false, false},
		"an error that no server gave":  {errors.New("connection refused"), false, false},
		"no error: it was accepted":     {nil, false, false},
		"a refusal without any details": {&apierrors.StatusError{ErrStatus: metav1.Status{Code: 409}}, false, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := Refused(test.err, 409, "TargetKnown"); (err == nil) != test.refused {
				t.Errorf("Refused: %v, want it to be so: %v", err, test.refused)
			}
			if err := RefusedOnly(test.err, 409, "TargetKnown"); (err == nil) != test.alone {
				t.Errorf("RefusedOnly: %v, want it to be so: %v", err, test.alone)
			}
		})
	}
}
