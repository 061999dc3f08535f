// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package failpoints

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilrand "k8s.io/apimachinery/pkg/util/rand"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// application is the sample application of a spec. All it asks the hub is asked until there is an answer.
type application struct {
	*framework.App
	// here is the cluster it runs on.
	here string
	// actions that were asked for.
	actions int
}

// deployed is an application of two volumes that writes records on dr1 and goes when the spec ends.
func deployed(ctx context.Context) *application {
	GinkgoHelper()
	app := &application{App: playground.App("fp-" + utilrand.String(5)), here: framework.DR1}
	DeferCleanup(func(ctx SpecContext) {
		if CurrentSpecReport().Failed() {
			AddReportEntry("what was left in "+app.Namespace, app.Dump(ctx), ReportEntryVisibilityFailureOrVerbose)
		}
		if !keep() {
			Expect(playground.Do(ctx, "fault", "clear", "namespace="+app.Namespace)).To(Succeed())
			persist(ctx, func() error { return app.Remove(ctx) })
		}
	}, NodeTimeout(specTimeout))
	By("deploying the application " + app.Namespace)
	Expect(app.Deploy(ctx, framework.DR1, 2)).To(Succeed())
	return app
}

// there is the other cluster.
func (a *application) there() string { return framework.Other(a.here) }

// moved says that the application runs on the other cluster now.
func (a *application) moved() { a.here = a.there() }

// protected has the application protected, if it is not yet.
func (a *application) protected(ctx context.Context) {
	GinkgoHelper()
	persist(ctx, func() error {
		if err := a.Protect(ctx); !apierrors.IsAlreadyExists(err) {
			return err
		}
		return nil
	})
	a.settled(ctx)
}

// settled waits until the application is protected where it runs and the other cluster could take it over.
func (a *application) settled(ctx context.Context) {
	GinkgoHelper()
	By("waiting until it is protected on " + a.here)
	persist(ctx, func() error {
		_, err := a.Await(ctx, framework.Replication, framework.SettledOn(a.here))
		return err
	})
}

// unprotected has the protection taken off and nothing of it left.
func (a *application) unprotected(ctx context.Context) {
	GinkgoHelper()
	By("deleting the DRPlacementControl")
	persist(ctx, func() error {
		if err := a.Placements().Delete(ctx, a.Name, metav1.DeleteOptions{}); !apierrors.IsNotFound(err) {
			return err
		}
		return nil
	})
	persist(ctx, func() error { return framework.AwaitGone(ctx, a.Placements(), a.Name, framework.Replication) })
	persist(ctx, func() error {
		groups, err := a.Groups().List(ctx, metav1.ListOptions{})
		if err == nil && len(groups.Items) > 0 {
			err = fmt.Errorf("the placement is gone and VolumeReplicationGroup %s is not", groups.Items[0].Name)
		}
		return err
	})
}

type verb func(*framework.App, context.Context, v1alpha1.DRActionSpec, ...framework.Option) (*v1alpha1.DRAction, error)

// act asks for an action and returns its name, which makes of all the requests one action.
func (a *application) act(ctx context.Context, verb verb, spec v1alpha1.DRActionSpec) string {
	GinkgoHelper()
	a.actions++
	name := fmt.Sprintf("action-%d", a.actions)
	By(fmt.Sprintf("asking for %s, to %s", name, spec.TargetCluster))
	persist(ctx, func() error {
		_, err := verb(a.App, ctx, spec, framework.Named(name))
		return err
	})
	return name
}

// ended waits until the action has ended for the reason.
func (a *application) ended(ctx context.Context, name, reason string) *v1alpha1.DRAction {
	GinkgoHelper()
	By("waiting until " + name + " has ended")
	var action *v1alpha1.DRAction
	persist(ctx, func() (err error) {
		action, err = a.AwaitAction(ctx, name, framework.Replication, framework.Ended(reason))
		return err
	})
	return action
}

// writes checks that the application writes records where it runs.
func (a *application) writes(ctx context.Context) {
	GinkgoHelper()
	Expect(a.AwaitRunning(ctx, a.here, framework.Soon)).To(Succeed())
	Expect(a.AwaitRecords(ctx, a.here, framework.Soon)).To(Succeed())
}

// recorded checks that there are no records but of actions that were asked for.
func (a *application) recorded(ctx context.Context) {
	GinkgoHelper()
	persist(ctx, func() error {
		list, err := a.Actions().List(ctx, metav1.ListOptions{})
		if err == nil && len(list.Items) != a.actions {
			err = fmt.Errorf("there are records of %d actions, want %d", len(list.Items), a.actions)
		}
		return err
	})
}

// awaitDemotion waits until all volumes are told to be secondary where the application runs.
func (a *application) awaitDemotion(ctx context.Context) {
	GinkgoHelper()
	persist(ctx, func() error {
		list, err := playground.Managed[a.here].Dynamic.Resource(framework.VolumeReplications).Namespace(a.Namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range list.Items {
			state, _, err := unstructured.NestedString(list.Items[i].Object, "spec", "replicationState")
			if err != nil || state != "secondary" {
				return fmt.Errorf("VolumeReplication %s is told to be %s", list.Items[i].GetName(), state)
			}
		}
		return nil
	})
}
