// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var dryRun = metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}

// protect makes a DRPlacementControl. Each protects something else than the others in its namespace.
func protect(ctx context.Context, namespace, name string, options metav1.CreateOptions) error {
	placement := framework.Placement(namespace, name)
	placement.Spec.PVCSelector.MatchLabels = map[string]string{"app": name}
	_, err := playground.Hub.DR.DrV1alpha1().DRPlacementControls(namespace).Create(ctx, placement, options)
	return err
}

// bothKinds are the options of a dry run and of a real one.
var bothKinds = map[string]metav1.CreateOptions{"a dry run": dryRun, "no dry run": {}}

var _ = Describe("A namespace", func() {
	It("has to exist before anything is made in it", func(ctx SpecContext) {
		for kind, options := range bothKinds {
			err := protect(ctx, "access-nowhere", "shop", options)
			Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%s: %v", kind, err)
			Expect(err).To(MatchError(`namespaces "access-nowhere" not found`))
		}
	}, SpecTimeout(specTimeout))

	It("that is being deleted takes nothing new", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		core := playground.Hub.Kube.CoreV1()
		kept := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept", Finalizers: []string{"access.test/keep"}}}
		_, err := core.ConfigMaps(namespace).Create(ctx, kept, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx SpecContext) {
			_, err := core.ConfigMaps(namespace).Update(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept"}}, metav1.UpdateOptions{})
			Expect(err).NotTo(HaveOccurred())
		})
		Expect(core.Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})).To(Succeed())
		for kind, options := range bothKinds {
			Eventually(func() bool {
				return apierrors.HasStatusCause(protect(ctx, namespace, "shop", options), corev1.NamespaceTerminatingCause)
			}).WithContext(ctx).Should(BeTrue(), kind)
			err := protect(ctx, namespace, "shop", options)
			Expect(err).To(MatchError(ContainSubstring("because it is being terminated")))
		}
	}, SpecTimeout(specTimeout))
})

const countPlacements, countGroups = "count/drplacementcontrols.dr.ramen.io", "count/volumereplicationgroups.dr.ramen.io"

// usage reads what the quota says is used and limited.
func usage(ctx context.Context, namespace, name string, counted corev1.ResourceName) func() (string, error) {
	return func() (string, error) {
		quota, err := playground.Hub.Kube.CoreV1().ResourceQuotas(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		hard, limited := quota.Status.Hard[counted]
		if !limited {
			return "", nil
		}
		used, known := quota.Status.Used[counted]
		if !known {
			return "unknown", nil
		}
		return used.String() + " of " + hard.String(), nil
	}
}

// limit makes a ResourceQuota.
func limit(ctx context.Context, namespace, name string, counted corev1.ResourceName, hard string) {
	GinkgoHelper()
	_, err := playground.Hub.Kube.CoreV1().ResourceQuotas(namespace).Create(ctx, &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{counted: quantity.MustParse(hard)}},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
}

// awaitCounting waits until the hub's controller counts objects of this API: it looks every half minute for new kinds, and
// a quota that it has judged before it looks at again only minutes later.
func awaitCounting(ctx context.Context) {
	GinkgoHelper()
	namespace := newNamespace(ctx)
	By("waiting until the hub's controller counts DRPlacementControls")
	attempt := 0
	Eventually(func(g Gomega) {
		attempt++
		name, seen := fmt.Sprintf("probe-%d", attempt), ""
		limit(ctx, namespace, name, countPlacements, "1")
		g.Eventually(func() (_ string, err error) {
			seen, err = usage(ctx, namespace, name, countPlacements)()
			return seen, err
		}).WithContext(ctx).ShouldNot(BeEmpty())
		g.Expect(playground.Hub.Kube.CoreV1().ResourceQuotas(namespace).Delete(ctx, name, metav1.DeleteOptions{})).To(Succeed())
		g.Expect(seen).To(Equal("0 of 1"))
	}).WithContext(ctx).WithTimeout(2 * soon).WithPolling(time.Second).Should(Succeed())
}

var _ = Describe("A ResourceQuota", func() {
	It("limits the DRPlacementControls of its namespace, and shows how many there are", func(ctx SpecContext) {
		awaitCounting(ctx)
		namespace := newNamespace(ctx)
		applyRecipe(ctx, "Quotas", namespace)
		used := usage(ctx, namespace, "disaster-recovery", countPlacements)
		Eventually(used).WithContext(ctx).Should(Equal("0 of 1"))

		By("waiting until dr-apiserver has heard of it too, and by a dry run, which counts for nothing")
		Eventually(func() error { return protect(ctx, namespace, "shop", dryRun) }).WithContext(ctx).Should(Succeed())
		Expect(used()).To(Equal("0 of 1"))
		Expect(protect(ctx, namespace, "shop", metav1.CreateOptions{})).To(Succeed())
		Expect(used()).To(Equal("1 of 1"), "what is made counts at once")
		for kind, options := range bothKinds {
			err := protect(ctx, namespace, "another", options)
			Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%s: %v", kind, err)
			Expect(err).To(MatchError(ContainSubstring("exceeded quota: disaster-recovery, requested: " + countPlacements + "=1, used: " +
				countPlacements + "=1, limited: " + countPlacements + "=1")))
		}

		placements := playground.Hub.DR.DrV1alpha1().DRPlacementControls(namespace)
		Expect(placements.Delete(ctx, "shop", metav1.DeleteOptions{})).To(Succeed())
		Eventually(used).WithContext(ctx).Should(Equal("0 of 1"), "what is deleted is given back")
		Eventually(func() error { return protect(ctx, namespace, "another", metav1.CreateOptions{}) }).WithContext(ctx).Should(Succeed())
	}, SpecTimeout(specTimeout))

	It("does not limit what the server makes to carry out what it was asked for", func(ctx SpecContext) {
		awaitCounting(ctx)
		namespace := newNamespace(ctx)
		limit(ctx, namespace, "none", countGroups, "0")
		Eventually(usage(ctx, namespace, "none", countGroups)).WithContext(ctx).Should(Equal("0 of 0"))
		group := builder.VRG(namespace, placementName, namespace).Secondary(1, "").Obj()
		group.Finalizers = nil
		_, err := playground.Hub.DR.DrV1alpha1().VolumeReplicationGroups(namespace).Create(ctx, group, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
	}, SpecTimeout(specTimeout))
})
