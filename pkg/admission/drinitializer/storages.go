// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drinitializer

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

// Storages are Objects as the server stores them. Plugins are there before the storages are: Use tells of those. Until then
// nothing is found and everything that depends on it is refused.
type Storages struct {
	policies rest.Getter
	clusters GetterLister
}

// GetterLister is a storage that gets and lists.
type GetterLister interface {
	rest.Getter
	rest.Lister
}

var _ Objects = &Storages{}

// Use is called before the server serves anything.
func (s *Storages) Use(policies rest.Getter, clusters GetterLister) {
	s.policies, s.clusters = policies, clusters
}

var errNoStorage = errors.New("the server is starting; try again")

// Policy returns the DRPolicy of that name.
func (s *Storages) Policy(ctx context.Context, name string) (*dr.DRPolicy, error) {
	if s.policies == nil {
		return nil, errNoStorage
	}
	obj, err := get(ctx, s.policies, name)
	if err != nil {
		return nil, err
	}
	return obj.(*dr.DRPolicy), nil
}

// Cluster returns the DRCluster of that name.
func (s *Storages) Cluster(ctx context.Context, name string) (*dr.DRCluster, error) {
	if s.clusters == nil {
		return nil, errNoStorage
	}
	obj, err := get(ctx, s.clusters, name)
	if err != nil {
		return nil, err
	}
	return obj.(*dr.DRCluster), nil
}

// Clusters returns all DRClusters.
func (s *Storages) Clusters(ctx context.Context) ([]dr.DRCluster, error) {
	if s.clusters == nil {
		return nil, errNoStorage
	}
	obj, err := s.clusters.List(ctx, &metainternalversion.ListOptions{})
	if err != nil {
		return nil, err
	}
	return obj.(*dr.DRClusterList).Items, nil
}

// get asks the watch cache, and the storage itself before it says that there is none: it may have come just now.
func get(ctx context.Context, storage rest.Getter, name string) (runtime.Object, error) {
	obj, err := storage.Get(ctx, name, &metav1.GetOptions{ResourceVersion: "0"})
	if apierrors.IsNotFound(err) {
		return storage.Get(ctx, name, &metav1.GetOptions{})
	}
	return obj, err
}
