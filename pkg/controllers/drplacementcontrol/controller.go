// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package drplacementcontrol keeps one VolumeReplicationGroup per cluster for every DRPlacementControl and takes
// failover, relocate, abort and deletion from step to step: observe, decide, act. Decide is a pure function.
package drplacementcontrol

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const (
	workers = 32
	// conflictDelay gives the cache time to show what a write was refused for.
	conflictDelay   = 10 * time.Millisecond
	firstRetryDelay = 5 * time.Millisecond
	lastRetryDelay  = 30 * time.Second

	indexPlacementsByPolicy = "spec.drPolicyRef.name"
	indexGroupsByPlacement  = "metadata.labels." + v1alpha1.LabelDRPlacementControl
)

// Reconciler moves DRPlacementControls on.
type Reconciler struct {
	// Client reads from caches and sees its own writes.
	Client client.Client
	// Live reads what is stored, past all caches: a fence that a decision rests on may have been lifted since.
	Live client.Reader
	// Heartbeats knows which clusters are connected.
	Heartbeats Heartbeats
	// Clock tells the time of a decision.
	Clock clock.PassiveClock
	// Session names this run of the controllers, and no other ever.
	Session string

	written writes
}

// Reconcile observes, decides and acts once.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	facts, err := r.observe(ctx, request.NamespacedName)
	if err != nil {
		return reconcile.Result{}, err
	}
	if facts == nil {
		forgetMetrics(request.NamespacedName)
		r.written.forget(request.NamespacedName)
		return reconcile.Result{}, nil
	}
	decision := Decide(*facts)
	if err := r.act(ctx, facts.Placement, decision); outdated(err) {
		log.FromContext(ctx).V(1).Info("Deciding again", "reason", err.Error())
		return reconcile.Result{RequeueAfter: conflictDelay}, nil
	} else if err != nil {
		return reconcile.Result{}, err
	}
	recordMetrics(facts.Placement, decision)
	return reconcile.Result{RequeueAfter: decision.RequeueAfter}, nil
}

// SetupWithManager registers the controller. Everything it waits for arrives as an event.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	indexer := mgr.GetFieldIndexer()
	if err := indexer.IndexField(ctx, &v1alpha1.DRPlacementControl{}, indexPlacementsByPolicy, func(o client.Object) []string {
		return []string{o.(*v1alpha1.DRPlacementControl).Spec.DRPolicyRef.Name}
	}); err != nil {
		return err
	}
	if err := indexer.IndexField(ctx, &v1alpha1.VolumeReplicationGroup{}, indexGroupsByPlacement, func(o client.Object) []string {
		if placement := o.GetLabels()[v1alpha1.LabelDRPlacementControl]; placement != "" {
			return []string{placement}
		}
		return nil
	}); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("drplacementcontrol").
		For(&v1alpha1.DRPlacementControl{}).
		Watches(&v1alpha1.VolumeReplicationGroup{}, handler.EnqueueRequestsFromMapFunc(placementOfGroup)).
		Watches(&v1alpha1.DRPolicy{}, handler.EnqueueRequestsFromMapFunc(r.placementsOfPolicy)).
		Watches(&v1alpha1.DRCluster{}, handler.EnqueueRequestsFromMapFunc(r.placementsOfCluster),
			builder.WithPredicates(predicate.Funcs{UpdateFunc: clusterMatters})).
		Watches(&v1alpha1.MaintenanceMode{}, handler.EnqueueRequestsFromMapFunc(r.placementsInMaintenance)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			EnableWarmup:            ptr.To(true),
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](
				firstRetryDelay, lastRetryDelay),
		}).
		Complete(r)
}

func placementOfGroup(_ context.Context, group client.Object) []reconcile.Request {
	placement := group.GetLabels()[v1alpha1.LabelDRPlacementControl]
	if placement == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: group.GetNamespace(), Name: placement}}}
}

// placementsInMaintenance are those that wait for the storage of a MaintenanceMode.
func (r *Reconciler) placementsInMaintenance(ctx context.Context, mode client.Object) []reconcile.Request {
	placements := &v1alpha1.DRPlacementControlList{}
	if err := r.Client.List(ctx, placements, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
		log.FromContext(ctx).Error(err, "Cannot list the DRPlacementControls that wait for storage", "maintenanceMode", mode.GetName())
		return nil
	}
	var requests []reconcile.Request
	for i := range placements.Items {
		if action.NeedsMaintenance(&placements.Items[i], mode.(*v1alpha1.MaintenanceMode).Spec.ClusterName) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&placements.Items[i])})
		}
	}
	return requests
}

func (r *Reconciler) placementsOfPolicy(ctx context.Context, policy client.Object) []reconcile.Request {
	placements := &v1alpha1.DRPlacementControlList{}
	if err := r.Client.List(ctx, placements, client.MatchingFields{indexPlacementsByPolicy: policy.GetName()},
		client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
		log.FromContext(ctx).Error(err, "Cannot list the DRPlacementControls of a policy", "policy", policy.GetName())
		return nil
	}
	requests := make([]reconcile.Request, 0, len(placements.Items))
	for i := range placements.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&placements.Items[i])})
	}
	return requests
}

func (r *Reconciler) placementsOfCluster(ctx context.Context, cluster client.Object) []reconcile.Request {
	groups := &v1alpha1.VolumeReplicationGroupList{}
	policies := &v1alpha1.DRPolicyList{}
	var requests []reconcile.Request
	if err := r.Client.List(ctx, policies, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
		log.FromContext(ctx).Error(err, "Cannot list the policies of a cluster", "cluster", cluster.GetName())
		return nil
	}
	for i := range policies.Items {
		for _, name := range policies.Items[i].Spec.DRClusters {
			if name == cluster.GetName() {
				requests = append(requests, r.placementsOfPolicy(ctx, &policies.Items[i])...)
			}
		}
	}
	// Groups outlive their policy.
	if err := r.Client.List(ctx, groups, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
		log.FromContext(ctx).Error(err, "Cannot list the groups of a cluster", "cluster", cluster.GetName())
		return requests
	}
	for i := range groups.Items {
		if groups.Items[i].Spec.ClusterName == cluster.GetName() {
			requests = append(requests, placementOfGroup(ctx, &groups.Items[i])...)
		}
	}
	return requests
}

// clusterMatters tells whether a change of a DRCluster can change a decision: not every heartbeat or check does.
func clusterMatters(e event.UpdateEvent) bool {
	before, after := e.ObjectOld.(*v1alpha1.DRCluster), e.ObjectNew.(*v1alpha1.DRCluster)
	connected := func(c *v1alpha1.DRCluster) bool {
		return meta.IsStatusConditionTrue(c.Status.Conditions, v1alpha1.ConditionConnected)
	}
	return before.Generation != after.Generation || connected(before) != connected(after) ||
		action.FenceOf(before) != action.FenceOf(after) ||
		(before.DeletionTimestamp == nil) != (after.DeletionTimestamp == nil)
}
