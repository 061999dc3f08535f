// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilrand "k8s.io/apimachinery/pkg/util/rand"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// Requests for actions that many specs make.
var (
	forced       = v1alpha1.DRActionSpec{TargetCluster: framework.DR2, Force: true, Reason: "a drill"}
	acknowledged = v1alpha1.DRActionSpec{
		TargetCluster: framework.DR2, Reason: "dr1 is gone",
		Acknowledgements: []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite},
	}
	toDR1 = v1alpha1.DRActionSpec{TargetCluster: framework.DR1}
	toDR2 = v1alpha1.DRActionSpec{TargetCluster: framework.DR2}
)

// cleanupTimeout is how long protection may take to be taken off at the end of a spec.
const cleanupTimeout = framework.Replication + time.Minute

// newApp is an application in a namespace of its own, not deployed yet, that goes when the spec ends.
func newApp() *framework.App {
	app := playground.App("e2e-" + utilrand.String(5))
	DeferCleanup(func(ctx SpecContext) {
		if CurrentSpecReport().Failed() {
			AddReportEntry("what was left in "+app.Namespace, app.Dump(ctx), ReportEntryVisibilityFailureOrVerbose)
		}
		if !keep() {
			Expect(app.Remove(ctx)).To(Succeed())
		}
	}, NodeTimeout(cleanupTimeout))
	return app
}

// deployed is an application that writes records on dr1.
func deployed(ctx context.Context) *framework.App {
	GinkgoHelper()
	app := newApp()
	By("deploying the application " + app.Namespace)
	Expect(app.Deploy(ctx, framework.DR1, 2)).To(Succeed())
	return app
}

// protected is an application that writes records on dr1 and could be recovered on dr2.
func protected(ctx context.Context) *framework.App {
	GinkgoHelper()
	return allProtected(ctx, 1)[0]
}

// allProtected are as many applications of that kind.
func allProtected(ctx context.Context, count int) []*framework.App {
	GinkgoHelper()
	apps := make([]*framework.App, 0, count)
	for range count {
		app := deployed(ctx)
		By("protecting it")
		Expect(app.Protect(ctx)).To(Succeed())
		apps = append(apps, app)
	}
	for _, app := range apps {
		settled(ctx, app, framework.DR1)
	}
	return apps
}

// settled waits until the application is protected on the cluster and the other one could take it over.
func settled(ctx context.Context, app *framework.App, cluster string) {
	GinkgoHelper()
	By("waiting until " + app.Namespace + " is protected on " + cluster)
	_, err := app.Await(ctx, framework.Replication, framework.SettledOn(cluster))
	Expect(err).NotTo(HaveOccurred())
}

// succeeded waits until the action has succeeded and the application writes records on the target.
func succeeded(ctx context.Context, app *framework.App, name string) *v1alpha1.DRAction {
	GinkgoHelper()
	By("waiting until " + name + " has succeeded")
	action, err := app.AwaitAction(ctx, name, framework.Replication, framework.Ended(v1alpha1.ReasonSucceeded))
	Expect(err).NotTo(HaveOccurred())
	Expect(action.Status.WorkloadReadyTime).NotTo(BeNil(), "a succeeded action says since when the workload may run")
	Expect(app.AwaitRunning(ctx, action.Spec.TargetCluster, framework.Soon)).To(Succeed())
	return action
}

// inStep waits until the step of the action is under way.
func inStep(ctx context.Context, app *framework.App, name string, step v1alpha1.StepName) {
	GinkgoHelper()
	By("waiting until " + name + " is in step " + string(step))
	_, err := app.AwaitAction(ctx, name, framework.Replication, framework.InStep(step))
	Expect(err).NotTo(HaveOccurred())
}

// relocated moves the application and waits until it runs on the target.
func relocated(ctx context.Context, app *framework.App, request v1alpha1.DRActionSpec) *v1alpha1.DRAction {
	GinkgoHelper()
	By("relocating " + app.Namespace + " to " + request.TargetCluster)
	return succeeded(ctx, app, accepted(ctx, app.Relocate, request).Name)
}

// accepted asks for an action, and again while the state of things stands against it: conditions that the spec waited for may be of
// what was before, until an agent has reported.
func accepted(
	ctx context.Context, ask func(context.Context, v1alpha1.DRActionSpec, ...framework.Option) (*v1alpha1.DRAction, error), request v1alpha1.DRActionSpec,
) (action *v1alpha1.DRAction) {
	GinkgoHelper()
	Eventually(func(ctx context.Context) (err error) {
		action, err = ask(ctx, request)
		if err != nil && !apierrors.IsConflict(err) {
			return StopTrying("it is not accepted").Wrap(err)
		}
		return err
	}).WithContext(ctx).WithTimeout(framework.Soon).Should(Succeed())
	return action
}

// failedOver recovers the application on dr2 and waits until it runs there.
func failedOver(ctx context.Context, app *framework.App, request v1alpha1.DRActionSpec) *v1alpha1.DRAction {
	GinkgoHelper()
	By("failing " + app.Namespace + " over to " + request.TargetCluster)
	action := accepted(ctx, app.Failover, request)
	Expect(action.Status.DataLossWindow).NotTo(BeNil(), "an accepted failover says what it gives up")
	return succeeded(ctx, app, action.Name)
}

// fault puts a fault on the storage of the application, for the rest of the spec.
func fault(ctx context.Context, app *framework.App, what string) {
	GinkgoHelper()
	By("making the storage " + what)
	Expect(playground.Do(ctx, "fault", what, "namespace="+app.Namespace)).To(Succeed())
}

// letGoOn takes the faults of the application's storage back.
func letGoOn(ctx context.Context, app *framework.App) {
	GinkgoHelper()
	do(ctx, "fault", "clear", "namespace="+app.Namespace)
}

// disrupt gives a command to the playground now and another one, which undoes it, when the spec ends.
func disrupt(ctx context.Context, command, undo []string) {
	GinkgoHelper()
	DeferCleanup(func(ctx SpecContext) { Expect(playground.Do(ctx, undo...)).To(Succeed()) }, NodeTimeout(bootTimeout))
	do(ctx, command...)
}

// do gives a command to the playground.
func do(ctx context.Context, words ...string) {
	GinkgoHelper()
	By(sentence("playground", words))
	Expect(playground.Do(ctx, words...)).To(Succeed())
}

func sentence(first string, words []string) string {
	for _, word := range words {
		first += " " + word
	}
	return first
}

// awaitDRCluster waits for a DRCluster.
func awaitDRCluster(ctx context.Context, name string, wanted framework.Wanted[*v1alpha1.DRCluster]) {
	GinkgoHelper()
	By("waiting until DRCluster " + name + " is " + wanted.What)
	_, err := framework.Await(ctx, playground.Hub.DR.DrV1alpha1().DRClusters(), name, framework.Soon, wanted)
	Expect(err).NotTo(HaveOccurred())
}

// specTimeout bounds every spec.
const specTimeout = 6 * framework.Soon

// objectsOf is what the application's ConfigMap and Secret hold on a cluster.
func objectsOf(ctx context.Context, app *framework.App, cluster string) map[string]any {
	GinkgoHelper()
	core := playground.Managed[cluster].Kube.CoreV1()
	selected := metav1.ListOptions{LabelSelector: "app=" + app.Namespace}
	held := map[string]any{}
	configMaps, err := core.ConfigMaps(app.Namespace).List(ctx, selected)
	Expect(err).NotTo(HaveOccurred())
	for _, object := range configMaps.Items {
		held["ConfigMap "+object.Name] = object.Data
	}
	secrets, err := core.Secrets(app.Namespace).List(ctx, selected)
	Expect(err).NotTo(HaveOccurred())
	for _, object := range secrets.Items {
		held["Secret "+object.Name] = object.Data
	}
	services, err := core.Services(app.Namespace).List(ctx, selected)
	Expect(err).NotTo(HaveOccurred())
	for _, object := range services.Items {
		held["Service "+object.Name] = object.Spec.Selector
	}
	Expect(held).To(HaveLen(3), "a ConfigMap, a Secret and a Service on "+cluster)
	return held
}
