// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drclusterconfig

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

// REST serves DRClusterConfigs.
type REST struct {
	*genericregistry.Store
}

var (
	_ rest.StandardStorage    = &REST{}
	_ rest.ShortNamesProvider = &REST{}
	_ rest.CategoriesProvider = &REST{}
)

// NewREST returns the storage of DRClusterConfigs and of their status.
func NewREST(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (*REST, *base.StatusREST, error) {
	strategy := newStrategy(scheme)
	store, err := base.NewStore(base.Kind{
		Plural:   "drclusterconfigs",
		Singular: "drclusterconfig",
		New:      func() runtime.Object { return &dr.DRClusterConfig{} },
		NewList:  func() runtime.Object { return &dr.DRClusterConfigList{} },
		Strategy: strategy,
		Table:    newTable(),
	}, getter)
	if err != nil {
		return nil, nil, err
	}
	return &REST{Store: store}, base.NewStatusREST(store, statusStrategy{strategy}), nil
}

// ShortNames are what people type.
func (*REST) ShortNames() []string { return []string{"drcc"} }

// Categories has `kubectl get dr` list what agents found.
func (*REST) Categories() []string { return []string{"dr"} }

type column = base.Column[*dr.DRClusterConfig]

func newTable() rest.TableConvertor {
	return base.NewTableConvertor(
		column{Name: "Cluster ID", Description: "UID of the cluster's namespace kube-system.",
			Cell: func(c *dr.DRClusterConfig, _ time.Time) any { return c.Spec.ClusterID }},
		column{Name: "Storage Classes", Type: "integer", Description: "Number of storage classes.",
			Cell: func(c *dr.DRClusterConfig, _ time.Time) any { return len(c.Status.StorageClasses) }},
		column{Name: "Replication Classes", Type: "integer", Description: "Number of VolumeReplicationClasses.",
			Cell: func(c *dr.DRClusterConfig, _ time.Time) any { return len(c.Status.VolumeReplicationClasses) }},
		column{Name: "Updated", Description: "Time since the agent last found a difference.",
			Cell: func(c *dr.DRClusterConfig, now time.Time) any {
				return base.ElapsedSince(c.Status.LastUpdateTime, now)
			}},
		column{Name: "Classes", Wide: true, Description: "The storage classes.",
			Cell: func(c *dr.DRClusterConfig, _ time.Time) any { return names(c.Status.StorageClasses) }},
		column{Name: "Intervals", Wide: true, Description: "The intervals that the VolumeReplicationClasses replicate at.",
			Cell: func(c *dr.DRClusterConfig, _ time.Time) any { return intervals(c.Status.VolumeReplicationClasses) }},
	)
}

func names(classes []dr.ClassInfo) string {
	return listed(classes, func(class dr.ClassInfo) string { return class.Name })
}

func intervals(classes []dr.ClassInfo) string {
	return listed(classes, func(class dr.ClassInfo) string { return class.SchedulingInterval })
}

// listed is what the classes have, each once.
func listed(classes []dr.ClassInfo, of func(dr.ClassInfo) string) string {
	var found []string
	for _, class := range classes {
		if text := of(class); text != "" && !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	return base.OrNone(strings.Join(found, ","))
}
