// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// propagations are all ways to delete an object and its dependents.
var propagations = []metav1.DeletionPropagation{
	metav1.DeletePropagationBackground, metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan,
}

const finalizer = "example.com/conformance"

var _ = eachStored("Whoever deletes", func(k kind) {
	It("may make it depend on the UID and the version", func(ctx SpecContext) {
		object := k.create(ctx, k.object(unique()))
		k.annotate(ctx, object.GetName(), "changed", "yes")
		for _, preconditions := range []metav1.Preconditions{
			{UID: ptr.To(types.UID("00000000-0000-0000-0000-000000000000"))},
			{ResourceVersion: ptr.To(object.GetResourceVersion())},
		} {
			err := k.objects().Delete(ctx, object.GetName(), metav1.DeleteOptions{Preconditions: &preconditions})
			Expect(err).To(refused(http.StatusConflict, "in the precondition"))
		}
		right := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: ptr.To(object.GetUID())}}
		Expect(k.objects().Delete(ctx, object.GetName(), right)).To(Succeed())
		err := k.objects().Delete(ctx, object.GetName(), metav1.DeleteOptions{})
		Expect(err).To(refused(http.StatusNotFound))
	}, SpecTimeout(specTimeout))

	It("waits for finalizers, which can only be taken off from then on", func(ctx SpecContext) {
		object := k.object(unique())
		object.SetFinalizers([]string{finalizer})
		name := k.create(ctx, object).GetName()
		Expect(k.objects().Delete(ctx, name, metav1.DeleteOptions{})).To(Succeed())
		deleting := k.get(ctx, name)
		Expect(deleting.GetDeletionTimestamp()).NotTo(BeNil())
		Expect(deleting.GetDeletionGracePeriodSeconds()).To(HaveValue(BeZero()))
		Expect(deleting.GetGeneration()).To(BeEquivalentTo(2), "what has to be done about the object has changed")

		another := patch("metadata: {finalizers: [" + finalizer + ", example.com/late]}")
		_, err := k.objects().Patch(ctx, name, types.MergePatchType, another, metav1.PatchOptions{})
		Expect(err).To(refused(http.StatusUnprocessableEntity, "metadata.finalizers", "no new finalizers can be added if the object is being deleted"))
		k.patch(ctx, name, k.status, "status")

		k.patch(ctx, name, "metadata: {finalizers: null}")
		_, err = k.objects().Get(ctx, name, metav1.GetOptions{})
		Expect(err).To(refused(http.StatusNotFound))
	}, SpecTimeout(specTimeout))

	It("deletes collections by labels and by fields, and nothing else", func(ctx SpecContext) {
		selector, made := k.some(ctx, 3)
		left := func() []string { return names(k.list(ctx, metav1.ListOptions{LabelSelector: selector})) }
		byName := metav1.ListOptions{LabelSelector: selector, FieldSelector: "metadata.name=" + made[0]}
		Expect(k.objects().DeleteCollection(ctx, metav1.DeleteOptions{}, byName)).To(Succeed())
		Expect(left()).To(ConsistOf(made[1:]))
		Expect(k.objects().DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: selector + ",no=such"})).To(Succeed())
		Expect(left()).To(ConsistOf(made[1:]))
		Expect(k.objects().DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: selector})).To(Succeed())
		Expect(left()).To(BeEmpty())
	}, SpecTimeout(specTimeout))

	for _, propagation := range propagations {
		It("deletes collections whatever becomes of dependents: "+string(propagation), func(ctx SpecContext) {
			selector, _ := k.some(ctx, 2)
			Expect(k.objects().DeleteCollection(ctx, metav1.DeleteOptions{PropagationPolicy: &propagation}, metav1.ListOptions{LabelSelector: selector})).To(Succeed())
			// With Foreground and Orphan the garbage collector has to look for dependents first.
			Eventually(func() []unstructured.Unstructured {
				return k.list(ctx, metav1.ListOptions{LabelSelector: selector}).Items
			}).WithContext(ctx).WithTimeout(await).Should(BeEmpty())
		}, SpecTimeout(specTimeout))
	}

	It("is told of a propagation policy that does not exist", func(ctx SpecContext) {
		name := k.create(ctx, k.object(unique())).GetName()
		err := k.objects().Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletionPropagation("Sideways"))})
		Expect(err).To(refused(http.StatusUnprocessableEntity, "Sideways"))
	}, SpecTimeout(specTimeout))
})
