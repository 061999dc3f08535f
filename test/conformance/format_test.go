// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const (
	asTable    = "application/json;as=Table;v=v1;g=meta.k8s.io"
	asMetadata = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
	asList     = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
)

var _ = eachStored("Whoever asks for a format", func(k kind) {
	It("gets JSON, YAML, or the first of several that there is", func(ctx SpecContext) {
		name := k.create(ctx, k.object(unique())).GetName()
		for accept, contentType := range map[string]string{
			"":                 "application/json",
			"*/*":              "application/json",
			"application/json": "application/json",
			"application/yaml": "application/yaml",
			"application/vnd.kubernetes.protobuf,application/json": "application/json",
			"application/cbor,application/yaml":                    "application/yaml",
			asTable + ",application/json":                          "application/json",
		} {
			got := send(ctx, request{path: k.path(name), accept: accept})
			Expect(got.code).To(Equal(http.StatusOK), accept)
			Expect(got.header.Get("Content-Type")).To(HavePrefix(contentType), accept)
		}
		got := send(ctx, request{path: k.path(name), accept: "application/yaml"})
		var content map[string]any
		Expect(yaml.Unmarshal(got.body, &content)).To(Succeed())
		Expect(content).To(HaveKeyWithValue("kind", k.name))
		pretty := send(ctx, request{path: k.path(name) + "?pretty=true"})
		Expect(bytes.Count(pretty.body, []byte("\n"))).To(BeNumerically(">", 5))
	}, SpecTimeout(specTimeout))

	It("is told what there is if there is nothing of what was asked for", func(ctx SpecContext) {
		for _, accept := range []string{
			"application/vnd.kubernetes.protobuf", "text/html", "application/json;as=Picture;v=v1;g=meta.k8s.io",
		} {
			got := send(ctx, request{path: k.path(), accept: accept})
			Expect(got.code).To(Equal(http.StatusNotAcceptable), accept)
			Expect(got.body).To(ContainSubstring("application/json"), accept)
		}
		got := send(ctx, request{method: http.MethodPost, path: k.path(), contentType: "application/vnd.kubernetes.protobuf", body: []byte("k8s\x00")})
		Expect(got.code).To(Equal(http.StatusUnsupportedMediaType))
	}, SpecTimeout(specTimeout))

	It("may send YAML", func(ctx SpecContext) {
		name := unique()
		body, err := yaml.Marshal(k.object(name).Object)
		Expect(err).NotTo(HaveOccurred())
		got := send(ctx, request{method: http.MethodPost, path: k.path(), contentType: "application/yaml", body: body})
		Expect(got.code).To(Equal(http.StatusCreated), "%s", got.body)
		k.cleanUp(name)
	}, SpecTimeout(specTimeout))

	It("gets metadata alone, of one or of many", func(ctx SpecContext) {
		selector, made := k.some(ctx, 2)
		one := as[metav1.PartialObjectMetadata](send(ctx, request{path: k.path(made[0]), accept: asMetadata}))
		Expect(one.Kind).To(Equal("PartialObjectMetadata"))
		Expect(one.Name).To(Equal(made[0]))
		got := send(ctx, request{path: k.path() + "?limit=1&labelSelector=" + selector, accept: asList})
		many := as[metav1.PartialObjectMetadataList](got)
		Expect(many.Kind).To(Equal("PartialObjectMetadataList"))
		Expect(many.Items).To(HaveLen(1))
		Expect(many.Continue).NotTo(BeEmpty())
		Expect(got.body).NotTo(ContainSubstring(`"spec":`))
	}, SpecTimeout(specTimeout))

	It("gets a table, with as much of the objects as asked for", func(ctx SpecContext) {
		selector, made := k.some(ctx, 2)
		for include, has := range map[string]string{"": "PartialObjectMetadata", "Metadata": "PartialObjectMetadata", "Object": k.name, "None": ""} {
			path := k.path() + "?labelSelector=" + selector + "&includeObject=" + include
			table := as[metav1.Table](send(ctx, request{path: path, accept: asTable}))
			Expect(table.Kind).To(Equal("Table"))
			Expect(table.ResourceVersion).NotTo(BeEmpty())
			Expect(table.Rows).To(HaveLen(len(made)))
			for _, row := range table.Rows {
				Expect(row.Cells).To(HaveLen(len(table.ColumnDefinitions)))
				Expect(made).To(ContainElement(row.Cells[0]))
				var object metav1.TypeMeta
				if len(row.Object.Raw) > 0 {
					Expect(json.Unmarshal(row.Object.Raw, &object)).To(Succeed())
				}
				Expect(object.Kind).To(Equal(has), "includeObject=%s", include)
			}
			for _, column := range table.ColumnDefinitions {
				Expect(column.Description).NotTo(BeEmpty(), column.Name)
			}
		}
		page := as[metav1.Table](send(ctx, request{path: k.path() + "?limit=1&labelSelector=" + selector, accept: asTable}))
		Expect(page.Rows).To(HaveLen(1))
		Expect(page.Continue).NotTo(BeEmpty())
		one := as[metav1.Table](send(ctx, request{path: k.path(made[0]), accept: asTable}))
		Expect(one.Rows).To(HaveLen(1))
		Expect(send(ctx, request{path: k.path() + "?includeObject=Some", accept: asTable}).code).To(Equal(http.StatusBadRequest))
	}, SpecTimeout(specTimeout))

	It("sees a table change, with the columns at the first event only", func(ctx SpecContext) {
		selector, _ := k.some(ctx, 2)
		got := send(ctx, request{path: k.path() + "?watch=true&timeoutSeconds=1&labelSelector=" + selector, accept: asTable})
		Expect(got.code).To(Equal(http.StatusOK))
		var columns []int
		for lines := bufio.NewScanner(bytes.NewReader(got.body)); lines.Scan(); {
			var seen struct {
				Type   string
				Object metav1.Table
			}
			Expect(json.Unmarshal(lines.Bytes(), &seen)).To(Succeed())
			Expect(seen.Object.Rows).To(HaveLen(1))
			columns = append(columns, len(seen.Object.ColumnDefinitions))
		}
		Expect(len(columns)).To(BeNumerically(">=", 2))
		Expect(columns[0]).NotTo(BeZero())
		Expect(columns[1:]).To(HaveEach(BeZero()))
	}, SpecTimeout(specTimeout))
})
