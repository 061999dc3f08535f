// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package draction keeps the DRActions in step with the actions that DRPlacementControls hold.
package draction

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
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

const (
	workers         = 32
	conflictDelay   = 10 * time.Millisecond
	firstRetryDelay = 5 * time.Millisecond
	lastRetryDelay  = 30 * time.Second

	indexActionsByPlacement = "spec.drPlacementControl"
)

// Reconciler writes the DRActions of one DRPlacementControl.
type Reconciler struct {
	// Client reads from caches and sees its own writes.
	Client client.Client
	// Clock tells the time of a decision.
	Clock clock.PassiveClock
}

// Reconcile observes, decides and acts once.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	facts, err := r.observe(ctx, request.NamespacedName)
	if err != nil {
		return reconcile.Result{}, err
	}
	decision := Decide(facts)
	if err := r.act(ctx, decision); apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		log.FromContext(ctx).V(1).Info("Deciding again", "reason", err.Error())
		return reconcile.Result{RequeueAfter: conflictDelay}, nil
	} else if err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: decision.RequeueAfter}, nil
}

func (r *Reconciler) observe(ctx context.Context, key types.NamespacedName) (Facts, error) {
	facts := Facts{Now: r.Clock.Now(), Actions: map[string]*v1alpha1.DRAction{}}
	placement := &v1alpha1.DRPlacementControl{}
	switch err := r.Client.Get(ctx, key, placement, client.DisableReadYourWritesConsistency); {
	case err == nil:
		facts.Placement = placement
	case !apierrors.IsNotFound(err):
		return facts, fmt.Errorf("reading DRPlacementControl %s: %w", key, err)
	}
	// The list finds names; each open record is then read by itself, for a list that waits for our own writes would wait
	// for those of every other placement too.
	actions := &v1alpha1.DRActionList{}
	if err := r.Client.List(ctx, actions, client.InNamespace(key.Namespace),
		client.MatchingFields{indexActionsByPlacement: key.Name},
		client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
		return facts, fmt.Errorf("listing DRActions: %w", err)
	}
	var names []string
	for i := range actions.Items {
		if !complete(&actions.Items[i]) {
			names = append(names, actions.Items[i].Name)
		}
	}
	if facts.Placement != nil && placement.Status.CurrentAction != nil {
		names = append(names, placement.Status.CurrentAction.Name)
	}
	for _, name := range names {
		recorded := &v1alpha1.DRAction{}
		err := r.Client.Get(ctx, types.NamespacedName{Namespace: key.Namespace, Name: name}, recorded)
		if client.IgnoreNotFound(err) != nil {
			return facts, fmt.Errorf("reading DRAction %s: %w", name, err)
		}
		if err == nil {
			facts.Actions[name] = recorded
		}
	}
	return facts, nil
}

// act writes what was decided; each write is refused by the server if the record has changed since.
func (r *Reconciler) act(ctx context.Context, d Decision) error {
	if d.Create != nil {
		if err := r.Client.Create(ctx, d.Create); err != nil {
			return fmt.Errorf("creating DRAction %s: %w", d.Create.Name, err)
		}
		recordCreated.Hit(d.Create.Namespace)
	}
	if d.UpdateSpec != nil {
		status := d.UpdateSpec.Status
		if err := r.Client.Update(ctx, d.UpdateSpec); err != nil {
			return fmt.Errorf("updating DRAction %s: %w", d.UpdateSpec.Name, err)
		}
		d.UpdateSpec.Status = status
		d.UpdateStatus = append(d.UpdateStatus, d.UpdateSpec)
	}
	for _, recorded := range d.UpdateStatus {
		recordUpdate.Hit(recorded.Namespace)
		if err := r.Client.Status().Update(ctx, recorded); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("updating the status of DRAction %s: %w", recorded.Name, err)
		}
		recordUpdated.Hit(recorded.Namespace)
	}
	return nil
}

// SetupWithManager registers the controller.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	if err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.DRAction{}, indexActionsByPlacement, func(o client.Object) []string {
		return []string{o.(*v1alpha1.DRAction).Spec.DRPlacementControl}
	}); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("draction").
		For(&v1alpha1.DRPlacementControl{}).
		Watches(&v1alpha1.DRAction{}, handler.EnqueueRequestsFromMapFunc(placementOfAction)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			EnableWarmup:            ptr.To(true),
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](
				firstRetryDelay, lastRetryDelay),
		}).
		Complete(r)
}

// placementOfAction leads from a record that has not ended to its placement: it may be an orphan.
func placementOfAction(_ context.Context, object client.Object) []reconcile.Request {
	recorded := object.(*v1alpha1.DRAction)
	if complete(recorded) || recorded.Spec.DRPlacementControl == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{
		Namespace: recorded.Namespace, Name: recorded.Spec.DRPlacementControl,
	}}}
}
