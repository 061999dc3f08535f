// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned/scheme"
)

var _ = eachStored("Whoever reads", func(k kind) {
	It("gets what was written, by the dynamic, the typed and the metadata client", func(ctx SpecContext) {
		name := unique()
		created := k.create(ctx, k.labelled(name, name))
		Expect(includes(k.get(ctx, name).Object["spec"], parse(k.manifest, name)["spec"])).To(BeTrue())

		typed, err := scheme.Scheme.New(k.gvk())
		Expect(err).NotTo(HaveOccurred())
		client := hub.DR.DrV1alpha1().RESTClient().Get().AbsPath(k.path(name))
		Expect(client.Do(ctx).Into(typed)).To(Succeed())
		converted, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
		Expect(err).NotTo(HaveOccurred())
		Expect(includes(converted["spec"], parse(k.manifest, name)["spec"])).To(BeTrue())

		metadata, err := k.metadatas().Get(ctx, name, metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(metadata.UID).To(Equal(created.GetUID()))
		Expect(metadata.Labels).To(HaveKeyWithValue(label, name))
	}, SpecTimeout(specTimeout))

	It("is told 404, with the kind and the name, of what does not exist", func(ctx SpecContext) {
		_, err := k.objects().Get(ctx, "missing", metav1.GetOptions{})
		Expect(err).To(refused(http.StatusNotFound, k.resource, `"missing"`))
	}, SpecTimeout(specTimeout))

	It("pages through a list as it was at the first page", func(ctx SpecContext) {
		selector, made := k.some(ctx, 5)
		page := k.list(ctx, metav1.ListOptions{LabelSelector: selector, Limit: 2})
		Expect(page.Items).To(HaveLen(2))
		seen, version := names(page), page.GetResourceVersion()

		late := k.labelled("zz-"+unique(), selector[len(label)+1:])
		k.create(ctx, late)
		Expect(k.objects().Delete(ctx, made[4], metav1.DeleteOptions{})).To(Succeed())
		for page.GetContinue() != "" {
			page = k.list(ctx, metav1.ListOptions{LabelSelector: selector, Limit: 2, Continue: page.GetContinue()})
			Expect(page.GetResourceVersion()).To(Equal(version))
			seen = append(seen, names(page)...)
		}
		Expect(seen).To(ConsistOf(made))
	}, SpecTimeout(specTimeout))

	It("learns how many objects remain", func(ctx SpecContext) {
		k.some(ctx, 3)
		page := k.list(ctx, metav1.ListOptions{Limit: 1})
		Expect(page.GetRemainingItemCount()).To(HaveValue(BeNumerically(">=", 2)))
	}, SpecTimeout(specTimeout))

	It("selects by labels", func(ctx SpecContext) {
		one, two := unique(), unique()
		k.create(ctx, k.labelled(one, one))
		k.create(ctx, k.labelled(two, two))
		for selector, want := range map[string][]string{
			label + "=" + one:                                   {one},
			label + " in (" + one + "," + two + ")":             {one, two},
			label + " in (" + one + "," + two + ")," + "!other": {one, two},
			label + "=" + one + "," + label + "=" + two:         {},
		} {
			Expect(names(k.list(ctx, metav1.ListOptions{LabelSelector: selector}))).To(ConsistOf(want), selector)
		}
		_, err := k.objects().List(ctx, metav1.ListOptions{LabelSelector: "a in b"})
		Expect(err).To(refused(http.StatusBadRequest, "unable to parse requirement"))
	}, SpecTimeout(specTimeout))

	It("selects by fields", func(ctx SpecContext) {
		selector, made := k.some(ctx, 2)
		selected := func(fields string) func() []string {
			return func() []string {
				return names(k.list(ctx, metav1.ListOptions{LabelSelector: selector, FieldSelector: fields}))
			}
		}
		Expect(selected("metadata.name=" + made[0])()).To(ConsistOf(made[0]))
		Expect(selected("metadata.name!=" + made[0])()).To(ConsistOf(made[1]))
		if k.namespaced {
			Expect(selected("metadata.namespace=" + namespace)()).To(ConsistOf(made))
			Expect(selected("metadata.namespace=default")()).To(BeEmpty())
		}
		for field, value := range k.fields {
			Eventually(selected(field+"="+value)).WithContext(ctx).WithTimeout(await).Should(ConsistOf(made), field)
			Expect(selected(field + "=other")()).To(BeEmpty())
			Expect(selected(field + "!=other,metadata.name=" + made[0])()).To(ConsistOf(made[0]))
		}
	}, SpecTimeout(specTimeout))

	It("is told which fields can be selected on", func(ctx SpecContext) {
		_, err := k.objects().List(ctx, metav1.ListOptions{FieldSelector: "spec.colour=red"})
		Expect(err).To(refused(http.StatusBadRequest, "spec.colour", "metadata.name"))
		for field := range k.fields {
			Expect(err).To(MatchError(ContainSubstring(field)))
		}
	}, SpecTimeout(specTimeout))

	It("says how old the answer may be", func(ctx SpecContext) {
		selector, made := k.some(ctx, 1)
		first := k.list(ctx, metav1.ListOptions{LabelSelector: selector}).GetResourceVersion()
		second := k.create(ctx, k.labelled(unique(), selector[len(label)+1:]))
		both := []string{made[0], second.GetName()}

		exact := metav1.ListOptions{LabelSelector: selector, ResourceVersion: first, ResourceVersionMatch: metav1.ResourceVersionMatchExact}
		Expect(names(k.list(ctx, exact))).To(ConsistOf(made))
		Expect(k.list(ctx, exact).GetResourceVersion()).To(Equal(first))
		notOlder := metav1.ListOptions{
			LabelSelector: selector, ResourceVersion: second.GetResourceVersion(), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
		}
		Expect(names(k.list(ctx, notOlder))).To(ConsistOf(both))
		Expect(names(k.list(ctx, metav1.ListOptions{LabelSelector: selector}))).To(ConsistOf(both))
		Eventually(func() []string {
			return names(k.list(ctx, metav1.ListOptions{LabelSelector: selector, ResourceVersion: "0"}))
		}).WithContext(ctx).WithTimeout(await).Should(ConsistOf(both))
		got, err := k.objects().Get(ctx, second.GetName(), metav1.GetOptions{ResourceVersion: second.GetResourceVersion()})
		Expect(err).NotTo(HaveOccurred())
		Expect(got.GetUID()).To(Equal(second.GetUID()))

		_, err = k.objects().List(ctx, metav1.ListOptions{ResourceVersionMatch: metav1.ResourceVersionMatchExact})
		Expect(err).To(refused(http.StatusUnprocessableEntity, "resourceVersionMatch"))
		_, err = k.objects().List(ctx, metav1.ListOptions{ResourceVersion: "yesterday"})
		Expect(err).To(refused(http.StatusBadRequest, "yesterday"))
	}, SpecTimeout(specTimeout))

	It("is told to try again when asking for what is not yet written", func(ctx SpecContext) {
		future := number(k.list(ctx, metav1.ListOptions{Limit: 1}).GetResourceVersion()) + 1_000_000_000
		got := send(ctx, request{path: k.path() + "?resourceVersion=" + strconv.FormatUint(future, 10)})
		Expect(got.code).To(Equal(http.StatusGatewayTimeout))
		Expect(got.status().Message).To(ContainSubstring("Too large resource version"))
		Expect(got.status().Details.RetryAfterSeconds).To(BeNumerically(">", 0))
	}, SpecTimeout(specTimeout))

	It("reads what was just written, though the watch cache answers", func(ctx SpecContext) {
		before := consistentReads(ctx, k.resource)
		for range 5 {
			selector, made := k.some(ctx, 1)
			Expect(names(k.list(ctx, metav1.ListOptions{LabelSelector: selector}))).To(ConsistOf(made))
		}
		Expect(consistentReads(ctx, k.resource)).To(BeNumerically(">=", before+5))
	}, SpecTimeout(specTimeout))
})

var _ = Describe("Lists over all namespaces", func() {
	It("have the objects of every namespace", func(ctx SpecContext) {
		other := newNamespace(ctx)
		DeferCleanup(hub.Kube.CoreV1().Namespaces().Delete, other, metav1.DeleteOptions{})
		for _, k := range stored {
			if !k.namespaced {
				continue
			}
			value := unique()
			k.create(ctx, k.labelled(value, value))
			elsewhere := k.labelled(value, value)
			elsewhere.SetNamespace(other)
			_, err := k.objectsIn(other).Create(ctx, elsewhere, metav1.CreateOptions{})
			Expect(err).NotTo(HaveOccurred())
			list, err := hub.Dynamic.Resource(k.gvr()).List(ctx, metav1.ListOptions{LabelSelector: label + "=" + value})
			Expect(err).NotTo(HaveOccurred())
			Expect(list.Items).To(HaveLen(2), k.name)
		}
	}, SpecTimeout(specTimeout))
})
