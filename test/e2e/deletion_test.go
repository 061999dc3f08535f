// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var _ = Describe("Deleting a DRPlacementControl", func() {
	It("leaves the application and its volumes running, and nothing else", func(ctx SpecContext) {
		app := protected(ctx)
		Expect(app.Placements().Delete(ctx, app.Name, metav1.DeleteOptions{})).To(Succeed())
		Expect(framework.AwaitGone(ctx, app.Placements(), app.Name, framework.Replication)).To(Succeed())
		itStillRuns(ctx, app, framework.DR1)
		for cluster := range playground.Managed {
			list, err := playground.Managed[cluster].Dynamic.Resource(framework.VolumeReplications).Namespace(app.Namespace).
				List(ctx, metav1.ListOptions{})
			Expect(err).NotTo(HaveOccurred())
			Expect(list.Items).To(BeEmpty(), "replication is off on "+cluster)
		}
		groups, err := app.Groups().List(ctx, metav1.ListOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(groups.Items).To(BeEmpty())
		By("protecting it again")
		Expect(app.Protect(ctx)).To(Succeed())
		settled(ctx, app, framework.DR1)
	}, SpecTimeout(specTimeout))

	It("leaves the application running where a failover has brought it", func(ctx SpecContext) {
		app := protected(ctx)
		failedOver(ctx, app, forced)
		settled(ctx, app, framework.DR2)
		Expect(app.Placements().Delete(ctx, app.Name, metav1.DeleteOptions{})).To(Succeed())
		Expect(framework.AwaitGone(ctx, app.Placements(), app.Name, framework.Replication)).To(Succeed())
		itStillRuns(ctx, app, framework.DR2)
		Expect(actionsOf(ctx, app)).NotTo(BeEmpty(), "records outlive what they are about")
		By("protecting it again there, with the copies that were left behind as its standby's")
		Expect(app.ProtectOn(ctx, framework.DR2)).To(Succeed())
		settled(ctx, app, framework.DR2)
		relocated(ctx, app, toDR1)
	}, SpecTimeout(specTimeout))
})

// itStillRuns checks that the application runs and writes to volumes that nobody is about to delete.
func itStillRuns(ctx context.Context, app *framework.App, cluster string) {
	GinkgoHelper()
	Expect(app.AwaitRunning(ctx, cluster, framework.Soon)).To(Succeed())
	claims, err := playground.Managed[cluster].Kube.CoreV1().PersistentVolumeClaims(app.Namespace).List(ctx, metav1.ListOptions{})
	Expect(err).NotTo(HaveOccurred())
	Expect(claims.Items).To(HaveLen(2))
	Expect(claims.Items).To(HaveEach(And(
		HaveField("Status.Phase", corev1.ClaimBound), HaveField("ObjectMeta.DeletionTimestamp", BeNil()))))
	itStillWrites(ctx, app, cluster)
}
