// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package maintenancemode asks the storage of a cluster to prepare for the failovers to it that need that, and takes the
// request back once all of them have ended.
package maintenancemode

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Reconciler keeps the MaintenanceModes of clusters.
type Reconciler struct {
	// Client reads from caches and sees its own writes.
	Client client.Client
	// Live reads what is stored, past all caches: what one of them has not seen yet may need a mode.
	Live client.Reader
}

// Reconcile looks at the MaintenanceModes of the cluster that the request names.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	cluster := request.Name
	wanted, err := r.wanted(ctx, r.Client, cluster)
	if err != nil {
		return reconcile.Result{}, err
	}
	modes := &v1alpha1.MaintenanceModeList{}
	if err := r.Client.List(ctx, modes, client.MatchingLabels{v1alpha1.LabelCluster: cluster}); err != nil {
		return reconcile.Result{}, fmt.Errorf("listing the MaintenanceModes of %s: %w", cluster, err)
	}
	for _, spec := range wanted {
		if err := r.ensure(ctx, spec, modes.Items); err != nil {
			return reconcile.Result{}, err
		}
	}
	return reconcile.Result{}, r.clear(ctx, cluster, wanted, modes.Items)
}

// wanted are the modes that failovers to the cluster need.
func (r *Reconciler) wanted(ctx context.Context, reader client.Reader, cluster string) ([]v1alpha1.MaintenanceModeSpec, error) {
	placements := &v1alpha1.DRPlacementControlList{}
	if err := reader.List(ctx, placements); err != nil {
		return nil, fmt.Errorf("listing DRPlacementControls: %w", err)
	}
	config := &v1alpha1.DRClusterConfig{}
	if err := r.Client.Get(ctx, types.NamespacedName{Name: cluster}, config); client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading DRClusterConfig %s: %w", cluster, err)
	}
	var wanted []v1alpha1.MaintenanceModeSpec
	for i := range placements.Items {
		placement := &placements.Items[i]
		if !action.NeedsMaintenance(placement, cluster) {
			continue
		}
		policy := &v1alpha1.DRPolicy{}
		key := types.NamespacedName{Name: placement.Spec.DRPolicyRef.Name}
		if err := r.Client.Get(ctx, key, policy); client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading DRPolicy %s: %w", key.Name, err)
		}
		groups, err := groupsOf(ctx, reader, placement)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, action.MaintenanceNeeds(cluster, policy, groups, config)...)
	}
	return wanted, nil
}

// groupsOf are a placement's groups by cluster.
func groupsOf(ctx context.Context, reader client.Reader, placement *v1alpha1.DRPlacementControl) (map[string]*v1alpha1.VolumeReplicationGroup, error) {
	list := &v1alpha1.VolumeReplicationGroupList{}
	if err := reader.List(ctx, list, client.InNamespace(placement.Namespace),
		client.MatchingLabels{v1alpha1.LabelDRPlacementControl: placement.Name}); err != nil {
		return nil, fmt.Errorf("listing VolumeReplicationGroups of DRPlacementControl %s/%s: %w", placement.Namespace, placement.Name, err)
	}
	groups := map[string]*v1alpha1.VolumeReplicationGroup{}
	for i := range list.Items {
		groups[list.Items[i].Spec.ClusterName] = &list.Items[i]
	}
	return groups, nil
}

func (r *Reconciler) ensure(ctx context.Context, spec v1alpha1.MaintenanceModeSpec, existing []v1alpha1.MaintenanceMode) error {
	name := action.MaintenanceModeName(spec)
	if slices.ContainsFunc(existing, func(m v1alpha1.MaintenanceMode) bool { return m.Name == name }) {
		return nil
	}
	mode := &v1alpha1.MaintenanceMode{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{v1alpha1.LabelCluster: spec.ClusterName}}, Spec: spec,
	}
	if err := r.Client.Create(ctx, mode); client.IgnoreAlreadyExists(err) != nil {
		return fmt.Errorf("creating MaintenanceMode %s: %w", name, err)
	}
	return nil
}

// clear deletes modes that nothing needs any more.
func (r *Reconciler) clear(ctx context.Context, cluster string, wanted []v1alpha1.MaintenanceModeSpec, existing []v1alpha1.MaintenanceMode) error {
	unneeded := func(m v1alpha1.MaintenanceMode) bool {
		return !slices.ContainsFunc(wanted, func(s v1alpha1.MaintenanceModeSpec) bool { return action.MaintenanceModeName(s) == m.Name })
	}
	if !slices.ContainsFunc(existing, unneeded) {
		return nil
	}
	var err error
	if wanted, err = r.wanted(ctx, r.Live, cluster); err != nil {
		return err
	}
	for i := range existing {
		if !unneeded(existing[i]) || existing[i].DeletionTimestamp != nil {
			continue
		}
		if err := r.Client.Delete(ctx, &existing[i], client.Preconditions{UID: &existing[i].UID}); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting MaintenanceMode %s: %w", existing[i].Name, err)
		}
	}
	return nil
}

// SetupWithManager registers the controller. A request's name is a cluster's.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("maintenancemode").
		Watches(&v1alpha1.MaintenanceMode{}, handler.EnqueueRequestsFromMapFunc(func(_ context.Context, o client.Object) []reconcile.Request {
			return of(o.(*v1alpha1.MaintenanceMode).Spec.ClusterName)
		})).
		Watches(&v1alpha1.DRPlacementControl{}, handler.EnqueueRequestsFromMapFunc(target)).
		WithOptions(controller.Options{EnableWarmup: ptr.To(true)}).
		Complete(r)
}

// target is the cluster that a placement's action needs in a maintenance mode, or needed until it ended.
func target(_ context.Context, o client.Object) []reconcile.Request {
	record := o.(*v1alpha1.DRPlacementControl).Status.CurrentAction
	if record == nil || action.Step(record, v1alpha1.StepMaintenanceMode) == nil {
		return nil
	}
	return of(record.Spec.TargetCluster)
}

func of(cluster string) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Name: cluster}}}
}
