// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package protectednamespaces

import (
	"errors"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/admission/admissiontest"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

func protecting(namespaces ...string) *dr.DRPlacementControl {
	return &dr.DRPlacementControl{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"},
		Spec:       dr.DRPlacementControlSpec{ProtectedNamespaces: namespaces},
	}
}

func TestValidate(t *testing.T) {
	const create = "create drplacementcontrols "
	rules := map[string]error{create + "stock/": nil, create + "unknown/": errors.New("the hub is out")}
	tests := map[string]struct {
		object, old *dr.DRPlacementControl
		refused     []string
	}{
		"none":                                  {object: protecting()},
		"its own":                               {object: protecting("shop")},
		"one where its writer may protect":      {object: protecting("shop", "stock"), refused: []string{"spec.protectedNamespaces[1]", "stock", "create a DRPlacementControl in namespace stock"}},
		"one where its writer may not":          {object: protecting("bank", "stock"), refused: []string{"forbidden", "spec.protectedNamespaces[0]", "bank", "ada"}},
		"one of which nobody knows":             {object: protecting("unknown"), refused: []string{"unknown", "the hub is out", "try again"}},
		"one that was there already":            {object: protecting("bank"), old: protecting("bank")},
		"one that is added":                     {object: protecting("bank", "stock"), old: protecting("bank"), refused: []string{"spec.protectedNamespaces[1]", "stock"}},
		"one that is taken away and none added": {object: protecting(), old: protecting("bank")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := New()
			if p.ValidateInitialization() == nil {
				t.Error("it would do without an authorizer")
			}
			p.SetAuthorizer(admissiontest.Allowing(rules))
			if err := p.ValidateInitialization(); err != nil {
				t.Fatal(err)
			}
			admissiontest.Expect(t, p.Validate(t.Context(), admissiontest.Attributes("drplacementcontrols", test.object, test.old), nil), test.refused)
		})
	}
}
