// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package fence has the fences that were asked for in DRClusters carried out: it tells the agent of the peer, in the peer's
// DRClusterConfig, and says in the DRCluster what became of it.
package fence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/fencing"
)

const (
	conflictDelay = 10 * time.Millisecond
	// holdDelay is how often it is looked whether a cluster that is kept fenced for now may be let back.
	holdDelay = 2 * time.Second
)

// Reconciler keeps orders and conditions in line with what was asked for.
type Reconciler struct {
	// Client reads from caches and sees its own writes.
	Client client.Client
	// Live reads what is stored, past all caches.
	Live client.Reader
	// Clock tells the time of a decision.
	Clock clock.PassiveClock
}

// Reconcile looks at the fence of one DRCluster.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	cluster := &v1alpha1.DRCluster{}
	if err := r.Client.Get(ctx, request.NamespacedName, cluster); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	held, err := r.reconcile(ctx, cluster)
	switch {
	case apierrors.IsConflict(err):
		return reconcile.Result{RequeueAfter: conflictDelay}, nil
	case err != nil:
		return reconcile.Result{}, err
	case held:
		return reconcile.Result{RequeueAfter: holdDelay}, nil
	}
	return reconcile.Result{}, nil
}

func (r *Reconciler) reconcile(ctx context.Context, cluster *v1alpha1.DRCluster) (held bool, err error) {
	now := metav1.NewMicroTime(r.Clock.Now())
	updated := cluster.DeepCopy()
	if fence := cluster.Status.Fence; fence != nil && fence.Peer != "" {
		config, err := r.config(ctx, fence.Peer)
		if err != nil {
			return false, err
		}
		outcome := fencing.OutcomeOf(fence, cluster.Name, config)
		hold, err := r.order(ctx, cluster, config)
		if err != nil {
			return false, err
		}
		if hold != "" {
			held, outcome = true, fencing.Outcome{Message: "Kept fenced for now: " + hold + "."}
		}
		fencing.Settle(updated, outcome, now)
	}
	if err := r.checkCIDRs(ctx, updated); err != nil {
		return held, err
	}
	if equality.Semantic.DeepEqual(updated.Status, cluster.Status) {
		return held, nil
	}
	if err := r.Client.Status().Update(ctx, updated); client.IgnoreNotFound(err) != nil {
		return held, fmt.Errorf("writing the fence's conditions: %w", err)
	}
	fenceSettled.Hit(cluster.Name)
	return held, nil
}

// order tells the peer's agent what to do, or, if it is not to be told yet, returns why. A cluster is let back only after it
// was looked, past all caches, whether anything has come to rely on its fence: it does not count as fenced since the request
// was accepted, so that nothing more can.
func (r *Reconciler) order(ctx context.Context, cluster *v1alpha1.DRCluster, config *v1alpha1.DRClusterConfig) (hold string, err error) {
	if config == nil {
		return "", nil
	}
	orders, changed := fencing.WithOrder(config.Spec.Fences, cluster.Name, cluster.Status.Fence)
	if !changed {
		return "", nil
	}
	if cluster.Status.Fence.State == v1alpha1.FenceStateUnfenced && !fencing.Lifted(cluster.Status.Fence) {
		if hold, err := r.hold(ctx, cluster); err != nil || hold != "" {
			return hold, err
		}
	}
	updated := config.DeepCopy()
	updated.Spec.Fences = orders
	if err := r.Client.Update(ctx, updated); client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("telling the agent of %s: %w", config.Name, err)
	}
	fenceOrdered.Hit(cluster.Name)
	return "", nil
}

func (r *Reconciler) hold(ctx context.Context, cluster *v1alpha1.DRCluster) (string, error) {
	placements, groups := &v1alpha1.DRPlacementControlList{}, &v1alpha1.VolumeReplicationGroupList{}
	if err := errors.Join(
		r.Live.List(ctx, placements),
		r.Live.List(ctx, groups, client.MatchingFields{v1alpha1.FieldClusterName: cluster.Name}),
	); err != nil {
		return "", fmt.Errorf("looking what relies on the fence of %s: %w", cluster.Name, err)
	}
	return fencing.Hold(fencing.Facts{
		Now: r.Clock.Now(), Cluster: cluster, Placements: placements.Items, Groups: groups.Items,
	}), nil
}

// config is what the agent of a cluster found; nil if it never wrote any.
func (r *Reconciler) config(ctx context.Context, cluster string) (*v1alpha1.DRClusterConfig, error) {
	config := &v1alpha1.DRClusterConfig{}
	err := r.Client.Get(ctx, types.NamespacedName{Name: cluster}, config)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading DRClusterConfig %s: %w", cluster, err)
	}
	return config, nil
}

// checkCIDRs holds the cluster's addresses against what its storage reports.
func (r *Reconciler) checkCIDRs(ctx context.Context, cluster *v1alpha1.DRCluster) error {
	config, err := r.config(ctx, cluster.Name)
	if err != nil {
		return err
	}
	condition := fencing.CIDRsValidated(fencing.Facts{
		Now: r.Clock.Now(), Cluster: cluster, Configs: map[string]*v1alpha1.DRClusterConfig{cluster.Name: config},
	})
	if condition == nil {
		meta.RemoveStatusCondition(&cluster.Status.Conditions, v1alpha1.ConditionCIDRsValidated)
		return nil
	}
	meta.SetStatusCondition(&cluster.Status.Conditions, *condition)
	return nil
}

// SetupWithManager registers the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("fence").
		For(&v1alpha1.DRCluster{}).
		Watches(&v1alpha1.DRClusterConfig{}, handler.EnqueueRequestsFromMapFunc(concerned)).
		WithOptions(controller.Options{EnableWarmup: ptr.To(true)}).
		Complete(r)
}

// concerned are the clusters that a DRClusterConfig has to do with: its own, and those that its agent fences off.
func concerned(_ context.Context, object client.Object) []reconcile.Request {
	config := object.(*v1alpha1.DRClusterConfig)
	requests := []reconcile.Request{{NamespacedName: types.NamespacedName{Name: config.Name}}}
	for _, order := range config.Spec.Fences {
		requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Name: order.ClusterName}})
	}
	return requests
}
