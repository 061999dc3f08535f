// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

var _ = eachStored("Whoever applies on the server's side", func(k kind) {
	It("creates what is not there, and changes nothing by applying it again", func(ctx SpecContext) {
		object := k.object(unique())
		delete(object.Object, "status")
		created := k.apply(ctx, "one", object)
		Expect(created.GetGeneration()).To(BeEquivalentTo(1))
		Expect(fieldsOf(owned(created, "one", metav1.ManagedFieldsOperationApply, ""))).To(ConsistOf(
			slices.Collect(maps.Keys(object.Object["spec"].(map[string]any)))))
		again := k.apply(ctx, "one", object)
		Expect(again.GetUID()).To(Equal(created.GetUID()))
		Expect(again.GetGeneration()).To(BeEquivalentTo(1))
		Expect(managedTime(again, "one")).To(Equal(managedTime(created, "one")))
	}, SpecTimeout(specTimeout))

	It("is told who owns what another one applied, and may insist", func(ctx SpecContext) {
		mine := k.labelled(unique(), "mine")
		delete(mine.Object, "status")
		k.apply(ctx, "one", mine)
		theirs := k.bare(mine.GetName())
		theirs.SetLabels(map[string]string{label: "theirs"})
		_, err := k.objects().Apply(ctx, mine.GetName(), theirs, metav1.ApplyOptions{FieldManager: "two"})
		Expect(err).To(refused(http.StatusConflict, `conflict with "one"`, ".metadata.labels."+label))
		forced, err := k.objects().Apply(ctx, mine.GetName(), theirs, metav1.ApplyOptions{FieldManager: "two", Force: true})
		Expect(err).NotTo(HaveOccurred())
		Expect(forced.GetLabels()).To(HaveKeyWithValue(label, "theirs"))
		Expect(owned(forced, "two", metav1.ManagedFieldsOperationApply, "")).To(ConsistOf(".metadata.labels." + label))
		Expect(owned(forced, "one", metav1.ManagedFieldsOperationApply, "")).NotTo(ContainElement(".metadata.labels." + label))
	}, SpecTimeout(specTimeout))

	It("takes away what is no longer applied", func(ctx SpecContext) {
		object := k.labelled(unique(), "here")
		delete(object.Object, "status")
		k.apply(ctx, "one", object)
		object.SetLabels(nil)
		Expect(k.apply(ctx, "one", object).GetLabels()).To(BeEmpty())
	}, SpecTimeout(specTimeout))

	It("owns no status by applying the object, whatever it says of status", func(ctx SpecContext) {
		object := k.object(unique())
		object.Object["status"] = parse(k.status, "")["status"]
		applied := k.apply(ctx, "one", object)
		Expect(owned(applied, "one", metav1.ManagedFieldsOperationApply, "")).NotTo(ContainElement(HavePrefix(".status")))
		if !k.record {
			Expect(applied).NotTo(contain(k.status))
		}
	}, SpecTimeout(specTimeout))

	It("owns status by applying status, and no spec", func(ctx SpecContext) {
		created := k.create(ctx, k.object(unique()))
		object := k.object(created.GetName())
		object.Object["status"] = parse(k.status, "")["status"]
		applied, err := k.objects().ApplyStatus(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: "reporter", Force: true})
		Expect(err).NotTo(HaveOccurred())
		Expect(applied).To(contain(k.status))
		Expect(applied.Object["spec"]).To(Equal(created.Object["spec"]))
		Expect(applied.GetGeneration()).To(BeEquivalentTo(1))
		Expect(owned(applied, "reporter", metav1.ManagedFieldsOperationApply, "status")).To(
			And(Not(BeEmpty()), HaveEach(HavePrefix(".status"))))
		_, err = k.objects().ApplyStatus(ctx, "missing", k.object("missing"), metav1.ApplyOptions{FieldManager: "reporter"})
		Expect(err).To(refused(http.StatusNotFound))
	}, SpecTimeout(specTimeout))

	It("is told what is wrong with a body that can't be applied", func(ctx SpecContext) {
		object := k.object(unique())
		object.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "x", Operation: metav1.ManagedFieldsOperationApply, APIVersion: "v1"}})
		body, err := object.MarshalJSON()
		Expect(err).NotTo(HaveOccurred())
		apply := request{method: http.MethodPatch, path: k.path(object.GetName()), contentType: string(types.ApplyPatchType), body: body}
		Expect(send(ctx, apply).status().Message).To(ContainSubstring("fieldManager: Required value"))
		apply.path += "?fieldManager=one"
		Expect(send(ctx, apply).status().Message).To(ContainSubstring("metadata.managedFields must be nil"))
	}, SpecTimeout(specTimeout))
})

var _ = eachStored("Whoever updates without applying", func(k kind) {
	It("owns what was changed: spec by the object, status by its status", func(ctx SpecContext) {
		created := k.create(ctx, k.labelled(unique(), "mine"))
		Expect(owned(created, "creator", metav1.ManagedFieldsOperationUpdate, "")).To(And(
			ContainElement(HavePrefix(".spec")), ContainElement(".metadata.labels."+label), Not(ContainElement(HavePrefix(".status")))))
		reported := k.patch(ctx, created.GetName(), k.status, "status")
		Expect(owned(reported, "patcher", metav1.ManagedFieldsOperationUpdate, "status")).To(
			And(Not(BeEmpty()), HaveEach(HavePrefix(".status"))))
	}, SpecTimeout(specTimeout))
})

// bare is an object with nothing but its type and name.
func (k kind) bare(name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(k.gvk())
	object.SetName(name)
	if k.namespaced {
		object.SetNamespace(namespace)
	}
	return object
}

// apply applies an object, which goes when the spec ends.
func (k kind) apply(ctx context.Context, manager string, object *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	applied, err := k.objects().Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: manager})
	Expect(err).NotTo(HaveOccurred())
	k.cleanUp(object.GetName())
	return applied
}

// owned are the paths of the leaves that a manager owns in the way given.
func owned(object *unstructured.Unstructured, manager string, operation metav1.ManagedFieldsOperationType, subresource string) []string {
	GinkgoHelper()
	result := []string{}
	for _, entry := range object.GetManagedFields() {
		if entry.Manager == manager && entry.Operation == operation && entry.Subresource == subresource {
			result = append(result, paths(entry.FieldsV1)...)
		}
	}
	return result
}

func paths(fields *metav1.FieldsV1) []string {
	GinkgoHelper()
	set := &fieldpath.Set{}
	Expect(set.FromJSON(fields.GetRawReader())).To(Succeed())
	result := []string{}
	set.Leaves().Iterate(func(path fieldpath.Path) { result = append(result, path.String()) })
	return result
}

// managedTime is when the manager last changed anything.
func managedTime(object *unstructured.Unstructured, manager string) *metav1.Time {
	for _, entry := range object.GetManagedFields() {
		if entry.Manager == manager {
			return entry.Time
		}
	}
	return nil
}

// fieldsOf are the names of the fields of spec that paths are in.
func fieldsOf(paths []string) []string {
	GinkgoHelper()
	result := []string{}
	for _, path := range paths {
		below, found := strings.CutPrefix(path, ".spec.")
		Expect(found).To(BeTrue(), path)
		name := strings.FieldsFunc(below, func(r rune) bool { return r == '.' || r == '[' })[0]
		if !slices.Contains(result, name) {
			result = append(result, name)
		}
	}
	return result
}
