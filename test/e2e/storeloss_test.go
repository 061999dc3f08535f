// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var _ = DescribeTable("With one object store lost an application still fails over and loses nothing it need not lose", Serial,
	func(ctx SpecContext, cluster string, lose, mend []string) {
		app := protected(ctx)
		disrupt(ctx, lose, mend)
		By("failing over")
		failover := failedOver(ctx, app, forced)
		itStillWrites(ctx, app, framework.DR2)
		nothingLostBefore(app, failover)
		By("waiting until it is said that captures don't reach the store")
		_, err := app.Await(ctx, framework.Replication,
			framework.False[*v1alpha1.DRPlacementControl](v1alpha1.ConditionProtected, "s3-"+cluster))
		Expect(err).NotTo(HaveOccurred())
		do(ctx, mend...)
		settled(ctx, app, framework.DR2)
	},
	Entry("the source's, dead", SpecTimeout(specTimeout), framework.DR1,
		[]string{"stop", "s3", "s3-dr1"}, []string{"start", "s3", "s3-dr1"}),
	Entry("the target's, answering 403", SpecTimeout(specTimeout), framework.DR2,
		[]string{"s3", "s3-dr2", "forbid"}, []string{"s3", "s3-dr2", "heal"}),
	Entry("the source's, hanging", SpecTimeout(specTimeout), framework.DR1,
		[]string{"s3", "s3-dr1", "hang"}, []string{"s3", "s3-dr1", "heal"}),
)
