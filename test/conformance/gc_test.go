// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/utils/ptr"
)

var _ = eachStored("The garbage collector of the hub", func(k kind) {
	It("deletes objects with their owner", func(ctx SpecContext) {
		// Namespaced objects may be owned by cluster-scoped ones too.
		owner, err := hub.Kube.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: unique()}}, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		object := k.object(unique())
		object.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRole", Name: owner.Name, UID: owner.UID,
		}})
		name := k.create(ctx, object).GetName()
		Expect(hub.Kube.RbacV1().ClusterRoles().Delete(ctx, owner.Name, metav1.DeleteOptions{})).To(Succeed())
		Eventually(k.gone).WithContext(ctx).WithArguments(name).WithTimeout(await).Should(BeTrue())
	}, SpecTimeout(specTimeout))

	It("deletes what objects own in the background", func(ctx SpecContext) {
		name, dependent := k.withDependent(ctx)
		Expect(k.objects().Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationBackground)})).To(Succeed())
		Expect(k.gone(ctx, name)).To(BeTrue())
		Eventually(isGone).WithContext(ctx).WithArguments(dependent).WithTimeout(await).Should(BeTrue())
	}, SpecTimeout(specTimeout))

	It("deletes what objects own before them", func(ctx SpecContext) {
		name, dependent := k.withDependent(ctx, finalizer)
		Expect(k.objects().Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationForeground)})).To(Succeed())
		Expect(k.get(ctx, name).GetFinalizers()).To(ConsistOf(metav1.FinalizerDeleteDependents))
		Eventually(func(ctx context.Context) (*metav1.Time, error) {
			found, err := hub.Kube.CoreV1().ConfigMaps(namespace).Get(ctx, dependent, metav1.GetOptions{})
			return found.DeletionTimestamp, err
		}).WithContext(ctx).WithTimeout(await).ShouldNot(BeNil())
		Expect(k.gone(ctx, name)).To(BeFalse(), "it waits for what it owns")
		_, err := hub.Kube.CoreV1().ConfigMaps(namespace).Patch(ctx, dependent, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		Expect(err).NotTo(HaveOccurred())
		Eventually(k.gone).WithContext(ctx).WithArguments(name).WithTimeout(await).Should(BeTrue())
	}, SpecTimeout(specTimeout))

	It("leaves alone what objects own if asked to", func(ctx SpecContext) {
		name, dependent := k.withDependent(ctx)
		Expect(k.objects().Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationOrphan)})).To(Succeed())
		Eventually(k.gone).WithContext(ctx).WithArguments(name).WithTimeout(await).Should(BeTrue())
		left, err := hub.Kube.CoreV1().ConfigMaps(namespace).Get(ctx, dependent, metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(left.OwnerReferences).To(BeEmpty())
	}, SpecTimeout(specTimeout))
})

// withDependent makes an object that owns a ConfigMap, whose deletion it may prevent.
func (k kind) withDependent(ctx context.Context, finalizers ...string) (name, dependent string) {
	GinkgoHelper()
	owner := k.create(ctx, k.object(unique()))
	made, err := hub.Kube.CoreV1().ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: unique(), Finalizers: finalizers,
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: owner.GetAPIVersion(), Kind: k.name, Name: owner.GetName(), UID: owner.GetUID(), BlockOwnerDeletion: ptr.To(true),
		}},
	}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	awaitCollector(ctx)
	return owner.GetName(), made.Name
}

// awaitCollector returns once the garbage collector knows every ConfigMap that exists: what an object owns is let go of with it only
// then. It has been told of all that came before one that it deletes because the owner was never there.
func awaitCollector(ctx context.Context) {
	GinkgoHelper()
	last, err := hub.Kube.CoreV1().ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name:            unique(),
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: unique(), UID: uuid.NewUUID()}},
	}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	Eventually(isGone).WithContext(ctx).WithArguments(last.Name).WithTimeout(await).Should(BeTrue())
}

// gone says whether an object does not exist any more.
func (k kind) gone(ctx context.Context, name string) bool {
	_, err := k.objects().Get(ctx, name, metav1.GetOptions{})
	return apierrors.IsNotFound(err)
}

// isGone says whether a ConfigMap does not exist any more.
func isGone(ctx context.Context, name string) bool {
	_, err := hub.Kube.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	return apierrors.IsNotFound(err)
}
