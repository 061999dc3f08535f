// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilrand "k8s.io/apimachinery/pkg/util/rand"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/apiservertest"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

var (
	heartbeats = &apiservertest.Heartbeats{}
	api        *apiservertest.Server
)

func TestMain(m *testing.M) {
	var err error
	if api, err = apiservertest.Start(heartbeats); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	api.Stop()
	os.Exit(code)
}

const user = "ada"

func clientset(t *testing.T) versioned.Interface {
	t.Helper()
	client, err := versioned.NewForConfig(api.As(user))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// application is a placement with its policy, clusters and groups, each test's of its own names.
type application struct {
	*testing.T
	client         versioned.Interface
	namespace      string
	source, target string
}

// newApplication places an application on its source cluster, protected and ready to be moved. The source is dead.
func newApplication(t *testing.T) *application {
	t.Helper()
	id := utilrand.String(6)
	a := &application{T: t, client: clientset(t), namespace: "ns-" + id, source: "dr1-" + id, target: "dr2-" + id}
	heartbeats.Kill(a.source)
	for _, cluster := range []string{a.source, a.target} {
		ok[*v1alpha1.DRCluster](t)(a.client.DrV1alpha1().DRClusters().Create(t.Context(), builder.DRCluster(cluster).Obj(), metav1.CreateOptions{}))
	}
	ok[*v1alpha1.DRPolicy](t)(a.client.DrV1alpha1().DRPolicies().Create(t.Context(), builder.DRPolicy(id).Clusters(a.source, a.target).Obj(), metav1.CreateOptions{}))

	saved := time.Now().Add(-time.Minute)
	a.place(builder.DRPC(a.namespace, "shop").Policy(id).Preferred(a.source).Failover(a.target).
		Running(a.source, 1, v1alpha1.PhaseDeployed).Saved(saved).
		Condition(v1alpha1.ConditionAvailable, metav1.ConditionTrue, "Deployed").
		Condition(v1alpha1.ConditionProtected, metav1.ConditionTrue, "Protected").Obj())
	a.group(builder.VRG(a.namespace, "shop", a.source).Primary(1, "").Reports(v1alpha1.PrimaryState).Healthy(saved).Obj())
	a.group(builder.VRG(a.namespace, "shop", a.target).Secondary(1, "").Reports(v1alpha1.SecondaryState).Healthy(saved).Obj())
	return a
}

func (a *application) place(placement *v1alpha1.DRPlacementControl) {
	a.Helper()
	placements := a.client.DrV1alpha1().DRPlacementControls(a.namespace)
	created := ok[*v1alpha1.DRPlacementControl](a.T)(placements.Create(a.Context(), placement, metav1.CreateOptions{}))
	created.Status = placement.Status
	ok[*v1alpha1.DRPlacementControl](a.T)(placements.UpdateStatus(a.Context(), created, metav1.UpdateOptions{}))
}

func (a *application) group(group *v1alpha1.VolumeReplicationGroup) {
	a.Helper()
	groups := a.client.DrV1alpha1().VolumeReplicationGroups(a.namespace)
	created := ok[*v1alpha1.VolumeReplicationGroup](a.T)(groups.Create(a.Context(), group, metav1.CreateOptions{}))
	created.Status = group.Status
	ok[*v1alpha1.VolumeReplicationGroup](a.T)(groups.UpdateStatus(a.Context(), created, metav1.UpdateOptions{}))
}

func (a *application) placement() *v1alpha1.DRPlacementControl {
	a.Helper()
	return ok[*v1alpha1.DRPlacementControl](a.T)(a.client.DrV1alpha1().DRPlacementControls(a.namespace).Get(a.Context(), "shop", metav1.GetOptions{}))
}

func (a *application) actions() []v1alpha1.DRAction {
	a.Helper()
	return ok[*v1alpha1.DRActionList](a.T)(a.client.DrV1alpha1().DRActions(a.namespace).List(a.Context(), metav1.ListOptions{})).Items
}

func (a *application) failover(action *v1alpha1.DRAction, dryRun ...string) (*v1alpha1.DRAction, error) {
	return a.client.DrV1alpha1().DRPlacementControls(a.namespace).Failover(a.Context(), "shop", action, metav1.CreateOptions{DryRun: dryRun})
}

func (a *application) relocate(action *v1alpha1.DRAction) (*v1alpha1.DRAction, error) {
	return a.client.DrV1alpha1().DRPlacementControls(a.namespace).Relocate(a.Context(), "shop", action, metav1.CreateOptions{})
}

func (a *application) abort(action *v1alpha1.DRAction) (*v1alpha1.DRAction, error) {
	return a.client.DrV1alpha1().DRPlacementControls(a.namespace).Abort(a.Context(), "shop", action, metav1.CreateOptions{})
}

// end lets the current action end as the placement's controller does, without its record being told.
func (a *application) end(primary string) {
	a.Helper()
	placement := a.placement()
	record := placement.Status.CurrentAction
	now := metav1.NowMicro()
	record.Status.CompletionTime, record.Status.WorkloadReadyTime = &now, &now
	record.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded, LastTransitionTime: metav1.Now(),
	}}
	saved := metav1.NewTime(now.Add(-time.Minute))
	placement.Status.LastGroupSyncTime, placement.Status.LastKubeObjectProtectionTime = &saved, &saved
	placement.Status.PrimaryCluster = primary
	ok[*v1alpha1.DRPlacementControl](a.T)(a.client.DrV1alpha1().DRPlacementControls(a.namespace).UpdateStatus(context.WithoutCancel(a.Context()), placement, metav1.UpdateOptions{}))
}

// deadSource is a request that nothing stands against while the source is dead.
func deadSource(name string) *v1alpha1.DRAction {
	return &v1alpha1.DRAction{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.DRActionSpec{
			Reason:           "the site burns",
			Acknowledgements: []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite},
		},
	}
}

// ok returns what a call returned; the test ends at its error.
func ok[T any](t *testing.T) func(T, error) T {
	return func(result T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
}
