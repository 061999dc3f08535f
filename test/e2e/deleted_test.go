// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var _ = Describe("An object of an application", func() {
	It("that is deleted where the application was moved to is gone when it comes back, and no other", func(ctx SpecContext) {
		app := deployed(ctx)
		for _, name := range []string{"former", "lasting"} {
			addObjects(ctx, app, name)
		}
		Expect(app.Protect(ctx)).To(Succeed())
		settled(ctx, app, framework.DR1)
		relocated(ctx, app, toDR2)
		dr1, dr2 := playground.Managed[framework.DR1].Kube, playground.Managed[framework.DR2].Kube
		By("deleting what is former on dr2")
		Expect(dr2.CoreV1().ConfigMaps(app.Namespace).Delete(ctx, "former", metav1.DeleteOptions{})).To(Succeed())
		Expect(dr2.AppsV1().Deployments(app.Namespace).Delete(ctx, "former", metav1.DeleteOptions{})).To(Succeed())
		Expect(dr1.CoreV1().ConfigMaps(app.Namespace).Get(ctx, "former", metav1.GetOptions{})).Error().NotTo(HaveOccurred(), "what stays behind")
		settled(ctx, app, framework.DR2)
		relocated(ctx, app, toDR1)
		Expect(framework.AwaitGone(ctx, dr1.CoreV1().ConfigMaps(app.Namespace), "former", framework.Soon)).To(Succeed())
		Expect(framework.AwaitGone(ctx, dr1.AppsV1().Deployments(app.Namespace), "former", framework.Soon)).To(Succeed())
		Expect(dr1.CoreV1().ConfigMaps(app.Namespace).Get(ctx, "lasting", metav1.GetOptions{})).Error().NotTo(HaveOccurred())
		lasting, err := dr1.AppsV1().Deployments(app.Namespace).Get(ctx, "lasting", metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(lasting.Spec.Replicas).To(HaveValue(BeEquivalentTo(1)), "it runs again")
		group, err := app.Groups().Get(ctx, app.Group(framework.DR1), metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(meta.FindStatusCondition(group.Status.Conditions, v1alpha1.ConditionKubeObjectsReady).Message).To(
			And(ContainSubstring("configmaps/former"), ContainSubstring("deployments.apps/former"), Not(ContainSubstring("lasting"))))
		settled(ctx, app, framework.DR1)
	}, SpecTimeout(specTimeout))
})

// addObjects adds a ConfigMap and a Deployment to the application on dr1.
func addObjects(ctx context.Context, app *framework.App, name string) {
	GinkgoHelper()
	By("adding a ConfigMap and a Deployment " + name)
	kube, own := playground.Managed[framework.DR1].Kube, metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": app.Namespace}}
	_, err := kube.CoreV1().ConfigMaps(app.Namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: own, Data: map[string]string{"k": "v"}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	pods := map[string]string{"app": app.Namespace, "part": name}
	_, err = kube.AppsV1().Deployments(app.Namespace).Create(ctx, &appsv1.Deployment{ObjectMeta: own, Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To(int32(1)), Selector: &metav1.LabelSelector{MatchLabels: pods},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pods}, Spec: corev1.PodSpec{
			AutomountServiceAccountToken: ptr.To(false), Containers: []corev1.Container{{Name: "main", Image: "registry.example/idle:1"}},
		}},
	}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
}
