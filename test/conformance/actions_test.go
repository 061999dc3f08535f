// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What actions do is tried end to end; here they are requests like any other.
var _ = Describe("The subresource", func() {
	for _, k := range stored {
		for _, action := range k.actions {
			It(action+" of a "+k.name+" takes a "+k.actionKind()+", or says what is wrong with the request", func(ctx SpecContext) {
				name := k.create(ctx, k.object(unique())).GetName()
				post := func(query, body string) answer {
					return send(ctx, request{method: http.MethodPost, path: k.path(name, action) + query, body: []byte(body)})
				}
				typed := `"apiVersion":"dr.ramen.io/v1alpha1","kind":"` + k.actionKind() + `"`
				for _, query := range []string{"", "?dryRun=All"} {
					got := post(query, `{`+typed+`}`)
					Expect(got.code).To(Equal(http.StatusConflict), "nothing has been set up yet: %s", got.body)
					Expect(got.status().Kind).To(Equal("Status"))
					Expect(got.status().Message).NotTo(BeEmpty())
				}
				wrong := post("", `{"apiVersion":"dr.ramen.io/v1alpha1","kind":"DRPolicy"}`)
				Expect(wrong.code).To(Equal(http.StatusBadRequest))
				Expect(wrong.status().Message).To(ContainSubstring(k.actionKind()))
				misspelt := post("?fieldValidation=Strict", `{`+typed+`,"spec":{"target":"x"}}`)
				Expect(misspelt.code).To(Equal(http.StatusBadRequest))
				Expect(misspelt.status().Message).To(ContainSubstring(`unknown field "spec.target"`))
				Expect(warnings(post("", `{`+typed+`,"spec":{"target":"x"}}`))).To(ContainElement(ContainSubstring(`unknown field "spec.target"`)))
				stale := post("", `{`+typed+`,"metadata":{"uid":"00000000-0000-0000-0000-000000000000"}}`)
				Expect(stale.code).To(Equal(http.StatusConflict))
				Expect(stale.status().Message).To(ContainSubstring("UID"))
				Expect(post("?dryRun=Some", `{`+typed+`}`).code).To(Equal(http.StatusUnprocessableEntity))

				missing := send(ctx, request{method: http.MethodPost, path: k.path("missing", action), body: []byte(`{` + typed + `}`)})
				Expect(missing.code).To(Equal(http.StatusNotFound))
				Expect(missing.status().Message).To(ContainSubstring(`"missing"`))
				for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete} {
					Expect(send(ctx, request{method: method, path: k.path(name, action), body: []byte("{}")}).code).To(Equal(http.StatusMethodNotAllowed), method)
				}
				Expect(hub.DR.DrV1alpha1().DRActions(namespace).List(ctx, metav1.ListOptions{FieldSelector: "spec.drPlacementControl=" + name})).To(
					HaveField("Items", BeEmpty()), "no refused request leaves a trace")
			}, SpecTimeout(specTimeout))
		}
	}
})
