// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var _ = Describe("A cluster that is cut off and goes on running", Serial, func() {
	It("is failed away from only with an acknowledgement, and gives way when it is connected again", func(ctx SpecContext) {
		app := protected(ctx)
		disrupt(ctx, []string{"partition", framework.DR1}, []string{"heal", framework.DR1})
		awaitDRCluster(ctx, framework.DR1, framework.False[*v1alpha1.DRCluster](v1alpha1.ConditionConnected))
		_, err := app.Relocate(ctx, toDR2)
		Expect(framework.Refused(err, http.StatusConflict, action.CheckSourceConnected)).To(Succeed())
		_, err = app.Failover(ctx, forced)
		Expect(framework.RefusedOnly(err, http.StatusConflict, action.CheckSourceStopped)).To(Succeed())

		failover := failedOver(ctx, app, acknowledged)
		itStillWrites(ctx, app, framework.DR2)
		do(ctx, "heal", framework.DR1)
		By("waiting until dr1 gives way")
		Expect(app.AwaitStopped(ctx, framework.DR1, framework.Replication)).To(Succeed())
		settled(ctx, app, framework.DR2)
		lossIsAsPlanned(app, failover)
	}, SpecTimeout(specTimeout))
})
