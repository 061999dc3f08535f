// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package drcluster finds out whether clusters are connected and whether their object stores can be used. Both are told in
// conditions of the DRCluster, by two controllers that do not wait for each other: a dead object store must not hide
// that an agent came back.
package drcluster

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const conflictDelay = 10 * time.Millisecond

// Heartbeats knows which clusters' agents are connected; heartbeat.Tracker does.
type Heartbeats interface {
	// Expires is when the cluster ceases, or ceased, to be connected unless its Lease is renewed before.
	Expires(cluster string) (expires time.Time, ok bool)
	// Last is when the hub last saw the cluster's Lease renewed, and for how long that holds.
	Last(cluster string) (observedRenew time.Time, duration time.Duration, ok bool)
}

// Liveness keeps the condition Connected.
type Liveness struct {
	// Client reads from caches and sees its own writes.
	Client client.Client
	// Heartbeats knows which clusters are connected.
	Heartbeats Heartbeats
	// Changes brings a cluster's name whenever its agent comes back or its Lease is deleted.
	Changes <-chan event.GenericEvent
	// AgentNamespace is where agents have their ServiceAccounts and Leases.
	AgentNamespace string
	// Clock tells the time of a decision.
	Clock clock.PassiveClock
}

// Reconcile writes the condition if it has changed and looks again exactly when the Lease runs out.
func (l *Liveness) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	cluster := &v1alpha1.DRCluster{}
	if err := l.Client.Get(ctx, request.NamespacedName, cluster); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	now := l.Clock.Now()
	expires, seen := l.Heartbeats.Expires(cluster.Name)
	renewed, _, _ := l.Heartbeats.Last(cluster.Name)
	condition := connected(cluster, l.AgentNamespace, now, heartbeat{seen: seen, renewed: renewed, expires: expires})
	result, err := writeCondition(ctx, l.Client, cluster, condition, cluster.Status.ObservedGeneration)
	if err == nil && result.RequeueAfter == 0 && condition.Status == metav1.ConditionTrue {
		result.RequeueAfter = expires.Sub(now)
	}
	return result, err
}

// heartbeat is what is known of a cluster's Lease.
type heartbeat struct {
	seen             bool
	renewed, expires time.Time
}

// connected decides the condition. It has no times in it while all is well, for it would have to be written all the time.
func connected(cluster *v1alpha1.DRCluster, namespace string, now time.Time, beat heartbeat) metav1.Condition {
	condition := metav1.Condition{
		Type: v1alpha1.ConditionConnected, ObservedGeneration: cluster.Generation, LastTransitionTime: metav1.NewTime(now),
	}
	switch {
	case !beat.seen:
		condition.Status, condition.Reason = metav1.ConditionFalse, "NeverConnected"
		condition.Message = fmt.Sprintf("No agent has held the Lease %s/%s yet. Start dr-agent on the cluster with the "+
			"credentials of ServiceAccount %[1]s/%[2]s.", namespace, cluster.Name)
	case now.Before(beat.expires):
		condition.Status, condition.Reason = metav1.ConditionTrue, "LeaseHeld"
		condition.Message = "The cluster's agent renews its Lease."
	default:
		condition.Status, condition.Reason = metav1.ConditionFalse, "LeaseExpired"
		condition.Message = fmt.Sprintf("The cluster's agent was last heard of at %s. Look at the cluster, at dr-agent on it and "+
			"at its way to the hub.", beat.renewed.UTC().Format(time.RFC3339))
	}
	return condition
}

// SetupWithManager registers the controller.
func (l *Liveness) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("drcluster-liveness").
		For(&v1alpha1.DRCluster{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(source.Channel(l.Changes, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4, EnableWarmup: ptr.To(true)}).
		Complete(l)
}

// writeCondition writes a condition of a DRCluster if it differs from what is there.
func writeCondition(
	ctx context.Context, c client.Client, cluster *v1alpha1.DRCluster, condition metav1.Condition, observedGeneration int64,
) (reconcile.Result, error) {
	updated := cluster.DeepCopy()
	updated.Status.ObservedGeneration = observedGeneration
	meta.SetStatusCondition(&updated.Status.Conditions, condition)
	if equality.Semantic.DeepEqual(updated.Status, cluster.Status) {
		return reconcile.Result{}, nil
	}
	err := c.Status().Update(ctx, updated)
	switch {
	case apierrors.IsConflict(err):
		return reconcile.Result{RequeueAfter: conflictDelay}, nil
	case client.IgnoreNotFound(err) != nil:
		return reconcile.Result{}, fmt.Errorf("writing the condition %s: %w", condition.Type, err)
	}
	return reconcile.Result{}, nil
}
