// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var _ = Describe("When what an action needs is lost in the middle", Serial, func() {
	It("a relocate waits for its source, does not turn into a failover, and finishes when the source is back", func(ctx SpecContext) {
		app := protected(ctx)
		start := countRecords(app)
		fault(ctx, app, "hang=demote")
		relocate := accepted(ctx, app.Relocate, toDR2)
		Expect(app.AwaitStopped(ctx, framework.DR1, framework.Soon)).To(Succeed())
		disrupt(ctx, []string{"kill", framework.DR1}, []string{"start", framework.DR1})
		awaitDRCluster(ctx, framework.DR1, framework.False[*v1alpha1.DRCluster](v1alpha1.ConditionConnected))
		inStep(ctx, app, relocate.Name, v1alpha1.StepHandOver)
		itIsSaid(ctx, app, relocate.Name, framework.DR1)
		do(ctx, "start", framework.DR1)
		succeeded(ctx, app, relocate.Name)
		itStillWrites(ctx, app, framework.DR2)
		nothingLostSince(app, start)
	}, SpecTimeout(specTimeout))

	It("a failover waits for its target and finishes when the target is back", func(ctx SpecContext) {
		app := protected(ctx)
		fault(ctx, app, "hang=promote")
		failover := accepted(ctx, app.Failover, forced)
		inStep(ctx, app, failover.Name, v1alpha1.StepPromote)
		disrupt(ctx, []string{"kill", framework.DR2}, []string{"start", framework.DR2})
		awaitDRCluster(ctx, framework.DR2, framework.False[*v1alpha1.DRCluster](v1alpha1.ConditionConnected))
		itIsSaid(ctx, app, failover.Name, framework.DR2)
		do(ctx, "start", framework.DR2)
		failover = succeeded(ctx, app, failover.Name)
		itStillWrites(ctx, app, framework.DR2)
		settled(ctx, app, framework.DR2)
		nothingLostBefore(app, failover)
	}, SpecTimeout(specTimeout))

	It("a relocate whose target dies for good is failed back to where the data is", func(ctx SpecContext) {
		app := protected(ctx)
		start := countRecords(app)
		fault(ctx, app, "hang=promote")
		relocate := accepted(ctx, app.Relocate, toDR2)
		inStep(ctx, app, relocate.Name, v1alpha1.StepPromote)
		disrupt(ctx, []string{"kill", framework.DR2}, []string{"start", framework.DR2})
		awaitDRCluster(ctx, framework.DR2, framework.False[*v1alpha1.DRCluster](v1alpha1.ConditionConnected))
		By("failing back to dr1")
		Expect(playground.ClearFaults(ctx)).To(Succeed())
		back, err := app.Failover(ctx, v1alpha1.DRActionSpec{
			TargetCluster: framework.DR1, Acknowledgements: acknowledged.Acknowledgements, Force: true,
		})
		Expect(err).NotTo(HaveOccurred())
		succeeded(ctx, app, back.Name)
		_, err = app.AwaitAction(ctx, relocate.Name, framework.Soon, framework.Ended(v1alpha1.ReasonFailed))
		Expect(err).NotTo(HaveOccurred())
		itStillWrites(ctx, app, framework.DR1)
		do(ctx, "start", framework.DR2)
		settled(ctx, app, framework.DR1)
		nothingLostSince(app, start)
	}, SpecTimeout(specTimeout))

	It("a failover waits while no object store answers, says so, and finishes when one does", func(ctx SpecContext) {
		app := protected(ctx)
		disrupt(ctx, []string{"stop", "s3", "s3-dr1"}, []string{"start", "s3", "s3-dr1"})
		disrupt(ctx, []string{"s3", "s3-dr2", "hang"}, []string{"s3", "s3-dr2", "heal"})
		failover := accepted(ctx, app.Failover, forced)
		inStep(ctx, app, failover.Name, v1alpha1.StepPromote)
		itIsSaid(ctx, app, failover.Name, "s3-dr1", "s3-dr2")
		do(ctx, "s3", "s3-dr2", "heal")
		failover = succeeded(ctx, app, failover.Name)
		itStillWrites(ctx, app, framework.DR2)
		nothingLostBefore(app, failover)
	}, SpecTimeout(specTimeout))

	It("an application goes on without the hub, and is where it was when the hub returns", func(ctx SpecContext) {
		app := protected(ctx)
		before, err := app.Get(ctx)
		Expect(err).NotTo(HaveOccurred())
		start := countRecords(app)
		disrupt(ctx, []string{"kill", framework.Hub}, []string{"start", framework.Hub})
		itStillWrites(ctx, app, framework.DR1)
		do(ctx, "start", framework.Hub)
		settled(ctx, app, framework.DR1)
		after, err := app.Get(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(after.Status.Epoch).To(Equal(before.Status.Epoch))
		relocated(ctx, app, toDR2)
		nothingLostSince(app, start)
	}, SpecTimeout(specTimeout))
})

var errEnded = errors.New("the action has ended")

// itIsSaid waits until the step under way names what it waits for.
func itIsSaid(ctx context.Context, app *framework.App, action string, words ...string) {
	GinkgoHelper()
	By("waiting until " + action + " says that it waits for " + strings.Join(words, " and "))
	_, err := app.AwaitAction(ctx, action, framework.Soon, framework.Wanted[*v1alpha1.DRAction]{
		What: "in a step whose message has " + strings.Join(words, " and "),
		Reached: func(a *v1alpha1.DRAction) (bool, string, error) {
			if meta.IsStatusConditionTrue(a.Status.Conditions, v1alpha1.ConditionComplete) {
				return false, "", errEnded
			}
			for _, step := range a.Status.Steps {
				if step.State == v1alpha1.StepRunning && framework.ContainsAll(step.Message, words) {
					return true, framework.Describe(a), nil
				}
			}
			return false, framework.Describe(a), nil
		},
	})
	Expect(err).NotTo(HaveOccurred())
}
