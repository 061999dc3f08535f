// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var _ = Describe("A namespace", func() {
	It("is deleted with objects of every kind in it, and takes no new ones meanwhile", func(ctx SpecContext) {
		doomed := newNamespace(ctx)
		held := stored[0]
		for _, k := range stored {
			if !k.namespaced {
				continue
			}
			object := k.object(unique())
			object.SetNamespace(doomed)
			if k.name == held.name {
				object.SetFinalizers([]string{finalizer})
				held = k
			}
			_, err := k.objectsIn(doomed).Create(ctx, object, metav1.CreateOptions{})
			Expect(err).NotTo(HaveOccurred())
		}
		reportingGroup(ctx, doomed)
		Expect(hub.Kube.CoreV1().Namespaces().Delete(ctx, doomed, metav1.DeleteOptions{})).To(Succeed())

		late := held.object(unique())
		late.SetNamespace(doomed)
		Eventually(func(ctx context.Context) error {
			_, err := held.objectsIn(doomed).Create(ctx, late, metav1.CreateOptions{DryRun: dryRun})
			return err
		}).WithContext(ctx).WithTimeout(await).Should(refused(http.StatusForbidden, "being terminated"))

		Eventually(func(ctx context.Context) ([]string, error) {
			list, err := held.objectsIn(doomed).List(ctx, metav1.ListOptions{})
			if err != nil {
				return nil, err
			}
			deleting := []string{}
			for i := range list.Items {
				if list.Items[i].GetDeletionTimestamp() != nil {
					deleting = append(deleting, list.Items[i].GetName())
				}
			}
			return deleting, nil
		}).WithContext(ctx).WithTimeout(await).Should(HaveLen(1))
		for _, name := range names(must(held.objectsIn(doomed).List(ctx, metav1.ListOptions{}))) {
			_, err := held.objectsIn(doomed).Patch(ctx, name, "application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
			Expect(err).NotTo(HaveOccurred())
		}
		Eventually(func(ctx context.Context) bool {
			_, err := hub.Kube.CoreV1().Namespaces().Get(ctx, doomed, metav1.GetOptions{})
			return apierrors.IsNotFound(err)
		}).WithContext(ctx).WithTimeout(await).Should(BeTrue())
	}, SpecTimeout(specTimeout))

	It("has to exist", func(ctx SpecContext) {
		for _, k := range stored {
			if !k.namespaced {
				continue
			}
			object := k.object(unique())
			object.SetNamespace("conformance-missing")
			_, err := k.objectsIn("conformance-missing").Create(ctx, object, metav1.CreateOptions{})
			Expect(err).To(refused(http.StatusNotFound, `namespaces "conformance-missing" not found`), k.name)
		}
	}, SpecTimeout(specTimeout))
})

// must is the result of a call that has to succeed.
func must[T any](result T, err error) T {
	GinkgoHelper()
	Expect(err).NotTo(HaveOccurred())
	return result
}
