// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"maps"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

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
		for _, claim := range []string{"late", "joined"} {
			deleteClaim(ctx, app, framework.DR2, claim)
		}
		itHasLeft(ctx, app, framework.DR2, "late", "joined")

		relocated(ctx, app, toDR1)
		haveManyWriters(ctx, app, framework.DR1, "3Gi")
		itStillWrites(ctx, app, framework.DR1)
		settled(ctx, app, framework.DR1)
		nothingLostSince(app, start)
	}, SpecTimeout(specTimeout))
})

// startManyWriters has two pods of the application write to the same volumes.
func startManyWriters(ctx context.Context, app *framework.App) {
	GinkgoHelper()
	for claim, class := range manyWriters {
		createClaim(ctx, app, framework.DR1, claim, class, func(c *corev1.PersistentVolumeClaimSpec) {
			c.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
		})
	}
	startWriters(ctx, app, "many", 2, slices.Sorted(maps.Keys(manyWriters)), nil)
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
