// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drpolicy

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

// REST serves DRPolicies.
type REST struct {
	*genericregistry.Store
	users base.Users
}

var (
	_ rest.StandardStorage    = &REST{}
	_ rest.ShortNamesProvider = &REST{}
	_ rest.CategoriesProvider = &REST{}
)

// NewREST returns the storage of DRPolicies and of their status. A policy is not deleted while placements use it.
func NewREST(scheme *runtime.Scheme, getter generic.RESTOptionsGetter, placements rest.Lister) (*REST, *base.StatusREST, error) {
	strategy := newStrategy(scheme)
	store, err := base.NewStore(base.Kind{
		Plural:   "drpolicies",
		Singular: "drpolicy",
		New:      func() runtime.Object { return &dr.DRPolicy{} },
		NewList:  func() runtime.Object { return &dr.DRPolicyList{} },
		Strategy: strategy,
		Table:    newTable(),
	}, getter)
	if err != nil {
		return nil, nil, err
	}
	return &REST{Store: store, users: placementsUsing(placements)}, base.NewStatusREST(store, statusStrategy{strategy}), nil
}

// ShortNames are what people type.
func (*REST) ShortNames() []string { return []string{"drp"} }

// Categories has `kubectl get dr` list policies.
func (*REST) Categories() []string { return []string{"dr"} }

// Delete refuses while the policy is used.
func (r *REST) Delete(ctx context.Context, name string, deleteValidation rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	return r.Store.Delete(ctx, name, r.users.Refuse(deleteValidation), options)
}

// DeleteCollection refuses at the first policy that is used.
func (r *REST) DeleteCollection(ctx context.Context, deleteValidation rest.ValidateObjectFunc, options *metav1.DeleteOptions,
	listOptions *metainternalversion.ListOptions,
) (runtime.Object, error) {
	return r.Store.DeleteCollection(ctx, r.users.Refuse(deleteValidation), options, listOptions)
}

func placementsUsing(placements rest.Lister) base.Users {
	return func(ctx context.Context, obj runtime.Object) error {
		policy := obj.(*dr.DRPolicy).Name
		listed, err := base.ListAll(ctx, placements)
		if err != nil {
			return err
		}
		for _, placement := range listed.(*dr.DRPlacementControlList).Items {
			if placement.Spec.DRPolicyRef.Name == policy {
				return apierrors.NewConflict(dr.Resource("drpolicies"), policy, fmt.Errorf(
					"DRPlacementControl %s/%s uses it; delete that first", placement.Namespace, placement.Name))
			}
		}
		return nil
	}
}
