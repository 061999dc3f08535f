// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// manyWriters are claims that two pods write to, by the class of which VolSync copies them: one by one, and as one.
var manyWriters = map[string]string{"many": copiedClass, "together": groupCopiedClass}

var _ = Describe("A volume that VolSync copies", func() {
	It("may have many writers, grow, come and go while it is protected, on either cluster", func(ctx SpecContext) {
		app := newApp()
		By("deploying the application " + app.Namespace)
		Expect(app.Deploy(ctx, framework.DR1, 1, "--storage-class", copiedClass)).To(Succeed())
		startManyWriters(ctx, app)
		By("protecting it")
		Expect(app.Protect(ctx)).To(Succeed())
		settled(ctx, app, framework.DR1)
		for claim := range manyWriters {
			grow(ctx, app, framework.DR1, claim, "2Gi")
		}
		addClaim(ctx, app, "late", copiedClass)
		addClaim(ctx, app, "joined", groupCopiedClass)
		itIsProtected(ctx, app, framework.DR1, "late", "joined")
		start := countRecords(app)

		relocated(ctx, app, toDR2)
		haveManyWriters(ctx, app, framework.DR2, "2Gi")
		Expect(claimsOf(ctx, app, framework.DR2)).To(And(HaveLen(5), HaveKey("late"), HaveKey("joined")))
		itStillWrites(ctx, app, framework.DR2)
		settled(ctx, app, framework.DR2)
		for claim := range manyWriters {
			grow(ctx, app, framework.DR2, claim, "3Gi")
		}
		claims := playground.Managed[framework.DR2].Kube.CoreV1().PersistentVolumeClaims(app.Namespace)
		for _, claim := range []string{"late", "joined"} {
			By("deleting the claim " + claim)
			Expect(claims.Delete(ctx, claim, metav1.DeleteOptions{})).To(Succeed())
			Expect(framework.AwaitGone(ctx, claims, claim, framework.Soon)).To(Succeed())
		}
		settled(ctx, app, framework.DR2)

		relocated(ctx, app, toDR1)
		haveManyWriters(ctx, app, framework.DR1, "3Gi")
		itStillWrites(ctx, app, framework.DR1)
		settled(ctx, app, framework.DR1)
		nothingLostSince(app, start)
	}, SpecTimeout(specTimeout))
})

// startManyWriters adds a Deployment to the application whose pods write to the same volumes.
func startManyWriters(ctx context.Context, app *framework.App) {
	GinkgoHelper()
	labels := map[string]string{"app": app.Namespace, "part": "many"}
	container := corev1.Container{Name: "writer", Image: "registry.example/record-writer:1"}
	pod := corev1.PodSpec{NodeName: "node-0", AutomountServiceAccountToken: ptr.To(false)}
	for claim, class := range manyWriters {
		createClaim(ctx, app, framework.DR1, claim, class, func(c *corev1.PersistentVolumeClaimSpec) {
			c.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
		})
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: claim, MountPath: "/" + claim})
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: claim, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
		}})
	}
	pod.Containers = []corev1.Container{container}
	_, err := playground.Managed[framework.DR1].Kube.AppsV1().Deployments(app.Namespace).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "many", Labels: map[string]string{"app": app.Namespace}},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](2), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod},
		},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	By("waiting until each volume is written to")
	Eventually(func() (int, error) {
		report, err := app.Records()
		if err != nil {
			return 0, err
		}
		return len(report.Volumes), nil
	}).WithContext(ctx).WithTimeout(framework.Soon).Should(Equal(1 + len(manyWriters)))
}

// haveManyWriters checks the volumes that startManyWriters made.
func haveManyWriters(ctx context.Context, app *framework.App, cluster, size string) {
	GinkgoHelper()
	for name := range manyWriters {
		claim := claimOf(ctx, app, cluster, name)
		Expect(claim.Spec.AccessModes).To(ConsistOf(corev1.ReadWriteMany), name)
		Expect(claim.Spec.Resources.Requests.Storage().String()).To(Equal(size), name)
		Eventually(func(ctx context.Context) string {
			return volumeOf(ctx, app, cluster, name).Spec.Capacity.Storage().String()
		}).WithContext(ctx).WithTimeout(framework.Soon).Should(Equal(size), name)
	}
}
