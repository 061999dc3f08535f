// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package inventory tells the hub which classes a cluster has: it keeps the cluster's DRClusterConfig.
package inventory

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/ramendr/dr-apiserver/pkg/agent/served"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Reconciler keeps the DRClusterConfig of Cluster on the Hub equal to what is on the cluster that Local reads.
type Reconciler struct {
	// Cluster is the name of the DRCluster.
	Cluster string
	// Hub writes the DRClusterConfig; it need not cache.
	Hub client.Client
	// Local reads the cluster's StorageClasses and namespaces, from a cache.
	Local client.Client
	// Kinds reads what the cluster may not have.
	Kinds *served.Kinds
	// Clock stamps the report.
	Clock clock.PassiveClock

	// classes are watched, in the order of optionals.
	classes []*served.Kind
	nodes   *served.Kind
}

// SetupWithManager has the report renewed whenever a class changes, and once at the start.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	// Each report is of everything, so that one event that waits stands for all.
	changes := make(chan event.GenericEvent, 1)
	if err := r.watch(func(client.Object) {
		select {
		case changes <- event.GenericEvent{Object: &v1alpha1.DRClusterConfig{ObjectMeta: metav1.ObjectMeta{Name: r.Cluster}}}:
		default:
		}
	}); err != nil {
		return err
	}
	one := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: client.ObjectKey{Name: r.Cluster}}}
	})
	kubeSystem := predicate.NewPredicateFuncs(func(o client.Object) bool { return o.GetName() == metav1.NamespaceSystem })
	return ctrl.NewControllerManagedBy(mgr).
		Named("inventory").
		Watches(&storagev1.StorageClass{}, one).
		Watches(&corev1.Namespace{}, one, builder.WithPredicates(kubeSystem, predicate.GenerationChangedPredicate{})).
		WatchesRawSource(source.Channel(changes, one)).
		Complete(r)
}

func (r *Reconciler) watch(changed func(client.Object)) error {
	for _, o := range optionals {
		kind, err := o.watch(r.Kinds, changed)
		if err != nil {
			return err
		}
		r.classes = append(r.classes, kind)
	}
	var err error
	r.nodes, err = nodes.watch(r.Kinds, changed)
	return err
}

// Reconcile writes the report if it differs from the last one.
func (r *Reconciler) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	if !r.Kinds.WaitForSync(ctx) {
		return reconcile.Result{}, ctx.Err()
	}
	found, err := r.find(ctx)
	if err != nil {
		return reconcile.Result{}, err
	}
	report, err := r.ensure(ctx)
	if err != nil {
		return reconcile.Result{}, err
	}
	// What became of fences is somebody else's report.
	found.LastUpdateTime, found.Fences = report.Status.LastUpdateTime, report.Status.Fences
	if apiequality.Semantic.DeepEqual(*found, report.Status) {
		return reconcile.Result{}, nil
	}
	before := report.DeepCopy()
	now := metav1.NewTime(r.Clock.Now())
	found.LastUpdateTime = &now
	report.Status = *found
	if err := r.Hub.Status().Patch(ctx, report, client.MergeFrom(before)); err != nil {
		return reconcile.Result{}, fmt.Errorf("reporting the classes of %s in DRClusterConfig %s: %w", r.Cluster, r.Cluster, err)
	}
	return reconcile.Result{}, nil
}

// ensure gets the DRClusterConfig, creating it the first time.
func (r *Reconciler) ensure(ctx context.Context) (*v1alpha1.DRClusterConfig, error) {
	config := &v1alpha1.DRClusterConfig{}
	err := r.Hub.Get(ctx, client.ObjectKey{Name: r.Cluster}, config)
	if !apierrors.IsNotFound(err) {
		return config, err
	}
	var kubeSystem corev1.Namespace
	if err := r.Local.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, &kubeSystem); err != nil {
		return nil, fmt.Errorf("the UID of namespace %s identifies the cluster: %w", metav1.NamespaceSystem, err)
	}
	config = &v1alpha1.DRClusterConfig{
		ObjectMeta: metav1.ObjectMeta{Name: r.Cluster},
		Spec:       v1alpha1.DRClusterConfigSpec{ClusterID: string(kubeSystem.UID)},
	}
	if err := r.Hub.Create(ctx, config); err != nil {
		return nil, fmt.Errorf("creating DRClusterConfig %s: %w", r.Cluster, err)
	}
	return config, nil
}

func (r *Reconciler) find(ctx context.Context) (*v1alpha1.DRClusterConfigStatus, error) {
	var storageClasses storagev1.StorageClassList
	if err := r.Local.List(ctx, &storageClasses); err != nil {
		return nil, fmt.Errorf("listing StorageClasses: %w", err)
	}
	found := &v1alpha1.DRClusterConfigStatus{}
	for i := range storageClasses.Items {
		class := &storageClasses.Items[i]
		found.StorageClasses = append(found.StorageClasses, describe(class, class.Provisioner, ""))
	}
	sortByName(found.StorageClasses)
	for i, o := range optionals {
		classes, err := list(ctx, r.Kinds, r.classes[i])
		if err != nil {
			return nil, err
		}
		into := o.into(found)
		for j := range classes {
			*into = append(*into, o.describe(&classes[j]))
		}
		sortByName(*into)
	}
	all, err := list(ctx, r.Kinds, r.nodes)
	if err != nil {
		return nil, err
	}
	found.StorageAccessDetails = accessDetails(all)
	return found, nil
}
