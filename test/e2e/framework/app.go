// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package framework

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	drclient "github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned/typed/dr/v1alpha1"
)

// Timeouts of waits; the machine may be small and busy, so they are far beyond what is usual.
const (
	// Soon is for what needs no storage: an agent's or the hub's answer.
	Soon = time.Minute
	// Replication is for what needs storage to replicate, promote or demote volumes.
	Replication = 3 * time.Minute
)

// App is the sample application in a namespace of its own, and the DRPlacementControl that protects it, if one does.
type App struct {
	*Playground
	Namespace string
	// Name of the DRPlacementControl.
	Name string
}

// App is the sample application of a namespace, deployed or not.
func (p *Playground) App(namespace string) *App {
	return &App{Playground: p, Namespace: namespace, Name: namespace}
}

// Deploy deploys the application on a cluster, in its namespace, which is made on the hub too. It returns when the
// application writes records. Flags are further ones of bin/playground app.
func (a *App) Deploy(ctx context.Context, cluster string, volumes int, flags ...string) error {
	words := []string{"app", a.Namespace, "--cluster", cluster, "--volumes", strconv.Itoa(volumes)}
	return a.Do(ctx, append(words, flags...)...)
}

// As returns the same application as somebody else on the hub reaches it.
func (a *App) As(hub *Identity) *App {
	clusters := *a.Clusters
	clusters.Hub = hub
	other := *a
	other.Playground = &Playground{Root: a.Root, Clusters: &clusters}
	return &other
}

// Placements is the client of the DRPlacementControls in the application's namespace.
func (a *App) Placements() drclient.DRPlacementControlInterface {
	return a.Hub.DR.DrV1alpha1().DRPlacementControls(a.Namespace)
}

// Actions is the client of the DRActions in the application's namespace.
func (a *App) Actions() drclient.DRActionInterface {
	return a.Hub.DR.DrV1alpha1().DRActions(a.Namespace)
}

// Groups is the client of the VolumeReplicationGroups in the application's namespace.
func (a *App) Groups() drclient.VolumeReplicationGroupInterface {
	return a.Hub.DR.DrV1alpha1().VolumeReplicationGroups(a.Namespace)
}

// Group is the name of the application's VolumeReplicationGroup for a cluster.
func (a *App) Group(cluster string) string {
	return a.Name + "." + cluster
}

// Get reads the DRPlacementControl.
func (a *App) Get(ctx context.Context) (*v1alpha1.DRPlacementControl, error) {
	return a.Placements().Get(ctx, a.Name, metav1.GetOptions{})
}

// Protect creates the DRPlacementControl.
func (a *App) Protect(ctx context.Context) error { return a.ProtectOn(ctx, DR1) }

// ProtectOn creates the DRPlacementControl of an application that runs on the cluster.
func (a *App) ProtectOn(ctx context.Context, cluster string) error {
	placement := Placement(a.Namespace, a.Name)
	placement.Spec.PreferredCluster, placement.Spec.FailoverCluster = cluster, Other(cluster)
	_, err := a.Placements().Create(ctx, placement, metav1.CreateOptions{})
	return err
}

// Await waits for the DRPlacementControl.
func (a *App) Await(
	ctx context.Context, timeout time.Duration, wanted Wanted[*v1alpha1.DRPlacementControl],
) (*v1alpha1.DRPlacementControl, error) {
	placement, err := Await(ctx, a.Placements(), a.Name, timeout, wanted)
	if err != nil {
		err = fmt.Errorf("DRPlacementControl %s/%w", a.Namespace, err)
	}
	return placement, err
}

// AwaitAction waits for one of the application's DRActions.
func (a *App) AwaitAction(
	ctx context.Context, name string, timeout time.Duration, wanted Wanted[*v1alpha1.DRAction],
) (*v1alpha1.DRAction, error) {
	action, err := Await(ctx, a.Actions(), name, timeout, wanted)
	if err != nil {
		err = fmt.Errorf("DRAction %s/%w", a.Namespace, err)
	}
	return action, err
}

// Failover asks for a failover, or with DryRun only for its plan.
func (a *App) Failover(ctx context.Context, spec v1alpha1.DRActionSpec, options ...Option) (*v1alpha1.DRAction, error) {
	request, create := request(spec, options)
	return a.Placements().Failover(ctx, a.Name, request, create)
}

// Relocate asks for a relocate, or with DryRun only for its plan.
func (a *App) Relocate(ctx context.Context, spec v1alpha1.DRActionSpec, options ...Option) (*v1alpha1.DRAction, error) {
	request, create := request(spec, options)
	return a.Placements().Relocate(ctx, a.Name, request, create)
}

// Abort asks for the action under way to be taken back.
func (a *App) Abort(ctx context.Context) (*v1alpha1.DRAction, error) {
	return a.Placements().Abort(ctx, a.Name, &v1alpha1.DRAction{}, metav1.CreateOptions{})
}

// Option changes a request for an action.
type Option func(*v1alpha1.DRAction, *metav1.CreateOptions)

// DryRun asks for the plan only.
func DryRun(_ *v1alpha1.DRAction, create *metav1.CreateOptions) {
	create.DryRun = []string{metav1.DryRunAll}
}

// Named gives the action a name.
func Named(name string) Option {
	return func(action *v1alpha1.DRAction, _ *metav1.CreateOptions) { action.Name = name }
}

func request(spec v1alpha1.DRActionSpec, options []Option) (*v1alpha1.DRAction, metav1.CreateOptions) {
	action, create := &v1alpha1.DRAction{Spec: spec}, metav1.CreateOptions{}
	for _, option := range options {
		option(action, &create)
	}
	return action, create
}

// AwaitRunning waits until the application's StatefulSet has all its replicas ready on the cluster.
func (a *App) AwaitRunning(ctx context.Context, cluster string, timeout time.Duration) error {
	return a.awaitStatefulSet(ctx, cluster, timeout, Wanted[*appsv1.StatefulSet]{
		What: "running", Reached: func(set *appsv1.StatefulSet) (bool, string, error) {
			wanted := *set.Spec.Replicas
			return wanted > 0 && set.Status.ReadyReplicas == wanted, fmt.Sprintf("%d of %d replicas ready", set.Status.ReadyReplicas, wanted), nil
		},
	})
}

// AwaitStopped waits until no pod of the application's StatefulSet is left on the cluster.
func (a *App) AwaitStopped(ctx context.Context, cluster string, timeout time.Duration) error {
	return a.awaitStatefulSet(ctx, cluster, timeout, Wanted[*appsv1.StatefulSet]{
		What: "stopped", Reached: func(set *appsv1.StatefulSet) (bool, string, error) {
			return *set.Spec.Replicas == 0 && set.Status.Replicas == 0,
				fmt.Sprintf("%d of %d replicas there", set.Status.Replicas, *set.Spec.Replicas), nil
		},
	})
}

func (a *App) awaitStatefulSet(ctx context.Context, cluster string, timeout time.Duration, wanted Wanted[*appsv1.StatefulSet]) error {
	sets := a.Managed[cluster].Kube.AppsV1().StatefulSets(a.Namespace)
	if _, err := Await(ctx, sets, a.Namespace, timeout, wanted); err != nil {
		return fmt.Errorf("StatefulSet %s on %s: %w", a.Namespace, cluster, err)
	}
	return nil
}

// Remove deletes the DRPlacementControl, waits until it is gone, and then deletes the namespace on all clusters.
func (a *App) Remove(ctx context.Context) error {
	err := a.Placements().Delete(ctx, a.Name, metav1.DeleteOptions{})
	if err == nil {
		err = AwaitGone(ctx, a.Placements(), a.Name, Replication)
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	failures := []error{a.deleteNamespace(ctx, a.Hub)}
	for _, cluster := range a.Managed {
		failures = append(failures, a.deleteNamespace(ctx, cluster))
	}
	return errors.Join(failures...)
}

func (a *App) deleteNamespace(ctx context.Context, cluster *Identity) error {
	err := cluster.Kube.CoreV1().Namespaces().Delete(ctx, a.Namespace, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
