// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"
	"testing"

	"k8s.io/kube-openapi/pkg/validation/spec"

	"github.com/ramendr/dr-apiserver/pkg/generated/openapi"
)

// TestExplainHasSomethingToSay keeps `kubectl explain` useful for every field.
func TestExplainHasSomethingToSay(t *testing.T) {
	const model = "io.ramen.dr.v1alpha1."
	definitions := openapi.GetOpenAPIDefinitions(func(path string) spec.Ref { return spec.MustCreateRef(path) })
	fields := 0
	for name, definition := range definitions {
		kind, ours := strings.CutPrefix(name, model)
		if !ours {
			continue
		}
		if definition.Schema.Description == "" {
			t.Errorf("%s says nothing of itself", kind)
		}
		for field, schema := range definition.Schema.Properties {
			fields++
			if len(strings.Fields(schema.Description)) < 3 {
				t.Errorf("%s.%s is described as %q", kind, field, schema.Description)
			}
		}
	}
	if fields < 100 {
		t.Errorf("only %d fields were found", fields)
	}
}
