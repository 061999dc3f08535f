// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// moverUser is who movers run as, and moverAccount by which ServiceAccount, where the placement says so.
const (
	moverUser    = 4711
	moverAccount = "copier"
)

var _ = Describe("What VolSync copies", func() {
	It("is as raw on the other cluster as it was, and back, without losing a record", func(ctx SpecContext) {
		app := newApp()
		By("deploying the application " + app.Namespace + " with a raw volume")
		Expect(app.Deploy(ctx, framework.DR1, 1, "--storage-class", copiedClass)).To(Succeed())
		startRaw(ctx, app)
		By("protecting it")
		Expect(app.Protect(ctx)).To(Succeed())
		settled(ctx, app, framework.DR1)
		start := countRecords(app)
		Expect(start.Volumes).To(HaveLen(2))

		relocated(ctx, app, toDR2)
		Expect(claimOf(ctx, app, framework.DR2, "raw").Spec.VolumeMode).To(HaveValue(Equal(corev1.PersistentVolumeBlock)))
		Expect(volumeOf(ctx, app, framework.DR2, "raw").Spec.VolumeMode).To(HaveValue(Equal(corev1.PersistentVolumeBlock)))
		itStillWrites(ctx, app, framework.DR2)
		settled(ctx, app, framework.DR2)
		relocated(ctx, app, toDR1)
		itStillWrites(ctx, app, framework.DR1)
		nothingLostSince(app, start)
	}, SpecTimeout(specTimeout))

	It("is read from the volumes themselves, by movers that run as the placement says, where it says so", func(ctx SpecContext) {
		app := newApp()
		By("deploying the application " + app.Namespace)
		Expect(app.Deploy(ctx, framework.DR1, 2, "--storage-class", copiedClass)).To(Succeed())
		haveAccount(ctx, app, framework.DR1)
		By("protecting it")
		placement := framework.Placement(app.Namespace, app.Name)
		placement.Spec.VolSyncSpec = &v1alpha1.VolSyncSpec{
			CopyMethod: v1alpha1.VolSyncCopyDirect,
			MoverConfig: []v1alpha1.VolSyncMoverConfig{{
				MoverServiceAccount: moverAccount, MoverSecurityContext: &v1alpha1.MoverSecurityContext{RunAsUser: ptr.To[int64](moverUser)},
			}},
		}
		_, err := app.Placements().Create(ctx, placement, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		By("waiting until it is said that dr2 has no ServiceAccount of that name")
		_, err = app.Await(ctx, framework.Replication, framework.False[*v1alpha1.DRPlacementControl](v1alpha1.ConditionPeerReady, moverAccount))
		Expect(err).NotTo(HaveOccurred())
		haveAccount(ctx, app, framework.DR2)
		settled(ctx, app, framework.DR1)
		start := countRecords(app)

		halfWay(ctx, app, framework.DR1)
		for _, cluster := range []string{framework.DR1, framework.DR2} {
			// The next cycle may be about to be received.
			Eventually(movers).WithContext(ctx).WithArguments(app, cluster).WithTimeout(framework.Soon).Should(And(HaveLen(2), HaveEach(HaveField("Spec", And(
				HaveField("ServiceAccountName", moverAccount),
				HaveField("SecurityContext", HaveValue(HaveField("RunAsUser", HaveValue(BeEquivalentTo(moverUser))))),
			)))), "the movers of %s", cluster)
		}
		claims := claimsOf(ctx, app, framework.DR1)
		for _, mover := range movers(ctx, app, framework.DR1) {
			Expect(mountedBy(mover)).To(ContainElement(BeKeyOf(claims)), "%s reads a volume of the application's", mover.Name)
		}
		letGoOn(ctx, app)
		relocated(ctx, app, toDR2)
		itStillWrites(ctx, app, framework.DR2)
		nothingLostSince(app, start)
	}, SpecTimeout(specTimeout))
})

// startRaw adds a Deployment to the application that writes to a raw volume which VolSync copies.
func startRaw(ctx context.Context, app *framework.App) {
	GinkgoHelper()
	createClaim(ctx, app, framework.DR1, "raw", copiedClass, func(c *corev1.PersistentVolumeClaimSpec) {
		c.VolumeMode = ptr.To(corev1.PersistentVolumeBlock)
	})
	startWriters(ctx, app, "raw", 1, nil, []string{"raw"})
}

// haveAccount makes the ServiceAccount of movers on a cluster.
func haveAccount(ctx context.Context, app *framework.App, cluster string) {
	GinkgoHelper()
	By("creating the ServiceAccount " + moverAccount + " on " + cluster)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: moverAccount}}
	_, err := playground.Managed[cluster].Kube.CoreV1().ServiceAccounts(app.Namespace).Create(ctx, account, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
}

// movers are the pods that copy the application's volumes on a cluster now.
func movers(ctx context.Context, app *framework.App, cluster string) []corev1.Pod {
	GinkgoHelper()
	pods, err := playground.Managed[cluster].Kube.CoreV1().Pods(app.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: moverSelector, FieldSelector: "status.phase=Running",
	})
	Expect(err).NotTo(HaveOccurred())
	return pods.Items
}

func mountedBy(pod corev1.Pod) []string {
	var claims []string
	for _, volume := range pod.Spec.Volumes {
		if volume.PersistentVolumeClaim != nil {
			claims = append(claims, volume.PersistentVolumeClaim.ClaimName)
		}
	}
	return claims
}
