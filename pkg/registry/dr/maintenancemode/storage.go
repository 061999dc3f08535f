// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package maintenancemode

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

// REST serves MaintenanceModes.
type REST struct {
	*genericregistry.Store
}

var (
	_ rest.StandardStorage    = &REST{}
	_ rest.ShortNamesProvider = &REST{}
	_ rest.CategoriesProvider = &REST{}
)

// NewREST returns the storage of MaintenanceModes and of their status.
func NewREST(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (*REST, *base.StatusREST, error) {
	strategy := newStrategy(scheme)
	store, err := base.NewStore(base.Kind{
		Plural:   "maintenancemodes",
		Singular: "maintenancemode",
		New:      func() runtime.Object { return &dr.MaintenanceMode{} },
		NewList:  func() runtime.Object { return &dr.MaintenanceModeList{} },
		Strategy: strategy,
		Table:    newTable(),
		Fields:   map[string]func(runtime.Object) string{v1alpha1.FieldClusterName: clusterName},
	}, getter)
	if err != nil {
		return nil, nil, err
	}
	return &REST{Store: store}, base.NewStatusREST(store, statusStrategy{strategy}), nil
}

func clusterName(obj runtime.Object) string { return obj.(*dr.MaintenanceMode).Spec.ClusterName }

// ShortNames are what people type.
func (*REST) ShortNames() []string { return []string{"mmode"} }

// Categories has `kubectl get dr` list maintenance modes.
func (*REST) Categories() []string { return []string{"dr"} }
