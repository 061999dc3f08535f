// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drcluster

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/failpoint"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

// Heartbeats tells when clusters' agents were last heard of.
type Heartbeats interface {
	Last(cluster string) (observedRenew time.Time, duration time.Duration, ok bool)
}

// REST serves DRClusters.
type REST struct {
	*genericregistry.Store
	heartbeats Heartbeats
	users      base.Users
}

// StatusREST serves the status of DRClusters.
type StatusREST struct {
	*base.StatusREST
	main *REST
}

var (
	_ rest.StandardStorage    = &REST{}
	_ rest.ShortNamesProvider = &REST{}
	_ rest.CategoriesProvider = &REST{}
)

// NewREST returns the storage of DRClusters and of their status. A cluster is not deleted while a policy names it or it is
// fenced.
func NewREST(scheme *runtime.Scheme, getter generic.RESTOptionsGetter, heartbeats Heartbeats, policies rest.Lister) (*REST, *StatusREST, error) {
	strategy := newStrategy(scheme)
	store, err := base.NewStore(base.Kind{
		Plural:   "drclusters",
		Singular: "drcluster",
		New:      func() runtime.Object { return &dr.DRCluster{} },
		NewList:  func() runtime.Object { return &dr.DRClusterList{} },
		Strategy: strategy,
		Table:    newTable(heartbeats),
	}, getter)
	if err != nil {
		return nil, nil, err
	}
	main := &REST{Store: store, heartbeats: heartbeats, users: unlessFenced(policiesNaming(policies))}
	return main, &StatusREST{StatusREST: base.NewStatusREST(store, statusStrategy{strategy}), main: main}, nil
}

// ShortNames are what people type.
func (*REST) ShortNames() []string { return []string{"drcl"} }

// Categories has `kubectl get dr` list clusters.
func (*REST) Categories() []string { return []string{"dr"} }

// Get returns a cluster with the age of its heartbeat.
func (r *REST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	obj, err := r.Store.Get(ctx, name, options)
	if err != nil {
		return nil, err
	}
	cluster := obj.(*dr.DRCluster)
	cluster.Status.HeartbeatAge = heartbeatAge(cluster.Name, r.heartbeats, failpoint.Clock().Now())
	return cluster, nil
}

// List returns clusters with the ages of their heartbeats.
func (r *REST) List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	obj, err := r.Store.List(ctx, options)
	if err != nil {
		return nil, err
	}
	now := failpoint.Clock().Now()
	list := obj.(*dr.DRClusterList)
	for i := range list.Items {
		list.Items[i].Status.HeartbeatAge = heartbeatAge(list.Items[i].Name, r.heartbeats, now)
	}
	return list, nil
}

// Get returns the same as a Get of the cluster itself.
func (r *StatusREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return r.main.Get(ctx, name, options)
}

// heartbeatAge is rounded: nobody needs an age to the nanosecond.
func heartbeatAge(cluster string, heartbeats Heartbeats, now time.Time) *metav1.Duration {
	last, _, ok := heartbeats.Last(cluster)
	if !ok {
		return nil
	}
	return &metav1.Duration{Duration: max(0, now.Sub(last)).Round(time.Millisecond)}
}

// Delete refuses while a policy names the cluster, or it is fenced.
func (r *REST) Delete(ctx context.Context, name string, deleteValidation rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	return r.Store.Delete(ctx, name, r.users.Refuse(deleteValidation), options)
}

// DeleteCollection refuses at the first cluster that a policy names, or that is fenced.
func (r *REST) DeleteCollection(ctx context.Context, deleteValidation rest.ValidateObjectFunc, options *metav1.DeleteOptions,
	listOptions *metainternalversion.ListOptions,
) (runtime.Object, error) {
	return r.Store.DeleteCollection(ctx, r.users.Refuse(deleteValidation), options, listOptions)
}

func policiesNaming(policies rest.Lister) base.Users {
	return func(ctx context.Context, obj runtime.Object) error {
		cluster := obj.(*dr.DRCluster).Name
		listed, err := base.ListAll(ctx, policies)
		if err != nil {
			return err
		}
		for _, policy := range listed.(*dr.DRPolicyList).Items {
			if slices.Contains(policy.Spec.DRClusters, cluster) {
				return apierrors.NewConflict(dr.Resource("drclusters"), cluster, fmt.Errorf(
					"DRPolicy %s is between it and another cluster; delete that first", policy.Name))
			}
		}
		return nil
	}
}

// unlessFenced keeps a cluster whose fence nobody would know of any more.
func unlessFenced(next base.Users) base.Users {
	return func(ctx context.Context, obj runtime.Object) error {
		cluster := obj.(*dr.DRCluster)
		if fence := cluster.Status.Fence; fence != nil && (fence.State != dr.FenceStateUnfenced || fence.CompletionTime == nil) {
			return apierrors.NewConflict(dr.Resource("drclusters"), cluster.Name, fmt.Errorf(
				"it is %s; unfence it first, and wait until its phase is %s", cluster.Status.Phase, dr.ClusterAvailable))
		}
		return next(ctx, obj)
	}
}
