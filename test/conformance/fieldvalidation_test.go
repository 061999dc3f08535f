// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// mistaken is one way to write what the server can't read as a field.
type mistaken struct {
	// body of a request about the object.
	body func(k kind, name string) []byte
	// words say what is wrong.
	words string
}

var mistakes = map[string]mistaken{
	"an unknown field": {
		body: func(k kind, name string) []byte {
			object := k.object(name)
			object.Object["spec"].(map[string]any)["colour"] = "red"
			content, err := json.Marshal(object)
			Expect(err).NotTo(HaveOccurred())
			return content
		},
		words: `unknown field "spec.colour"`,
	},
	"a field given twice": {
		body: func(k kind, name string) []byte {
			content, err := json.Marshal(k.object(name))
			Expect(err).NotTo(HaveOccurred())
			return []byte(strings.Replace(string(content), `"spec":{`, `"spec":{},"spec":{`, 1))
		},
		words: `duplicate field "spec"`,
	},
}

var _ = eachStored("Whoever misspells", func(k kind) {
	for text, mistake := range mistakes {
		It("a field is refused, warned or left alone, as asked for: "+text, func(ctx SpecContext) {
			for _, validation := range []string{"Strict", "Warn", "", "Ignore"} {
				name := unique()
				got := send(ctx, request{
					method: http.MethodPost, path: k.path() + "?fieldValidation=" + validation, body: mistake.body(k, name),
				})
				switch validation {
				case "Strict":
					Expect(got.code).To(Equal(http.StatusBadRequest))
					Expect(got.status().Message).To(ContainSubstring(mistake.words))
					continue
				case "Ignore":
					Expect(warnings(got)).To(BeEmpty())
				default:
					Expect(warnings(got)).To(ContainElement(ContainSubstring(mistake.words)))
				}
				Expect(got.code).To(Equal(http.StatusCreated), "%s: %s", validation, got.body)
				k.cleanUp(name)
			}
			got := send(ctx, request{method: http.MethodPost, path: k.path() + "?fieldValidation=Sometimes", body: mistake.body(k, unique())})
			Expect(got.code).To(Equal(http.StatusUnprocessableEntity))
		}, SpecTimeout(specTimeout))

		It("a field in an update is refused: "+text, func(ctx SpecContext) {
			name := k.create(ctx, k.object(unique())).GetName()
			got := send(ctx, request{
				method: http.MethodPut, path: k.path(name) + "?fieldValidation=Strict", body: mistake.body(k, name),
			})
			Expect(got.code).To(Equal(http.StatusBadRequest))
			Expect(got.status().Message).To(ContainSubstring(mistake.words))
		}, SpecTimeout(specTimeout))
	}

	It("a field in a patch is refused", func(ctx SpecContext) {
		name := k.create(ctx, k.object(unique())).GetName()
		for contentType, body := range map[types.PatchType]string{
			types.MergePatchType: `{"spec":{"colour":"red"}}`,
			types.JSONPatchType:  `[{"op":"add","path":"/spec/colour","value":"red"}]`,
		} {
			got := send(ctx, request{
				method: http.MethodPatch, path: k.path(name) + "?fieldValidation=Strict", contentType: string(contentType), body: []byte(body),
			})
			Expect(got.code).To(Equal(http.StatusUnprocessableEntity), string(contentType))
			Expect(got.status().Message).To(ContainSubstring(`unknown field "spec.colour"`))
		}
		apply := k.bare(name)
		apply.Object["spec"] = map[string]any{"colour": "red"}
		body, err := apply.MarshalJSON()
		Expect(err).NotTo(HaveOccurred())
		got := send(ctx, request{
			method: http.MethodPatch, path: k.path(name) + "?fieldManager=one", contentType: string(types.ApplyPatchType), body: body,
		})
		Expect(got.code).To(Equal(http.StatusInternalServerError), "as with built-in kinds, it is no field of the schema")
		Expect(got.status().Message).To(ContainSubstring(".spec.colour: field not declared in schema"))
	}, SpecTimeout(specTimeout))
})

// warnings of an answer.
func warnings(a answer) []string {
	GinkgoHelper()
	headers, errs := utilnet.ParseWarningHeaders(a.header.Values("Warning"))
	Expect(errs).To(BeEmpty())
	texts := []string{}
	for _, header := range headers {
		texts = append(texts, header.Text)
	}
	return texts
}
