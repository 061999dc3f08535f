// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// lockedClass is of storage that nodes reach with a Secret.
const lockedClass = "sim-replicated-secret"

// startOddities adds a Deployment of two replicas to the application, with volumes that are not like others.
func startOddities(ctx context.Context, app *framework.App) {
	GinkgoHelper()
	By("adding a Deployment with volumes that are not like others")
	for name, change := range map[string]func(*corev1.PersistentVolumeClaimSpec){
		"raw": func(c *corev1.PersistentVolumeClaimSpec) { c.VolumeMode = ptr.To(corev1.PersistentVolumeBlock) },
		"many": func(c *corev1.PersistentVolumeClaimSpec) {
			c.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
		},
		"kept":   func(*corev1.PersistentVolumeClaimSpec) {},
		"locked": func(c *corev1.PersistentVolumeClaimSpec) { c.StorageClassName = ptr.To(lockedClass) },
	} {
		createClaim(ctx, app, framework.DR1, name, replicatedClass, change)
	}
	startWriters(ctx, app, "odd", 2, []string{"many", "kept", "locked"}, []string{"raw"})
}

// createClaim adds a claim to the application on a cluster.
func createClaim(ctx context.Context, app *framework.App, cluster, name, class string, changes ...func(*corev1.PersistentVolumeClaimSpec)) {
	GinkgoHelper()
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": app.Namespace}},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: ptr.To(class), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
	for _, change := range changes {
		change(&claim.Spec)
	}
	_, err := playground.Managed[cluster].Kube.CoreV1().PersistentVolumeClaims(app.Namespace).Create(ctx, claim, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
}

// deleteClaim deletes a claim of the application on a cluster, and waits until it is gone.
func deleteClaim(ctx context.Context, app *framework.App, cluster, name string) {
	GinkgoHelper()
	By("deleting the claim " + name + " on " + cluster)
	claims := playground.Managed[cluster].Kube.CoreV1().PersistentVolumeClaims(app.Namespace)
	Expect(claims.Delete(ctx, name, metav1.DeleteOptions{})).To(Succeed())
	Expect(framework.AwaitGone(ctx, claims, name, framework.Soon)).To(Succeed())
}

// retain has the volume of a claim outlive it.
func retain(ctx context.Context, app *framework.App, cluster, claim string) {
	GinkgoHelper()
	patch := []byte(`{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}`)
	_, err := playground.Managed[cluster].Kube.CoreV1().PersistentVolumes().Patch(ctx, claimOf(ctx, app, cluster, claim).Spec.VolumeName,
		types.MergePatchType, patch, metav1.PatchOptions{})
	Expect(err).NotTo(HaveOccurred())
}

// inUse makes a claim of the application's on dr2 that a pod uses.
func inUse(ctx context.Context, app *framework.App, claim string) {
	GinkgoHelper()
	By("using a claim " + claim + " on dr2")
	core := playground.Managed[framework.DR2].Kube.CoreV1()
	_, err := core.Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: app.Namespace}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	createClaim(ctx, app, framework.DR2, claim, plainClass)
	_, err = core.Pods(app.Namespace).Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "squatter"},
		Spec: corev1.PodSpec{
			// It never runs, and so writes no records.
			SchedulingGates: []corev1.PodSchedulingGate{{Name: "example.com/never"}}, AutomountServiceAccountToken: ptr.To(false),
			Containers: []corev1.Container{{Name: "main", Image: "registry.example/squatter:1"}},
			Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
			}}},
		},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
}

// squatting makes a volume on dr2 of the name of another one, for somebody else's claim.
func squatting(ctx context.Context, volume *corev1.PersistentVolume) {
	GinkgoHelper()
	other := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: volume.Name}, Spec: *volume.Spec.DeepCopy()}
	other.Spec.ClaimRef = &corev1.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: "somebody", Name: "else"}
	other.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimRetain
	_, err := playground.Managed[framework.DR2].Kube.CoreV1().PersistentVolumes().Create(ctx, other, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
}
