// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package drpolicy validates DRPolicies and finds out which storage classes their clusters can replicate to each other.
package drpolicy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const conflictDelay = 10 * time.Millisecond

// Reconciler keeps the status of DRPolicies.
type Reconciler struct {
	// Client reads from caches and sees its own writes.
	Client client.Client
	// Clock tells the time of a decision.
	Clock clock.PassiveClock
}

// Reconcile observes, decides and writes the status if it differs.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	facts, err := r.observe(ctx, request.NamespacedName)
	if err != nil || facts == nil {
		return reconcile.Result{}, err
	}
	status := Decide(*facts)
	if equality.Semantic.DeepEqual(status, facts.Policy.Status) {
		return reconcile.Result{}, nil
	}
	updated := facts.Policy.DeepCopy()
	updated.Status = status
	if err := r.Client.Status().Update(ctx, updated); apierrors.IsConflict(err) {
		return reconcile.Result{RequeueAfter: conflictDelay}, nil
	} else if client.IgnoreNotFound(err) != nil {
		return reconcile.Result{}, fmt.Errorf("writing status: %w", err)
	}
	return reconcile.Result{}, nil
}

// observe gathers the facts from the caches; nil if there is no such policy.
func (r *Reconciler) observe(ctx context.Context, key types.NamespacedName) (*Facts, error) {
	facts := &Facts{
		Now:      r.Clock.Now(),
		Policy:   &v1alpha1.DRPolicy{},
		Clusters: map[string]*v1alpha1.DRCluster{},
		Configs:  map[string]*v1alpha1.DRClusterConfig{},
	}
	if err := r.Client.Get(ctx, key, facts.Policy); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	for _, name := range facts.Policy.Spec.DRClusters {
		cluster, config := &v1alpha1.DRCluster{}, &v1alpha1.DRClusterConfig{}
		found, err := r.find(ctx, name, cluster)
		if err != nil {
			return nil, err
		}
		if found {
			facts.Clusters[name] = cluster
		}
		if found, err = r.find(ctx, name, config); err != nil {
			return nil, err
		}
		if found {
			facts.Configs[name] = config
		}
	}
	return facts, nil
}

func (r *Reconciler) find(ctx context.Context, name string, into client.Object) (bool, error) {
	err := r.Client.Get(ctx, types.NamespacedName{Name: name}, into, client.DisableReadYourWritesConsistency)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %T %s: %w", into, name, err)
	}
	return true, nil
}

// SetupWithManager registers the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("drpolicy").
		For(&v1alpha1.DRPolicy{}).
		Watches(&v1alpha1.DRCluster{}, handler.EnqueueRequestsFromMapFunc(r.policiesOfCluster)).
		Watches(&v1alpha1.DRClusterConfig{}, handler.EnqueueRequestsFromMapFunc(r.policiesOfCluster)).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4, EnableWarmup: ptr.To(true)}).
		Complete(r)
}

// policiesOfCluster maps a DRCluster or DRClusterConfig, which have the same name, to the policies that use the cluster.
func (r *Reconciler) policiesOfCluster(ctx context.Context, cluster client.Object) []reconcile.Request {
	policies := &v1alpha1.DRPolicyList{}
	if err := r.Client.List(ctx, policies, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
		log.FromContext(ctx).Error(err, "Cannot list the policies of a cluster", "cluster", cluster.GetName())
		return nil
	}
	var requests []reconcile.Request
	for i := range policies.Items {
		if slices.Contains(policies.Items[i].Spec.DRClusters, cluster.GetName()) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&policies.Items[i])})
		}
	}
	return requests
}
