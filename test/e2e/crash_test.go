// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/storagesim/records"
)

// The storage is held at the step in question while processes die, so that they die in the middle of it.
var _ = DescribeTable("A failover that promotes, a relocate that hands over and a relocate that promotes all finish", Serial,
	func(ctx SpecContext, processes ...[]string) {
		apps := allProtected(ctx, 3)
		failing, handing, promoting := apps[0], apps[1], apps[2]
		before := map[*framework.App]*records.Report{}
		for _, app := range []*framework.App{handing, promoting} {
			before[app] = countRecords(app)
		}
		fault(ctx, failing, "hang=promote")
		fault(ctx, handing, "hang=demote")
		fault(ctx, promoting, "hang=promote")

		failover, err := failing.Failover(ctx, forced)
		Expect(err).NotTo(HaveOccurred())
		handover, err := handing.Relocate(ctx, toDR2)
		Expect(err).NotTo(HaveOccurred())
		promotion, err := promoting.Relocate(ctx, toDR2)
		Expect(err).NotTo(HaveOccurred())
		inStep(ctx, failing, failover.Name, v1alpha1.StepPromote)
		inStep(ctx, handing, handover.Name, v1alpha1.StepHandOver)
		inStep(ctx, promoting, promotion.Name, v1alpha1.StepPromote)

		for _, process := range processes {
			disrupt(ctx, append([]string{"kill"}, process...), append([]string{"start"}, process...))
		}
		By("letting the storage go on")
		Expect(playground.ClearFaults(ctx)).To(Succeed())
		for _, process := range processes {
			do(ctx, append([]string{"start"}, process...)...)
		}

		failover = succeeded(ctx, failing, failover.Name)
		succeeded(ctx, handing, handover.Name)
		succeeded(ctx, promoting, promotion.Name)
		for _, app := range apps {
			itStillWrites(ctx, app, framework.DR2)
			settled(ctx, app, framework.DR2)
			Expect(actionsOf(ctx, app)).To(HaveLen(1))
		}
		nothingLostBefore(failing, failover)
		for app, records := range before {
			nothingLostSince(app, records)
		}
	},
	Entry("when both agents are killed in the middle", SpecTimeout(specTimeout),
		[]string{"agent", framework.DR1}, []string{"agent", framework.DR2}),
	Entry("when the API server is killed in the middle", SpecTimeout(specTimeout), []string{"apiserver"}),
	Entry("when the hub's etcd is killed in the middle", SpecTimeout(specTimeout), []string{"etcd", framework.Hub}),
)
