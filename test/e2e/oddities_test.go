// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var _ = Describe("A volume that is not like others", func() {
	It("is what it was on the other cluster and back, be it raw, of many writers, retained, reached with a Secret, resized, or new since the last capture",
		func(ctx SpecContext) {
			app := newApp()
			Expect(app.Deploy(ctx, framework.DR1, 1)).To(Succeed())
			startOddities(ctx, app)
			retain(ctx, app, framework.DR1, "kept")
			By("protecting it")
			Expect(app.Protect(ctx)).To(Succeed())
			settled(ctx, app, framework.DR1)
			second := "data-0-" + app.Namespace + "-1"
			grow(ctx, app, framework.DR1, "many", "2Gi")
			scale(ctx, app, framework.DR1, 2)
			addClaim(ctx, app, "late", replicatedClass)
			itIsProtected(ctx, app, framework.DR1, second, "late")
			start := countRecords(app)
			relocated(ctx, app, toDR2)
			Expect(app.AwaitStopped(ctx, framework.DR1, framework.Soon)).To(Succeed())
			itIsWhatItWas(ctx, app, framework.DR2, "2Gi")
			Expect(volumeOf(ctx, app, framework.DR2, second).Status.Phase).To(Equal(corev1.VolumeBound), "the second replica's")
			itStillWrites(ctx, app, framework.DR2)
			settled(ctx, app, framework.DR2)

			grow(ctx, app, framework.DR2, "many", "3Gi")
			deleteClaim(ctx, app, framework.DR2, "late")
			itIsReadyAndSays(ctx, app, "/late: the application has no such claim on dr2")
			settled(ctx, app, framework.DR2)
			relocated(ctx, app, toDR1)
			itIsWhatItWas(ctx, app, framework.DR1, "3Gi")
			claims := playground.Managed[framework.DR1].Kube.CoreV1().PersistentVolumeClaims(app.Namespace)
			Expect(framework.AwaitGone(ctx, claims, "late", framework.Soon)).To(Succeed(), "what was deleted does not come back")
			settled(ctx, app, framework.DR1)
			itStillWrites(ctx, app, framework.DR1)
			nothingLostSince(app, start)

			By("taking protection off")
			Expect(app.Placements().Delete(ctx, app.Name, metav1.DeleteOptions{})).To(Succeed())
			Expect(framework.AwaitGone(ctx, app.Placements(), app.Name, framework.Replication)).To(Succeed())
			Expect(volumeOf(ctx, app, framework.DR1, "raw").Spec.PersistentVolumeReclaimPolicy).To(Equal(corev1.PersistentVolumeReclaimDelete))
			Expect(volumeOf(ctx, app, framework.DR1, "kept").Spec.PersistentVolumeReclaimPolicy).To(Equal(corev1.PersistentVolumeReclaimRetain))
		}, SpecTimeout(specTimeout))

	It("waits for what is in its way on the other cluster, which is named and never touched", func(ctx SpecContext) {
		app := protected(ctx)
		taken, used := volumeOf(ctx, app, framework.DR1, "data-0-"+app.Namespace+"-0"), "data-1-"+app.Namespace+"-0"
		inUse(ctx, app, used)
		By("waiting until the claim and who uses it are named")
		_, err := app.Await(ctx, framework.Soon, framework.False[*v1alpha1.DRPlacementControl](v1alpha1.ConditionPeerReady, used, "squatter"))
		Expect(err).NotTo(HaveOccurred())
		core := playground.Managed[framework.DR2].Kube.CoreV1()
		Expect(core.Pods(app.Namespace).Delete(ctx, "squatter", metav1.DeleteOptions{})).To(Succeed())
		Expect(core.PersistentVolumeClaims(app.Namespace).Delete(ctx, used, metav1.DeleteOptions{})).To(Succeed())
		settled(ctx, app, framework.DR1)

		By("giving the volume's name on dr2 to somebody else")
		squatting(ctx, taken)
		failover := accepted(ctx, app.Failover, forced)
		itIsSaid(ctx, app, failover.Name, taken.Name+" exists and belongs to another claim")
		Expect(core.PersistentVolumes().Delete(ctx, taken.Name, metav1.DeleteOptions{})).To(Succeed())
		succeeded(ctx, app, failover.Name)
		itStillWrites(ctx, app, framework.DR2)
		nothingLostBefore(app, failover)
	}, SpecTimeout(specTimeout))
})

// itIsWhatItWas checks the volumes that startOddities made.
func itIsWhatItWas(ctx context.Context, app *framework.App, cluster, size string) {
	GinkgoHelper()
	Expect(volumeOf(ctx, app, cluster, "raw").Spec.VolumeMode).To(HaveValue(Equal(corev1.PersistentVolumeBlock)))
	Expect(claimOf(ctx, app, cluster, "raw").Spec.VolumeMode).To(HaveValue(Equal(corev1.PersistentVolumeBlock)))
	many := claimOf(ctx, app, cluster, "many")
	Expect(many.Spec.AccessModes).To(ConsistOf(corev1.ReadWriteMany))
	Expect(many.Spec.Resources.Requests.Storage().String()).To(Equal(size))
	Expect(volumeOf(ctx, app, cluster, "many").Spec.Capacity.Storage().String()).To(Equal(size))
	Expect(volumeOf(ctx, app, cluster, "locked").Spec.CSI.NodeStageSecretRef).To(HaveValue(HaveField("Name", "sim-key-"+cluster)))
	deployment, err := playground.Managed[cluster].Kube.AppsV1().Deployments(app.Namespace).Get(ctx, "odd", metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	Expect(deployment.Spec.Replicas).To(HaveValue(BeEquivalentTo(2)))
}

// itIsProtected waits until the claims are protected.
func itIsProtected(ctx context.Context, app *framework.App, cluster string, claims ...string) {
	GinkgoHelper()
	for _, claim := range claims {
		By("waiting until " + claim + " is protected")
		Eventually(func(ctx context.Context) (bool, error) {
			row, err := rowOf(ctx, app, cluster, claim)
			return row != nil && row.LastSyncTime != nil && meta.IsStatusConditionTrue(row.Conditions, v1alpha1.ConditionDataProtected), err
		}).WithContext(ctx).WithTimeout(framework.Replication).Should(BeTrue())
	}
	settled(ctx, app, cluster)
}

// itHasLeft waits until the application is protected without the claims: they are neither among its volumes nor in its last capture.
// Its DRPlacementControl may still be True of what was before.
func itHasLeft(ctx context.Context, app *framework.App, cluster string, claims ...string) {
	GinkgoHelper()
	By("waiting until " + strings.Join(claims, " and ") + " have left")
	Eventually(func(ctx context.Context) (bool, error) {
		group, err := app.Groups().Get(ctx, app.Group(cluster), metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		has := slices.ContainsFunc(group.Status.ProtectedPVCs, func(row v1alpha1.ProtectedPVC) bool { return slices.Contains(claims, row.Name) })
		return !has && meta.IsStatusConditionTrue(group.Status.Conditions, v1alpha1.ConditionClusterDataProtected) &&
			meta.IsStatusConditionTrue(group.Status.Conditions, v1alpha1.ConditionDataProtected), nil
	}).WithContext(ctx).WithTimeout(framework.Replication).Should(BeTrue())
	settled(ctx, app, cluster)
}

func claimOf(ctx context.Context, app *framework.App, cluster, name string) *corev1.PersistentVolumeClaim {
	GinkgoHelper()
	claim, err := playground.Managed[cluster].Kube.CoreV1().PersistentVolumeClaims(app.Namespace).Get(ctx, name, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	return claim
}

func volumeOf(ctx context.Context, app *framework.App, cluster, claim string) *corev1.PersistentVolume {
	GinkgoHelper()
	volume, err := playground.Managed[cluster].Kube.CoreV1().PersistentVolumes().Get(ctx, claimOf(ctx, app, cluster, claim).Spec.VolumeName, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	return volume
}

// grow asks for more storage, and waits until it is there.
func grow(ctx context.Context, app *framework.App, cluster, claim, size string) {
	GinkgoHelper()
	By("asking for " + size + " for " + claim)
	claims := playground.Managed[cluster].Kube.CoreV1().PersistentVolumeClaims(app.Namespace)
	patch := fmt.Appendf(nil, `{"spec":{"resources":{"requests":{"storage":%q}}}}`, size)
	_, err := claims.Patch(ctx, claim, types.MergePatchType, patch, metav1.PatchOptions{})
	Expect(err).NotTo(HaveOccurred())
	_, err = framework.Await(ctx, claims, claim, framework.Soon, framework.Wanted[*corev1.PersistentVolumeClaim]{
		What: "grown", Reached: func(c *corev1.PersistentVolumeClaim) (bool, string, error) {
			has := c.Status.Capacity.Storage().String()
			return has == size, has, nil
		},
	})
	Expect(err).NotTo(HaveOccurred())
}

func scale(ctx context.Context, app *framework.App, cluster string, replicas int32) {
	GinkgoHelper()
	By(fmt.Sprintf("scaling to %d replicas", replicas))
	sets := playground.Managed[cluster].Kube.AppsV1().StatefulSets(app.Namespace)
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	_, err := sets.Patch(ctx, app.Namespace, types.MergePatchType, patch, metav1.PatchOptions{})
	Expect(err).NotTo(HaveOccurred())
	Expect(app.AwaitRunning(ctx, cluster, framework.Soon)).To(Succeed())
}
