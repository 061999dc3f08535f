// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package failpoints

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// The stories. Each can be told again where the last one ended.
const (
	protection = "first protection"
	failover   = "failover"
	relocation = "relocate"
	abortion   = "relocate that is aborted"
	deletion   = "deletion"
)

// story is what a process dies in the middle of: what comes before, what happens, and what is true afterwards.
type story struct {
	prepare, tell, verify func(*application, context.Context)
}

var stories = map[string]story{
	protection: {
		tell: (*application).protected,
		verify: func(a *application, ctx context.Context) {
			a.runsOnlyHere(ctx)
			a.unprotected(ctx)
		},
	},
	failover:   {prepare: (*application).protected, tell: (*application).failedOver, verify: (*application).runsOnlyHere},
	relocation: {prepare: (*application).protected, tell: (*application).relocated, verify: (*application).runsOnlyHere},
	abortion:   {prepare: (*application).handingOver, tell: (*application).aborted, verify: (*application).runsOnlyHere},
	deletion: {
		prepare: (*application).protected,
		tell:    (*application).unprotected,
		verify:  (*application).writes,
	},
}

func (a *application) failedOver(ctx context.Context) {
	before, err := a.Records()
	Expect(err).NotTo(HaveOccurred())
	name := a.act(ctx, (*framework.App).Failover, v1alpha1.DRActionSpec{TargetCluster: a.there(), Force: true, Reason: "a drill"})
	action := a.ended(ctx, name, v1alpha1.ReasonSucceeded)
	a.moved()
	report, err := a.Records()
	Expect(err).NotTo(HaveOccurred())
	Expect(framework.LostOnlyAfter(framework.Since(report, before), action.Status.DataLossWindow.SyncPoint.Time)).To(Succeed())
}

func (a *application) relocated(ctx context.Context) {
	before, err := a.Records()
	Expect(err).NotTo(HaveOccurred())
	name := a.act(ctx, (*framework.App).Relocate, v1alpha1.DRActionSpec{TargetCluster: a.there()})
	a.ended(ctx, name, v1alpha1.ReasonSucceeded)
	a.moved()
	after, err := a.Records()
	Expect(err).NotTo(HaveOccurred())
	Expect(framework.NothingLostSince(after, before)).To(Succeed())
}

// handingOver has a relocate hang in the middle of the handover.
func (a *application) handingOver(ctx context.Context) {
	a.protected(ctx)
	By("holding the storage at demote")
	Expect(playground.Do(ctx, "fault", "hang=demote", "namespace="+a.Namespace)).To(Succeed())
	name := a.act(ctx, (*framework.App).Relocate, v1alpha1.DRActionSpec{TargetCluster: a.there()})
	persist(ctx, func() error {
		_, err := a.AwaitAction(ctx, name, framework.Replication, framework.InStep(v1alpha1.StepHandOver))
		return err
	})
	a.awaitDemotion(ctx)
}

func (a *application) aborted(ctx context.Context) {
	By("aborting it")
	name := ""
	persist(ctx, func() error {
		action, err := a.Abort(ctx)
		if err == nil {
			name = action.Name
		}
		return err
	})
	Expect(playground.Do(ctx, "fault", "clear", "namespace="+a.Namespace)).To(Succeed())
	a.ended(ctx, name, v1alpha1.ReasonAborted)
}

// runsOnlyHere checks that the application is protected where it runs, that each action that was asked for is recorded once,
// and that never two clusters wrote.
func (a *application) runsOnlyHere(ctx context.Context) {
	a.settled(ctx)
	a.writes(ctx)
	a.recorded(ctx)
	report, err := a.Records()
	Expect(err).NotTo(HaveOccurred())
	Expect(framework.NeverTwoWriters(report)).To(Succeed())
}
