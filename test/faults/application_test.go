// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilrand "k8s.io/apimachinery/pkg/util/rand"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// method is a way to replicate volumes.
type method struct {
	name v1alpha1.ReplicationMethod
	// class of volumes that are replicated so.
	class  string
	policy string
	// ships says that storage, or a mover, carries bytes over.
	ships bool
	// together says that all volumes have one point in time.
	together bool
}

var methods = []method{
	{name: v1alpha1.MethodVolumeReplication, class: "sim-replicated", policy: framework.Policy, ships: true},
	{name: v1alpha1.MethodVolumeGroupReplication, class: "sim-replicated-group", policy: framework.Policy, ships: true, together: true},
	{name: v1alpha1.MethodVolSync, class: "sim-snapshot", policy: framework.Policy, ships: true},
	{name: v1alpha1.MethodVolSyncGroup, class: "sim-snapshot-group", policy: framework.Policy, ships: true, together: true},
	{name: v1alpha1.MethodShared, class: "sim-shared", policy: syncPolicy},
}

// application is the sample application of a spec.
type application struct {
	*framework.App
	method method
	// here is the cluster it runs on.
	here string
}

// deployed is an application of two volumes that writes records on dr1 and goes when the spec ends.
func deployed(ctx context.Context, m method) *application {
	GinkgoHelper()
	app := &application{App: playground.App("fault-" + utilrand.String(5)), method: m, here: framework.DR1}
	DeferCleanup(func(ctx SpecContext) {
		if CurrentSpecReport().Failed() {
			AddReportEntry("what was left in "+app.Namespace, app.Dump(ctx), ReportEntryVisibilityFailureOrVerbose)
		}
		if !keep() {
			app.heal(ctx)
			app.unprotected(ctx)
			Expect(app.Remove(ctx)).To(Succeed())
		}
	}, NodeTimeout(cleanupTimeout))
	By("deploying the application " + app.Namespace)
	flags := []string{"--storage-class", m.class}
	if m.together {
		flags = append(flags, "--together")
	}
	Expect(app.Deploy(ctx, framework.DR1, 2, flags...)).To(Succeed())
	return app
}

// there is the other cluster.
func (a *application) there() string { return framework.Other(a.here) }

// protect has the application protected where it runs.
func (a *application) protect(ctx context.Context) {
	GinkgoHelper()
	placement := framework.Placement(a.Namespace, a.Name)
	placement.Spec.DRPolicyRef.Name = a.method.policy
	placement.Spec.PreferredCluster, placement.Spec.FailoverCluster = a.here, a.there()
	_, err := a.Placements().Create(ctx, placement, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
}

// settled waits until the application is protected where it runs, in its own way, and the other cluster could take it over.
func (a *application) settled(ctx context.Context) {
	GinkgoHelper()
	By("waiting until it is protected on " + a.here)
	_, err := a.Await(ctx, settling, framework.SettledOn(a.here))
	Expect(err).NotTo(HaveOccurred())
	group, err := a.Groups().Get(ctx, a.Group(a.here), metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	Expect(group.Status.ProtectedPVCs).To(HaveLen(2))
	Expect(group.Status.ProtectedPVCs).To(HaveEach(HaveField("ReplicationMethod", a.method.name)))
}

// unprotected has the protection taken off.
func (a *application) unprotected(ctx context.Context) {
	GinkgoHelper()
	err := a.Placements().Delete(ctx, a.Name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return
	}
	By("taking protection off")
	Expect(err).NotTo(HaveOccurred())
	Expect(framework.AwaitGone(ctx, a.Placements(), a.Name, settling)).To(Succeed())
}

// succeeded waits until the action has succeeded; the application runs on the other cluster then.
func (a *application) succeeded(ctx context.Context, name string) *v1alpha1.DRAction {
	GinkgoHelper()
	By("waiting until " + name + " has succeeded")
	action, err := a.AwaitAction(ctx, name, settling, framework.Ended(v1alpha1.ReasonSucceeded))
	Expect(err).NotTo(HaveOccurred())
	a.here = a.there()
	return action
}

// writes checks that the application writes records where it runs.
func (a *application) writes(ctx context.Context) {
	GinkgoHelper()
	Expect(a.AwaitRunning(ctx, a.here, settling)).To(Succeed())
	Expect(a.AwaitRecords(ctx, a.here, settling)).To(Succeed())
}

// sound checks what holds whatever went wrong: never two clusters wrote, and what was written at once is on all volumes or on none.
func (a *application) sound() {
	GinkgoHelper()
	report, err := a.Records()
	Expect(err).NotTo(HaveOccurred())
	Expect(framework.NeverTwoWriters(report)).To(Succeed())
	if a.method.together {
		Expect(report.Torn).To(BeZero(), "records that survive on some volumes only")
	}
}

// cluster that has the role.
func (a *application) cluster(r role) string {
	if r == source {
		return a.here
	}
	return a.there()
}

// heal takes all that was to go wrong back. A simulator that is being started is told once it has.
func (a *application) heal(ctx context.Context) {
	GinkgoHelper()
	Eventually(ctx, func(ctx context.Context) error {
		return playground.Fault(ctx, "clear", "namespace="+a.Namespace)
	}).WithTimeout(settling).WithPolling(polling).Should(Succeed())
}
