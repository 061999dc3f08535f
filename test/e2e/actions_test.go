// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var _ = Describe("An action", func() {
	It("that relocates loses no record, there and back", func(ctx SpecContext) {
		app := protected(ctx)
		objects := objectsOf(ctx, app, framework.DR1)
		start := countRecords(app)
		there := relocated(ctx, app, toDR2)
		Expect(there.Spec.Epoch).To(BeNumerically(">", 1))
		Expect(there.Status.DataLossWindow).To(BeNil(), "a relocate gives up nothing")
		Expect(objectsOf(ctx, app, framework.DR2)).To(Equal(objects))
		itStillWrites(ctx, app, framework.DR2)
		settled(ctx, app, framework.DR2)
		back := relocated(ctx, app, v1alpha1.DRActionSpec{})
		Expect(back.Spec.TargetCluster).To(Equal(framework.DR1), "the default is the preferred cluster")
		itStillWrites(ctx, app, framework.DR1)
		nothingLostSince(app, start)
	}, SpecTimeout(specTimeout))

	It("that fails over by force, both clusters being healthy, stops the source first and ends protected", func(ctx SpecContext) {
		app := protected(ctx)
		failover := failedOver(ctx, app, forced)
		Expect(app.AwaitStopped(ctx, framework.DR1, framework.Soon)).To(Succeed())
		itStillWrites(ctx, app, framework.DR2)
		settled(ctx, app, framework.DR2)
		By("waiting until the record says when it was protected again")
		_, err := app.AwaitAction(ctx, failover.Name, framework.Soon, framework.Wanted[*v1alpha1.DRAction]{
			What: "a record with protectedTime", Reached: func(a *v1alpha1.DRAction) (bool, string, error) {
				return a.Status.ProtectedTime != nil, framework.Describe(a), nil
			}})
		Expect(err).NotTo(HaveOccurred())
		nothingLostBefore(app, failover)
	}, SpecTimeout(specTimeout))

	It("that is asked for again by the same name is the same action", func(ctx SpecContext) {
		app := protected(ctx)
		first, err := app.Relocate(ctx, toDR2, framework.Named("move"))
		Expect(err).NotTo(HaveOccurred())
		Expect(first.Name).To(Equal("move"))
		again, err := app.Relocate(ctx, toDR2, framework.Named("move"))
		Expect(err).NotTo(HaveOccurred())
		Expect(again.Spec.Epoch).To(Equal(first.Spec.Epoch))
		succeeded(ctx, app, "move")
		afterwards, err := app.Relocate(ctx, toDR2, framework.Named("move"))
		Expect(err).NotTo(HaveOccurred())
		Expect(afterwards.Spec.Epoch).To(Equal(first.Spec.Epoch))
		Expect(actionsOf(ctx, app)).To(ConsistOf("move"))
		placement, err := app.Get(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(placement.Status.Epoch).To(Equal(first.Spec.Epoch))
	}, SpecTimeout(specTimeout))

	It("that is aborted before the point of no return leaves the application where it was", func(ctx SpecContext) {
		app := protected(ctx)
		start := countRecords(app)
		fault(ctx, app, "hang=demote")
		relocate := accepted(ctx, app.Relocate, toDR2)
		By("waiting until the application is stopped")
		Expect(app.AwaitStopped(ctx, framework.DR1, framework.Soon)).To(Succeed())
		aborted, err := app.Abort(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(aborted.Status.Abort).NotTo(BeNil())
		letGoOn(ctx, app)
		_, err = app.AwaitAction(ctx, relocate.Name, framework.Replication, framework.Ended(v1alpha1.ReasonAborted))
		Expect(err).NotTo(HaveOccurred())
		Expect(app.AwaitRunning(ctx, framework.DR1, framework.Soon)).To(Succeed())
		itStillWrites(ctx, app, framework.DR1)
		settled(ctx, app, framework.DR1)
		nothingLostSince(app, start)
		By("relocating after all")
		relocated(ctx, app, toDR2)
		nothingLostSince(app, start)
	}, SpecTimeout(specTimeout))

	It("that is past its point of no return is not aborted and finishes", func(ctx SpecContext) {
		app := protected(ctx)
		fault(ctx, app, "hang=promote")
		relocate := accepted(ctx, app.Relocate, toDR2)
		inStep(ctx, app, relocate.Name, v1alpha1.StepPromote)
		_, err := app.Abort(ctx)
		Expect(framework.RefusedOnly(err, http.StatusConflict, string(action.CausePointOfNoReturn))).To(Succeed())
		letGoOn(ctx, app)
		succeeded(ctx, app, relocate.Name)
	}, SpecTimeout(specTimeout))
})

var _ = Describe("A dry run", func() {
	It("shows the plan of a failover and of a relocate and changes no object on any cluster", func(ctx SpecContext) {
		app := protected(ctx)
		try := func(ctx context.Context) {
			GinkgoHelper()
			failover, err := app.Failover(ctx, forced, framework.DryRun)
			Expect(err).NotTo(HaveOccurred())
			Expect(failover.Status.DataLossWindow).NotTo(BeNil())
			relocate, err := app.Relocate(ctx, toDR2, framework.DryRun)
			Expect(err).NotTo(HaveOccurred())
			Expect(relocate.Status.Steps).To(HaveLen(3))
			Expect(relocate.Status.Checks).To(HaveEach(HaveField("Result", v1alpha1.CheckPassed)))
			_, err = app.Relocate(ctx, toDR1, framework.DryRun)
			Expect(framework.Refused(err, http.StatusUnprocessableEntity, action.CheckTargetNotCurrent)).To(Succeed(),
				"what would be refused is refused")
		}
		camera, err := app.NewCamera(app.Namespace)
		Expect(err).NotTo(HaveOccurred())
		// Syncs and captures change objects all the time, but not in every moment.
		Eventually(func(ctx context.Context) (string, error) {
			before, err := camera.Take(ctx)
			if err != nil {
				return "", err
			}
			Expect(before).NotTo(BeEmpty())
			try(ctx)
			after, err := camera.Take(ctx)
			return before.Difference(after), err
		}).WithContext(ctx).WithTimeout(framework.Replication).Should(BeEmpty())
		Expect(actionsOf(ctx, app)).To(BeEmpty())
	}, SpecTimeout(specTimeout))
})
