// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"slices"
	"strings"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	openapi_v3 "github.com/google/gnostic-models/openapiv3"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const model = "io.ramen.dr.v1alpha1."

// property is what the specs look at of a schema in either version of OpenAPI.
type property struct {
	Description string              `json:"description"`
	Ref         string              `json:"$ref"`
	AllOf       []property          `json:"allOf"`
	Type        string              `json:"type"`
	Properties  map[string]property `json:"properties"`
	Items       *property           `json:"items"`
	GVKs        []struct {
		Group, Version, Kind string
	} `json:"x-kubernetes-group-version-kind"`
}

var _ = Describe("OpenAPI", func() {
	It("of version 3 is valid, and describes every kind, field and address", func(ctx SpecContext) {
		group := "apis/" + v1alpha1.SchemeGroupVersion.String()
		index := as[struct {
			Paths map[string]struct {
				URL string `json:"serverRelativeURL"`
			}
		}](send(ctx, request{path: "/openapi/v3"}))
		Expect(index.Paths).To(HaveKey(group))
		got := send(ctx, request{path: index.Paths[group].URL})
		_, err := openapi_v3.ParseDocument(got.body)
		Expect(err).NotTo(HaveOccurred())
		document := as[struct {
			Paths      map[string]json.RawMessage
			Components struct{ Schemas map[string]property }
		}](got)
		for ref := range refs(got.body) {
			Expect(document.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")]).NotTo(BeZero(), ref)
		}
		expectDescribed(document.Components.Schemas)
		for _, k := range slices.Concat(stored, computed) {
			collection := "/" + group + "/"
			if k.namespaced {
				Expect(document.Paths).To(HaveKey(collection + k.resource))
				collection += "namespaces/{namespace}/"
			}
			collection += k.resource
			Expect(document.Paths).To(And(HaveKey(collection), HaveKey(collection+"/{name}")))
			for subresource := range k.subresources() {
				Expect(document.Paths).To(HaveKey(collection + "/{name}/" + subresource))
			}
		}
	}, SpecTimeout(specTimeout))

	It("of version 2 is valid, and describes every kind and field", func(ctx SpecContext) {
		got := send(ctx, request{path: "/openapi/v2"})
		_, err := openapi_v2.ParseDocument(got.body)
		Expect(err).NotTo(HaveOccurred())
		document := as[struct {
			Paths       map[string]json.RawMessage
			Definitions map[string]property
			Parameters  map[string]json.RawMessage
		}](got)
		for ref := range refs(got.body) {
			if parameter, found := strings.CutPrefix(ref, "#/parameters/"); found {
				Expect(document.Parameters[parameter]).NotTo(BeEmpty(), ref)
				continue
			}
			Expect(document.Definitions[strings.TrimPrefix(ref, "#/definitions/")]).NotTo(BeZero(), ref)
		}
		expectDescribed(document.Definitions)
		Expect(document.Paths).To(HaveKey("/apis/dr.ramen.io/v1alpha1/namespaces/{namespace}/drplacementcontrols/{name}/failover"))
	}, SpecTimeout(specTimeout))
})

// expectDescribed expects that each kind is there by its type, and that each field says what it is.
func expectDescribed(schemas map[string]property) {
	GinkgoHelper()
	for _, k := range slices.Concat(stored, computed) {
		for _, name := range []string{k.name, k.name + "List"} {
			found := schemas[model+name]
			Expect(found.GVKs).To(HaveLen(1), name)
			Expect(found.GVKs[0].Kind).To(Equal(name))
			Expect(found.GVKs[0].Group).To(Equal(v1alpha1.GroupName))
		}
	}
	for name, s := range schemas {
		if !strings.HasPrefix(name, model) {
			continue
		}
		Expect(s.Description).NotTo(BeEmpty(), name)
		for field, property := range s.Properties {
			Expect(property.Description).NotTo(BeEmpty(), name+"."+field)
			described := property.Type != "" || property.Ref != "" || len(property.AllOf) > 0
			Expect(described).To(BeTrue(), name+"."+field+" has no type")
		}
	}
}

// refs are all references in a document.
func refs(document []byte) map[string]bool {
	result := map[string]bool{}
	for _, part := range strings.Split(string(document), `"$ref":"`)[1:] {
		ref, _, _ := strings.Cut(part, `"`)
		result[ref] = true
	}
	return result
}
