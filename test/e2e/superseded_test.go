// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
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

var _ = Describe("What the application no longer has where it was failed over to", func() {
	It("is let go of where it came from, on storage that never calls it in sync again, named, and may be deleted there", func(ctx SpecContext) {
		app := protectedWith(ctx, map[string]string{"late": replicatedClass, "grouped": groupClass, "lately-grouped": groupClass})
		gone := []string{"late", "lately-grouped"}
		for _, claim := range gone {
			volume := "volume=" + volumeOf(ctx, app, framework.DR1, claim).Spec.CSI.VolumeHandle
			disrupt(ctx, []string{"fault", "fail=resync", volume}, []string{"fault", "clear", volume})
		}
		failedOver(ctx, app, forced)
		By("waiting until they hold everything up")
		_, err := app.Await(ctx, framework.Replication, framework.False[*v1alpha1.DRPlacementControl](v1alpha1.ConditionPeerReady,
			"/late is ", "/lately-grouped is ", "/grouped is "))
		Expect(err).NotTo(HaveOccurred())
		for _, claim := range gone {
			deleteClaim(ctx, app, framework.DR2, claim)
		}
		itIsReadyAndSays(ctx, app, "/late: the application has no such claim on dr2", "/lately-grouped: the application has no such claim on dr2",
			"kubectl delete pvc -n "+app.Namespace+" late")
		settled(ctx, app, framework.DR2)
		volume := volumeOf(ctx, app, framework.DR1, "late")
		deleteClaim(ctx, app, framework.DR1, "late")
		itIsRetained(ctx, framework.DR1, volume.Name)
		relocated(ctx, app, toDR1)
		settled(ctx, app, framework.DR1)
	}, SpecTimeout(specTimeout))

	It("is resynced where it came from should the application have it again", func(ctx SpecContext) {
		app := protectedWith(ctx, map[string]string{"late": replicatedClass})
		volume := "volume=" + volumeOf(ctx, app, framework.DR1, "late").Spec.CSI.VolumeHandle
		disrupt(ctx, []string{"fault", "fail=resync", volume}, []string{"fault", "clear", volume})
		failedOver(ctx, app, forced)
		By("waiting until it holds everything up")
		_, err := app.Await(ctx, framework.Replication, framework.False[*v1alpha1.DRPlacementControl](v1alpha1.ConditionPeerReady, "/late is "))
		Expect(err).NotTo(HaveOccurred())
		relabel(ctx, app, framework.DR2, "late", "other")
		itIsReadyAndSays(ctx, app, "/late: the application has no such claim on dr2")
		do(ctx, "fault", "clear", volume)
		relabel(ctx, app, framework.DR2, "late", app.Namespace)
		itIsProtected(ctx, app, framework.DR2, "late")
		By("waiting until it is resynced")
		_, err = app.Await(ctx, framework.Replication, framework.Wanted[*v1alpha1.DRPlacementControl]{
			What: "PeerReady that says nothing of it",
			Reached: func(p *v1alpha1.DRPlacementControl) (bool, string, error) {
				ready := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionPeerReady)
				return ready != nil && ready.Status == metav1.ConditionTrue && !strings.Contains(ready.Message, "/late"), framework.Describe(p), nil
			},
		})
		Expect(err).NotTo(HaveOccurred())
		settled(ctx, app, framework.DR2)
		relocated(ctx, app, toDR1)
		settled(ctx, app, framework.DR1)
		itStillWrites(ctx, app, framework.DR1)
	}, SpecTimeout(specTimeout))

	It("holds nothing up once that cluster is back, and is not in the way when the application returns",
		Serial, func(ctx SpecContext) {
			app := protectedWith(ctx, map[string]string{
				"late": replicatedClass, "anew": replicatedClass, "grouped": groupClass, "lately-grouped": groupClass,
			})
			gone := []string{"late", "anew", "grouped", "lately-grouped"}
			left := map[string]string{}
			for _, claim := range gone {
				left[claim] = volumeOf(ctx, app, framework.DR1, claim).Name
			}
			fault(ctx, app, "keep=copies")
			disrupt(ctx, []string{"partition", framework.DR1}, []string{"heal", framework.DR1})
			awaitDRCluster(ctx, framework.DR1, framework.False[*v1alpha1.DRCluster](v1alpha1.ConditionConnected))
			failedOver(ctx, app, acknowledged)
			for _, claim := range gone {
				deleteClaim(ctx, app, framework.DR2, claim)
			}
			createClaim(ctx, app, framework.DR2, "anew", replicatedClass)
			do(ctx, "heal", framework.DR1)

			itIsReadyAndSays(ctx, app, "/late: the application has no such claim on dr2", "/lately-grouped: the application has no such claim on dr2",
				"/anew: the application has another volume", "kubectl delete pvc -n "+app.Namespace+" late")
			settled(ctx, app, framework.DR2)
			for _, claim := range gone {
				Expect(volumeOf(ctx, app, framework.DR1, claim).Name).To(Equal(left[claim]), "nobody has touched it")
				By("waiting until " + claim + " is let go of")
				Eventually(claimOf).WithContext(ctx).WithArguments(app, framework.DR1, claim).WithTimeout(framework.Soon).Should(And(
					HaveField("Finalizers", HaveEach("kubernetes.io/pvc-protection")),
					HaveField("Annotations", HaveKeyWithValue("dr.ramen.io/volumereplicationgroup", app.Namespace+"/"+app.Group(framework.DR1))),
				))
			}
			anew := volumeOf(ctx, app, framework.DR2, "anew").Name

			relocated(ctx, app, toDR1)
			claims := playground.Managed[framework.DR1].Kube.CoreV1().PersistentVolumeClaims(app.Namespace)
			for _, claim := range []string{"late", "grouped", "lately-grouped"} {
				Expect(framework.AwaitGone(ctx, claims, claim, framework.Soon)).To(Succeed(), "what was deleted does not come back")
			}
			Expect(volumeOf(ctx, app, framework.DR1, "anew").Name).To(Equal(anew))
			for _, volume := range left {
				itIsRetained(ctx, framework.DR1, volume)
			}
			settled(ctx, app, framework.DR1)
			itStillWrites(ctx, app, framework.DR1)
		}, SpecTimeout(2*specTimeout))
})

// protectedWith is an application on dr1 with further claims, by their classes, all of them protected.
func protectedWith(ctx context.Context, claims map[string]string) *framework.App {
	GinkgoHelper()
	app := newApp()
	By("deploying the application " + app.Namespace)
	Expect(app.Deploy(ctx, framework.DR1, 1)).To(Succeed())
	for claim, class := range claims {
		createClaim(ctx, app, framework.DR1, claim, class)
	}
	By("protecting it")
	Expect(app.Protect(ctx)).To(Succeed())
	for claim := range claims {
		itIsProtected(ctx, app, framework.DR1, claim)
	}
	return app
}

// relabel has the application's selector cover a claim, or not.
func relabel(ctx context.Context, app *framework.App, cluster, claim, label string) {
	GinkgoHelper()
	By("labelling the claim " + claim + " on " + cluster + " with app=" + label)
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{"app":%q}}}`, label)
	_, err := playground.Managed[cluster].Kube.CoreV1().PersistentVolumeClaims(app.Namespace).
		Patch(ctx, claim, types.MergePatchType, patch, metav1.PatchOptions{})
	Expect(err).NotTo(HaveOccurred())
}

// itIsReadyAndSays waits until the other cluster is ready to take the application over, and it is said what that has besides.
func itIsReadyAndSays(ctx context.Context, app *framework.App, words ...string) {
	GinkgoHelper()
	By("waiting until it is ready and says " + strings.Join(words, " and "))
	_, err := app.Await(ctx, framework.Replication, framework.Wanted[*v1alpha1.DRPlacementControl]{
		What: "PeerReady with a message that has " + strings.Join(words, " and "),
		Reached: func(p *v1alpha1.DRPlacementControl) (bool, string, error) {
			ready := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionPeerReady)
			reached := ready != nil && ready.Status == metav1.ConditionTrue && framework.ContainsAll(ready.Message, words)
			return reached, framework.Describe(p), nil
		},
	})
	Expect(err).NotTo(HaveOccurred())
}

// itIsRetained checks that a volume outlives its claim.
func itIsRetained(ctx context.Context, cluster, volume string) {
	GinkgoHelper()
	kept, err := playground.Managed[cluster].Kube.CoreV1().PersistentVolumes().Get(ctx, volume, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	Expect(kept.Spec.PersistentVolumeReclaimPolicy).To(Equal(corev1.PersistentVolumeReclaimRetain))
}
