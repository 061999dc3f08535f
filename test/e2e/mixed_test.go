// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var _ = Describe("An application on storage that both clusters reach, and on storage that replicates at intervals", func() {
	It("has the latter's volumes named, with the policy that would protect them, and is failed over without them by force only, losing nothing",
		func(ctx SpecContext) {
			policy, app := syncPolicy(ctx), newApp()
			By("deploying the application " + app.Namespace)
			Expect(app.Deploy(ctx, framework.DR1, 1, "--storage-class", sharedClass)).To(Succeed())
			addClaim(ctx, app, "copied", copiedClass)
			addClaim(ctx, app, "mirrored", replicatedClass)
			By("protecting it by a policy without an interval")
			protectBy(ctx, app, policy)
			named := framework.False[*v1alpha1.DRPlacementControl](v1alpha1.ConditionProtected,
				app.Namespace+"/copied", "VolSync can copy its snapshots at intervals; a DRPolicy with a schedulingInterval protects it",
				app.Namespace+"/mirrored", "Its storage replicates every 1m; a DRPolicy with that schedulingInterval protects it")
			_, err := app.Await(ctx, framework.Soon, named)
			Expect(err).NotTo(HaveOccurred())
			Eventually(rowOf).WithContext(ctx).WithArguments(app, framework.DR1, "data-0-"+app.Namespace+"-0").WithTimeout(framework.Soon).Should(
				HaveValue(And(HaveField("ReplicationMethod", v1alpha1.MethodShared), HaveField("Conditions", ContainElement(
					And(HaveField("Type", v1alpha1.ConditionDataProtected), HaveField("Status", metav1.ConditionTrue)))))))
			By("waiting until the others could be recovered on dr2")
			_, err = framework.Await(ctx, app.Groups(), app.Group(framework.DR1), framework.Soon,
				framework.True[*v1alpha1.VolumeReplicationGroup](v1alpha1.ConditionClusterDataProtected))
			Expect(err).NotTo(HaveOccurred())
			_, err = app.Await(ctx, framework.Soon, framework.True[*v1alpha1.DRPlacementControl](v1alpha1.ConditionPeerReady))
			Expect(err).NotTo(HaveOccurred())

			_, err = app.Relocate(ctx, toDR2)
			Expect(framework.RefusedOnly(err, http.StatusConflict, action.CheckSourceProtected)).To(Succeed())
			_, err = app.Failover(ctx, toDR2)
			Expect(framework.Refused(err, http.StatusConflict, action.CheckVolumesProtected)).To(Succeed())
			start := countRecords(app)
			failover := failedOver(ctx, app, forced)
			Expect(failover.Status.DataLossWindow.Duration.Duration).To(BeZero())
			itStillWrites(ctx, app, framework.DR2)
			settled(ctx, app, framework.DR2)

			relocated(ctx, app, toDR1)
			itStillWrites(ctx, app, framework.DR1)
			nothingLostSince(app, start)
			By("waiting until those that stayed behind are named again")
			_, err = app.Await(ctx, framework.Soon, named)
			Expect(err).NotTo(HaveOccurred())
		}, SpecTimeout(specTimeout))
})
