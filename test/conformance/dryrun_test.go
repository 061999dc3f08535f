// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

var dryRun = []string{metav1.DryRunAll}

var _ = eachStored("A dry run", func(k kind) {
	It("of a creation answers what would be, and creates nothing", func(ctx SpecContext) {
		name := unique()
		created, err := k.objects().Create(ctx, k.object(name), metav1.CreateOptions{DryRun: dryRun})
		Expect(err).NotTo(HaveOccurred())
		Expect(created.GetUID()).NotTo(BeEmpty())
		applied, err := k.objects().Apply(ctx, name, withoutStatus(k.object(name)), metav1.ApplyOptions{DryRun: dryRun, FieldManager: "one"})
		Expect(err).NotTo(HaveOccurred())
		Expect(applied.GetUID()).NotTo(BeEmpty())
		_, err = k.objects().Get(ctx, name, metav1.GetOptions{})
		Expect(err).To(refused(http.StatusNotFound))
	}, SpecTimeout(specTimeout))

	It("of a refused creation is refused", func(ctx SpecContext) {
		_, err := k.objects().Create(ctx, k.object("Not_A_Name"), metav1.CreateOptions{DryRun: dryRun})
		Expect(err).To(refused(http.StatusUnprocessableEntity, "metadata.name"))
		Expect(k.post(ctx, k.object(unique()), "?dryRun=Some").status().Message).To(ContainSubstring(`"Some"`))
	}, SpecTimeout(specTimeout))

	It("of any change answers what would be, and changes nothing", func(ctx SpecContext) {
		name := k.create(ctx, k.object(unique())).GetName()
		change := "metadata: {labels: {" + label + ": changed}}"
		for text, try := range map[string]func(context.Context) (*unstructured.Unstructured, error){
			"update": func(ctx context.Context) (*unstructured.Unstructured, error) {
				object := k.labelled(name, "changed")
				return k.objects().Update(ctx, object, metav1.UpdateOptions{DryRun: dryRun})
			},
			"merge patch": func(ctx context.Context) (*unstructured.Unstructured, error) {
				return k.objects().Patch(ctx, name, types.MergePatchType, patch(change), metav1.PatchOptions{DryRun: dryRun})
			},
			"JSON patch": func(ctx context.Context) (*unstructured.Unstructured, error) {
				body := `[{"op":"add","path":"/metadata/labels","value":{"` + label + `":"changed"}}]`
				return k.objects().Patch(ctx, name, types.JSONPatchType, []byte(body), metav1.PatchOptions{DryRun: dryRun})
			},
			"apply": func(ctx context.Context) (*unstructured.Unstructured, error) {
				object := k.bare(name)
				object.SetLabels(map[string]string{label: "changed"})
				return k.objects().Apply(ctx, name, object, metav1.ApplyOptions{DryRun: dryRun, FieldManager: "one"})
			},
		} {
			changed, err := try(ctx)
			Expect(err).NotTo(HaveOccurred(), text)
			Expect(changed.GetLabels()).To(HaveKeyWithValue(label, "changed"), text)
			Expect(k.get(ctx, name).GetLabels()).To(BeEmpty(), text)
		}
	}, SpecTimeout(specTimeout))

	It("of a change of status changes nothing", func(ctx SpecContext) {
		name := k.create(ctx, k.object(unique())).GetName()
		for text, try := range map[string]func(context.Context) (*unstructured.Unstructured, error){
			"patch": func(ctx context.Context) (*unstructured.Unstructured, error) {
				return k.objects().Patch(ctx, name, types.MergePatchType, patch(k.status), metav1.PatchOptions{DryRun: dryRun}, "status")
			},
			"apply": func(ctx context.Context) (*unstructured.Unstructured, error) {
				object := k.bare(name)
				object.Object["status"] = parse(k.status, "")["status"]
				return k.objects().ApplyStatus(ctx, name, object, metav1.ApplyOptions{DryRun: dryRun, FieldManager: "one", Force: true})
			},
		} {
			changed, err := try(ctx)
			Expect(err).NotTo(HaveOccurred(), text)
			Expect(changed).To(contain(k.status), text)
			Expect(k.get(ctx, name)).NotTo(contain(k.status), text)
		}
	}, SpecTimeout(specTimeout))

	It("of a deletion deletes nothing, and does not begin to", func(ctx SpecContext) {
		selector, made := k.some(ctx, 2)
		for _, propagation := range propagations {
			options := metav1.DeleteOptions{DryRun: dryRun, PropagationPolicy: &propagation}
			Expect(k.objects().Delete(ctx, made[0], options)).To(Succeed())
			Expect(k.objects().DeleteCollection(ctx, options, metav1.ListOptions{LabelSelector: selector})).To(Succeed())
		}
		list := k.list(ctx, metav1.ListOptions{LabelSelector: selector})
		Expect(names(list)).To(ConsistOf(made))
		for i := range list.Items {
			Expect(list.Items[i].GetDeletionTimestamp()).To(BeNil())
			Expect(list.Items[i].GetFinalizers()).To(BeEmpty())
		}
	}, SpecTimeout(specTimeout))
})

// withoutStatus is what a user applies.
func withoutStatus(object *unstructured.Unstructured) *unstructured.Unstructured {
	delete(object.Object, "status")
	return object
}
