// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gcustom"
	gomegatypes "github.com/onsi/gomega/types"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// label tells the objects of one spec from those of all others.
const label = "conformance"

// labelled returns a minimal object with a label.
func (k kind) labelled(name, value string) *unstructured.Unstructured {
	GinkgoHelper()
	object := k.object(name)
	object.SetLabels(map[string]string{label: value})
	return object
}

// create makes an object, which goes when the spec ends.
func (k kind) create(ctx context.Context, object *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	created, err := k.objects().Create(ctx, object, metav1.CreateOptions{FieldManager: "creator"})
	Expect(err).NotTo(HaveOccurred())
	k.cleanUp(created.GetName())
	return created
}

// cleanUp has the object go when the spec ends, finalizers or not.
func (k kind) cleanUp(name string) {
	DeferCleanup(func(ctx SpecContext) {
		_, err := k.objects().Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		if err == nil {
			err = k.objects().Delete(ctx, name, metav1.DeleteOptions{})
		}
		if !apierrors.IsNotFound(err) {
			Expect(err).NotTo(HaveOccurred())
		}
	}, NodeTimeout(specTimeout))
}

// some makes as many objects with a label of their own, which is returned.
func (k kind) some(ctx context.Context, count int) (selector string, names []string) {
	GinkgoHelper()
	value := unique()
	for range count {
		names = append(names, k.create(ctx, k.labelled(unique(), value)).GetName())
	}
	return label + "=" + value, names
}

// get returns an object as it is now.
func (k kind) get(ctx context.Context, name string) *unstructured.Unstructured {
	GinkgoHelper()
	object, err := k.objects().Get(ctx, name, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	return object
}

// list returns what the options select.
func (k kind) list(ctx context.Context, options metav1.ListOptions) *unstructured.UnstructuredList {
	GinkgoHelper()
	list, err := k.objects().List(ctx, options)
	Expect(err).NotTo(HaveOccurred())
	return list
}

// patch merges a piece of a manifest into an object, or into a subresource of it.
func (k kind) patch(ctx context.Context, name, manifest string, subresources ...string) *unstructured.Unstructured {
	GinkgoHelper()
	object, err := k.objects().Patch(ctx, name, types.MergePatchType, patch(manifest), metav1.PatchOptions{FieldManager: "patcher"}, subresources...)
	Expect(err).NotTo(HaveOccurred())
	return object
}

// names of the objects of a list.
func names(list *unstructured.UnstructuredList) []string {
	result := []string{}
	for i := range list.Items {
		result = append(result, list.Items[i].GetName())
	}
	return result
}

// answer is what the hub answered to a request.
type answer struct {
	code   int
	header http.Header
	body   []byte
}

// status is the answer as a Status.
func (a answer) status() metav1.Status {
	GinkgoHelper()
	return as[metav1.Status](a)
}

// as reads the answer's JSON.
func as[T any](a answer) T {
	GinkgoHelper()
	var content T
	Expect(json.Unmarshal(a.body, &content)).To(Succeed(), "the answer is %s", a.body)
	return content
}

// request is one that no client would send as it is meant to be sent.
type request struct {
	method, path, accept, contentType string
	body                              []byte
}

// send sends a request as the hub's admin.
func send(ctx context.Context, r request) answer {
	GinkgoHelper()
	client, err := rest.HTTPClientFor(hub.Config)
	Expect(err).NotTo(HaveOccurred())
	if r.method == "" {
		r.method = http.MethodGet
	}
	sent, err := http.NewRequestWithContext(ctx, r.method, hub.Config.Host+r.path, bytes.NewReader(r.body))
	Expect(err).NotTo(HaveOccurred())
	if r.accept != "" {
		sent.Header.Set("Accept", r.accept)
	}
	if r.contentType == "" {
		r.contentType = "application/json"
	}
	sent.Header.Set("Content-Type", r.contentType)
	response, err := client.Do(sent)
	Expect(err).NotTo(HaveOccurred())
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	return answer{code: response.StatusCode, header: response.Header, body: body}
}

// contain accepts what has, among other things, all that the piece of a manifest has.
func contain(manifest string) gomegatypes.GomegaMatcher {
	wanted := parse(manifest, "")
	return gcustom.MakeMatcher(func(object *unstructured.Unstructured) (bool, error) {
		return includes(object.Object, wanted), nil
	}).WithTemplate("Expected\n{{.FormattedActual}}\n{{.To}} contain\n{{format .Data 1}}", wanted)
}

// includes says whether all of wanted is somewhere in actual: each field of a map, each item of a list.
func includes(actual, wanted any) bool {
	switch parts := wanted.(type) {
	case map[string]any:
		content, isMap := actual.(map[string]any)
		for key, value := range parts {
			if !isMap || !includes(content[key], value) {
				return false
			}
		}
		return isMap
	case []any:
		items, isList := actual.([]any)
		return isList && !slices.ContainsFunc(parts, func(part any) bool {
			return !slices.ContainsFunc(items, func(item any) bool { return includes(item, part) })
		})
	}
	return reflect.DeepEqual(normal(actual), normal(wanted))
}

// normal is a value with numbers all of one type.
func normal(value any) any {
	content, err := json.Marshal(value)
	if err != nil {
		return value
	}
	var result any
	if json.Unmarshal(content, &result) != nil {
		return value
	}
	return result
}

// refused accepts an error of the API with that code whose message has all the words.
func refused(code int32, words ...string) gomegatypes.GomegaMatcher {
	matchers := []gomegatypes.GomegaMatcher{
		HaveOccurred(),
		WithTransform(func(err error) int32 {
			var status apierrors.APIStatus
			if errors.As(err, &status) {
				return status.Status().Code
			}
			return 0
		}, Equal(code)),
	}
	for _, word := range words {
		matchers = append(matchers, MatchError(ContainSubstring(word)))
	}
	return And(matchers...)
}
