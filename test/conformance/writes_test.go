// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"encoding/json"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
)

var _ = eachStored("Whoever creates", func(k kind) {
	It("gets an object with all that the server adds", func(ctx SpecContext) {
		object := k.object(unique())
		if !k.record {
			object.Object["status"] = parse(k.status, "")["status"]
		}
		created := k.create(ctx, object)
		Expect(created.GetUID()).NotTo(BeEmpty())
		Expect(created.GetResourceVersion()).NotTo(BeEmpty())
		Expect(created.GetCreationTimestamp()).NotTo(Equal(metav1.Time{}))
		Expect(created.GetGeneration()).To(BeEquivalentTo(1))
		Expect(created.GetManagedFields()).NotTo(BeEmpty())
		if !k.record {
			Expect(created).NotTo(contain(k.status), "nobody creates objects with a status")
		}
	}, SpecTimeout(specTimeout))

	It("may leave the choice of a name to the server", func(ctx SpecContext) {
		object := k.object("")
		object.SetGenerateName("c-generated-")
		one, two := k.create(ctx, object), k.create(ctx, k.renamed(object))
		Expect(one.GetName()).To(HavePrefix("c-generated-"))
		Expect(two.GetName()).To(And(HavePrefix("c-generated-"), Not(Equal(one.GetName()))))
	}, SpecTimeout(specTimeout))

	It("is refused what exists, what has no name, and what claims to have been stored", func(ctx SpecContext) {
		name := unique()
		k.create(ctx, k.object(name))
		_, err := k.objects().Create(ctx, k.object(name), metav1.CreateOptions{})
		Expect(err).To(refused(http.StatusConflict, "already exists"))
		Expect(apierrors.IsAlreadyExists(err)).To(BeTrue())
		Expect(k.post(ctx, k.object(""), "").status().Message).To(ContainSubstring("name or generateName is required"))
		stored := k.object(unique())
		stored.SetResourceVersion("1")
		Expect(k.post(ctx, stored, "").status().Message).To(ContainSubstring("resourceVersion should not be set"))
		bad := k.object("Not_A_Name")
		_, err = k.objects().Create(ctx, bad, metav1.CreateOptions{})
		Expect(err).To(refused(http.StatusUnprocessableEntity, "metadata.name", "Not_A_Name"))
	}, SpecTimeout(specTimeout))

	It("is refused an object without a spec, or with a type of another kind", func(ctx SpecContext) {
		empty := k.object(unique())
		delete(empty.Object, "spec")
		_, err := k.objects().Create(ctx, empty, metav1.CreateOptions{})
		Expect(err).To(refused(http.StatusUnprocessableEntity, "spec"))
		other := k.object(unique())
		other.SetKind("ProtectedVolume")
		Expect(k.post(ctx, other, "").code).To(Equal(http.StatusBadRequest))
	}, SpecTimeout(specTimeout))
})

var _ = eachStored("Whoever updates", func(k kind) {
	It("is told of a conflict if the object has changed since it was read", func(ctx SpecContext) {
		old := k.create(ctx, k.object(unique()))
		k.annotate(ctx, old.GetName(), "changed", "yes")
		old.SetAnnotations(map[string]string{"mine": "yes"})
		_, err := k.objects().Update(ctx, old, metav1.UpdateOptions{})
		Expect(err).To(refused(http.StatusConflict, "the object has been modified"))
		Expect(apierrors.IsConflict(err)).To(BeTrue())
	}, SpecTimeout(specTimeout))

	It("may say nothing of the version and replaces what there is", func(ctx SpecContext) {
		old := k.create(ctx, k.object(unique()))
		k.annotate(ctx, old.GetName(), "changed", "yes")
		old.SetResourceVersion("")
		old.SetUID("")
		old.SetAnnotations(map[string]string{"mine": "yes"})
		replaced, err := k.objects().Update(ctx, old, metav1.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(replaced.GetAnnotations()).To(Equal(map[string]string{"mine": "yes"}))
	}, SpecTimeout(specTimeout))

	It("is refused another object of the same name, another name, and an object that is missing", func(ctx SpecContext) {
		object := k.create(ctx, k.object(unique()))
		other := object.DeepCopy()
		other.SetResourceVersion("")
		other.SetUID("00000000-0000-0000-0000-000000000000")
		_, err := k.objects().Update(ctx, other, metav1.UpdateOptions{})
		Expect(err).To(refused(http.StatusConflict, "UID"))

		_, err = k.objects().Update(ctx, k.object("missing"), metav1.UpdateOptions{})
		Expect(err).To(refused(http.StatusNotFound, `"missing"`))

		body, err := json.Marshal(object)
		Expect(err).NotTo(HaveOccurred())
		got := send(ctx, request{method: http.MethodPut, path: k.path("another"), body: body})
		Expect(got.code).To(Equal(http.StatusBadRequest))
		Expect(got.status().Message).To(ContainSubstring("name of the object"))
	}, SpecTimeout(specTimeout))

	It("changes neither status nor what the server wrote", func(ctx SpecContext) {
		created := k.create(ctx, k.object(unique()))
		updated := k.update(ctx, created.GetName(), func(object *unstructured.Unstructured) {
			object.Object["status"] = parse(k.status, "")["status"]
			object.SetGeneration(17)
			object.SetCreationTimestamp(metav1.Unix(0, 0))
			object.SetLabels(map[string]string{"new": "yes"})
		})
		Expect(updated).NotTo(contain(k.status))
		Expect(updated.GetGeneration()).To(BeEquivalentTo(1))
		Expect(updated.GetCreationTimestamp()).To(Equal(created.GetCreationTimestamp()))
		Expect(updated.GetLabels()).To(HaveKey("new"))
	}, SpecTimeout(specTimeout))

	It("raises the generation with spec and with nothing else", func(ctx SpecContext) {
		name := k.create(ctx, k.object(unique())).GetName()
		Expect(k.patch(ctx, name, "metadata: {annotations: {a: b}, labels: {c: d}}").GetGeneration()).To(BeEquivalentTo(1))
		Expect(k.patch(ctx, name, k.status, "status").GetGeneration()).To(BeEquivalentTo(1))
		if k.change == "" {
			return
		}
		changed := k.patch(ctx, name, k.change)
		Expect(changed).To(contain(k.change))
		Expect(changed.GetGeneration()).To(BeEquivalentTo(2))
		Expect(k.patch(ctx, name, k.change).GetGeneration()).To(BeEquivalentTo(2))
	}, SpecTimeout(specTimeout))

	It("is told which field can't be changed, and what to do instead", func(ctx SpecContext) {
		name := k.create(ctx, k.object(unique())).GetName()
		_, err := k.objects().Patch(ctx, name, types.MergePatchType, patch(k.fixed), metav1.PatchOptions{})
		Expect(err).To(refused(http.StatusUnprocessableEntity, k.at+":"))
		Expect(err.(apierrors.APIStatus).Status().Details.Causes).To(ContainElement(HaveField("Field", k.at)))
	}, SpecTimeout(specTimeout))
})

var _ = eachStored("Whoever patches", func(k kind) {
	It("may use a JSON patch, the tests of which have to hold", func(ctx SpecContext) {
		name := k.create(ctx, k.labelled(unique(), "before")).GetName()
		change := `[{"op":"test","path":"/metadata/labels/` + label + `","value":"before"},{"op":"replace","path":"/metadata/labels/` + label + `","value":"after"}]`
		patched, err := k.objects().Patch(ctx, name, types.JSONPatchType, []byte(change), metav1.PatchOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(patched.GetLabels()).To(HaveKeyWithValue(label, "after"))
		_, err = k.objects().Patch(ctx, name, types.JSONPatchType, []byte(change), metav1.PatchOptions{})
		Expect(err).To(refused(http.StatusUnprocessableEntity))
		_, err = k.objects().Patch(ctx, name, types.JSONPatchType, []byte(`[{"op":"remove","path":"/spec"}]`), metav1.PatchOptions{})
		Expect(err).To(refused(http.StatusUnprocessableEntity, "spec"))
	}, SpecTimeout(specTimeout))

	It("may use merge patches, also strategic ones", func(ctx SpecContext) {
		name := k.create(ctx, k.labelled(unique(), "before")).GetName()
		for _, patchType := range []types.PatchType{types.MergePatchType, types.StrategicMergePatchType} {
			change := []byte(`{"metadata":{"labels":{"` + label + `":null,"by":"` + string(patchType[len("application/"):len("application/")+5]) + `"}}}`)
			patched, err := k.objects().Patch(ctx, name, patchType, change, metav1.PatchOptions{})
			Expect(err).NotTo(HaveOccurred())
			Expect(patched.GetLabels()).To(And(HaveLen(1), HaveKey("by")))
		}
	}, SpecTimeout(specTimeout))

	It("may make it depend on the version", func(ctx SpecContext) {
		old := k.create(ctx, k.object(unique()))
		k.annotate(ctx, old.GetName(), "changed", "yes")
		change := `metadata: {resourceVersion: "` + old.GetResourceVersion() + `", labels: {a: b}}`
		_, err := k.objects().Patch(ctx, old.GetName(), types.MergePatchType, patch(change), metav1.PatchOptions{})
		Expect(err).To(refused(http.StatusConflict))
		_, err = k.objects().Patch(ctx, "missing", types.MergePatchType, []byte(`{}`), metav1.PatchOptions{})
		Expect(err).To(refused(http.StatusNotFound))
	}, SpecTimeout(specTimeout))
})

var _ = eachStored("Whoever writes status", func(k kind) {
	It("changes status and nothing else", func(ctx SpecContext) {
		created := k.create(ctx, k.object(unique()))
		change := parse(k.status, "")
		change["metadata"] = map[string]any{"labels": map[string]any{"smuggled": "yes"}, "finalizers": []any{"example.com/smuggled"}}
		change["spec"] = parse("reason: smuggled\nregion: smuggled\nschedulingInterval: 1h\nfailoverCluster: smuggled\nepoch: 77\nclusterID: smuggled", "")
		body, err := json.Marshal(change)
		Expect(err).NotTo(HaveOccurred())
		updated, err := k.objects().Patch(ctx, created.GetName(), types.MergePatchType, body, metav1.PatchOptions{}, "status")
		Expect(err).NotTo(HaveOccurred())
		Expect(updated).To(contain(k.status))
		Expect(updated.Object["spec"]).To(Equal(created.Object["spec"]))
		Expect(updated.GetLabels()).To(BeEmpty())
		Expect(updated.GetFinalizers()).To(BeEmpty())
		Expect(updated.GetGeneration()).To(BeEquivalentTo(1))
	}, SpecTimeout(specTimeout))

	It("names the version it was derived from", func(ctx SpecContext) {
		created := k.create(ctx, k.object(unique()))
		k.annotate(ctx, created.GetName(), "changed", "yes")
		_, err := k.objects().UpdateStatus(ctx, created, metav1.UpdateOptions{})
		Expect(err).To(refused(http.StatusConflict, "the object has been modified"))
		created.SetResourceVersion("")
		_, err = k.objects().UpdateStatus(ctx, created, metav1.UpdateOptions{})
		Expect(err).To(refused(http.StatusUnprocessableEntity, "metadata.resourceVersion", "must be specified for an update"))
		_, err = k.objects().UpdateStatus(ctx, k.object("missing"), metav1.UpdateOptions{})
		Expect(err).To(refused(http.StatusNotFound))
	}, SpecTimeout(specTimeout))

	It("reads it there too, and neither creates nor deletes it", func(ctx SpecContext) {
		name := k.create(ctx, k.object(unique())).GetName()
		read, err := k.objects().Get(ctx, name, metav1.GetOptions{}, "status")
		Expect(err).NotTo(HaveOccurred())
		Expect(read.Object).To(HaveKey("spec"))
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			Expect(send(ctx, request{method: method, path: k.path(name, "status"), body: []byte("{}")}).code).To(Equal(http.StatusMethodNotAllowed))
		}
	}, SpecTimeout(specTimeout))
})

// renamed is the object under a name that makes another selector of it, where kinds may not select the same.
func (k kind) renamed(object *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	another := &unstructured.Unstructured{Object: parse(k.manifest, unique())}
	another.Object["apiVersion"], another.Object["kind"], another.Object["metadata"] =
		object.Object["apiVersion"], object.Object["kind"], object.Object["metadata"]
	return another.DeepCopy()
}

// post creates an object with parameters that no client would send.
func (k kind) post(ctx context.Context, object *unstructured.Unstructured, query string) answer {
	GinkgoHelper()
	body, err := json.Marshal(object)
	Expect(err).NotTo(HaveOccurred())
	return send(ctx, request{method: http.MethodPost, path: k.path() + query, body: body})
}

// update changes an object as it is now.
func (k kind) update(ctx context.Context, name string, change func(*unstructured.Unstructured)) *unstructured.Unstructured {
	GinkgoHelper()
	var updated *unstructured.Unstructured
	Expect(retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		object := k.get(ctx, name)
		change(object)
		var err error
		updated, err = k.objects().Update(ctx, object, metav1.UpdateOptions{FieldManager: "updater"})
		return err
	})).To(Succeed())
	return updated
}
