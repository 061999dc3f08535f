// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drcluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/config"
	"github.com/ramendr/dr-apiserver/pkg/objectstore"
)

const (
	// recheckBad and recheckGood are how often an object store is looked at again.
	recheckBad  = time.Minute
	recheckGood = 10 * time.Minute
	// checkTimeout bounds one look.
	checkTimeout = 15 * time.Second
	// checkers is how many stores are looked at at once: one that hangs holds up nobody but itself.
	checkers = 16
)

// BucketChecker finds out whether the bucket of an object store profile can be used. Its errors name the profile, the
// bucket, the endpoint and the remedy.
type BucketChecker interface {
	CheckBucket(ctx context.Context, profile string) error
}

// Validation keeps the condition Validated.
type Validation struct {
	// Client reads from caches and sees its own writes.
	Client client.Client
	// Buckets are the object stores.
	Buckets BucketChecker
	// Clock tells the time of a decision.
	Clock clock.PassiveClock
}

// Reconcile looks at the cluster's object store, writes what it found if that has changed, and comes back later.
func (v *Validation) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	cluster := &v1alpha1.DRCluster{}
	if err := v.Client.Get(ctx, request.NamespacedName, cluster); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	checkCtx, cancel := context.WithTimeout(ctx, checkTimeout)
	found := v.Buckets.CheckBucket(checkCtx, cluster.Spec.S3ProfileName)
	cancel()
	if ctx.Err() != nil {
		return reconcile.Result{}, ctx.Err()
	}
	// The look may have taken long: what is written is to be the latest.
	if err := v.Client.Get(ctx, request.NamespacedName, cluster); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	condition := validated(cluster, found, v.Clock.Now())
	result, err := writeCondition(ctx, v.Client, cluster, condition, cluster.Generation)
	if err == nil && result.RequeueAfter == 0 {
		result.RequeueAfter = recheckGood
		if found != nil {
			result.RequeueAfter = recheckBad
		}
	}
	return result, err
}

// validated decides the condition from what the look at the object store found.
func validated(cluster *v1alpha1.DRCluster, found error, now time.Time) metav1.Condition {
	condition := metav1.Condition{
		Type: v1alpha1.ConditionValidated, Status: metav1.ConditionTrue, Reason: "ObjectStoreUsable",
		Message:            fmt.Sprintf("The object store %s can be used.", cluster.Spec.S3ProfileName),
		ObservedGeneration: cluster.Generation, LastTransitionTime: metav1.NewTime(now),
	}
	if found != nil {
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, reasonOf(found), found.Error()
	}
	return condition
}

func reasonOf(found error) string {
	for _, known := range []struct {
		kind   error
		reason string
	}{
		{config.ErrUnknownProfile, "ProfileUnknown"},
		{objectstore.ErrCredentials, "NoCredentials"},
		{objectstore.ErrBucketMissing, "BucketMissing"},
		{objectstore.ErrForbidden, "AccessDenied"},
		{objectstore.ErrTimeout, "Timeout"},
		{context.DeadlineExceeded, "Timeout"},
		{objectstore.ErrUnreachable, "Unreachable"},
	} {
		if errors.Is(found, known.kind) {
			return known.reason
		}
	}
	return "ObjectStoreError"
}

// SetupWithManager registers the controller.
func (v *Validation) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("drcluster-validation").
		For(&v1alpha1.DRCluster{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: checkers, EnableWarmup: ptr.To(true)}).
		Complete(v)
}
