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

// startWriters adds a Deployment to an application with one volume on dr1, the pods of which write to claims that they mount, and to
// raw ones, and waits until each volume is written to. Several pods share a node.
func startWriters(ctx context.Context, app *framework.App, name string, replicas int32, mounted, raw []string) {
	GinkgoHelper()
	container := corev1.Container{Name: "writer", Image: "registry.example/record-writer:1"}
	pod := corev1.PodSpec{AutomountServiceAccountToken: ptr.To(false)}
	if replicas > 1 {
		pod.NodeName = "node-0"
	}
	use := func(claim string) {
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: claim, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
		}})
	}
	for _, claim := range mounted {
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: claim, MountPath: "/" + claim})
		use(claim)
	}
	for _, claim := range raw {
		container.VolumeDevices = append(container.VolumeDevices, corev1.VolumeDevice{Name: claim, DevicePath: "/dev/" + claim})
		use(claim)
	}
	pod.Containers = []corev1.Container{container}
	labels := map[string]string{"app": app.Namespace, "part": name}
	_, err := playground.Managed[framework.DR1].Kube.AppsV1().Deployments(app.Namespace).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": app.Namespace}},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(replicas), Selector: &metav1.LabelSelector{MatchLabels: labels},
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
	}).WithContext(ctx).WithTimeout(framework.Soon).Should(Equal(1+len(pod.Volumes)), "each volume is written to")
}
