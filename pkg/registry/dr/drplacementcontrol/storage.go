// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"context"

	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/failpoint"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

// REST serves DRPlacementControls.
type REST struct {
	*genericregistry.Store
	liveness Liveness
	// creating is held, by namespace, while a placement is created, so that two don't miss each other.
	creating keyedMutex
	created  newest
	// shared, if there are other replicas, is held besides.
	shared NamespaceLock
}

var (
	_ rest.StandardStorage      = &REST{}
	_ rest.ShortNamesProvider   = &REST{}
	_ rest.CategoriesProvider   = &REST{}
	_ rest.SingularNameProvider = &REST{}
)

// NewREST returns the storage of DRPlacementControls and of their status.
func NewREST(scheme *runtime.Scheme, getter generic.RESTOptionsGetter, liveness Liveness) (*REST, *StatusREST, error) {
	strategy := newStrategy(scheme)
	store, err := base.NewStore(base.Kind{
		Plural:   "drplacementcontrols",
		Singular: "drplacementcontrol",
		New:      func() runtime.Object { return &dr.DRPlacementControl{} },
		NewList:  func() runtime.Object { return &dr.DRPlacementControlList{} },
		Strategy: strategy,
		Table:    newTable(),
		Fields: map[string]func(runtime.Object) string{
			v1alpha1.FieldDRPolicyName: func(obj runtime.Object) string { return obj.(*dr.DRPlacementControl).Spec.DRPolicyRef.Name },
			v1alpha1.FieldPhase:        func(obj runtime.Object) string { return string(obj.(*dr.DRPlacementControl).Status.Phase) },
		},
	}, getter)
	if err != nil {
		return nil, nil, err
	}
	main := &REST{Store: store, liveness: liveness}
	return main, &StatusREST{StatusREST: base.NewStatusREST(store, statusStrategy{strategy}), main: main}, nil
}

// ShortNames are what people type.
func (*REST) ShortNames() []string { return []string{"drpc"} }

// Categories has `kubectl get dr` list placements.
func (*REST) Categories() []string { return []string{"dr"} }

// Get returns a placement with the freshness of each cluster's report.
func (r *REST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	obj, err := r.Store.Get(ctx, name, options)
	if err != nil {
		return nil, err
	}
	withFreshness(obj.(*dr.DRPlacementControl), r.liveness, failpoint.Clock().Now())
	return obj, nil
}

// List returns placements with the freshness of each cluster's report.
func (r *REST) List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	obj, err := r.Store.List(ctx, options)
	if err != nil {
		return nil, err
	}
	now := failpoint.Clock().Now()
	list := obj.(*dr.DRPlacementControlList)
	for i := range list.Items {
		withFreshness(&list.Items[i], r.liveness, now)
	}
	return list, nil
}

// StatusREST serves the status of DRPlacementControls.
type StatusREST struct {
	*base.StatusREST
	main *REST
}

// Get returns the same as a Get of the placement itself.
func (r *StatusREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return r.main.Get(ctx, name, options)
}
