// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package framework

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
)

// Snapshot is the resourceVersion of every object in the same namespace of all clusters, by cluster, kind and name.
type Snapshot map[string]string

// atOnce is how many kinds of a cluster are listed at a time.
const atOnce = 8

// Camera takes Snapshots of a namespace.
type Camera struct {
	namespace string
	clusters  map[string]*Identity
	kinds     map[string][]schema.GroupVersionResource
}

// NewCamera finds out which kinds there are on the hub and on the managed clusters.
func (c *Clusters) NewCamera(namespace string) (*Camera, error) {
	camera := &Camera{namespace: namespace, clusters: maps.Clone(c.Managed), kinds: map[string][]schema.GroupVersionResource{}}
	camera.clusters[Hub] = c.Hub
	for name, cluster := range camera.clusters {
		kinds, err := listable(cluster)
		if err != nil {
			return nil, fmt.Errorf("kinds of %s: %w", name, err)
		}
		camera.kinds[name] = kinds
	}
	return camera, nil
}

// Take reads the resourceVersions of all objects of all kinds, on all clusters at once: what changes all the time is to have little
// time for it.
func (c *Camera) Take(ctx context.Context) (Snapshot, error) {
	snapshot, lock := Snapshot{}, sync.Mutex{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce * len(c.clusters))
	for name, cluster := range c.clusters {
		client, err := metadata.NewForConfig(cluster.Config)
		if err != nil {
			return nil, err
		}
		for _, kind := range c.kinds[name] {
			group.Go(func() error {
				list, err := client.Resource(kind).Namespace(c.namespace).List(ctx, metav1.ListOptions{})
				if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
					return nil
				}
				if err != nil {
					return fmt.Errorf("list %s of %s: %w", kind.Resource, name, err)
				}
				lock.Lock()
				defer lock.Unlock()
				for _, item := range list.Items {
					snapshot[fmt.Sprintf("%s %s/%s %s", name, kind.Group, kind.Resource, item.Name)] = item.ResourceVersion
				}
				return nil
			})
		}
	}
	return snapshot, group.Wait()
}

// listable lists the resources of a cluster whose objects are in namespaces, are stored and can be listed.
func listable(cluster *Identity) ([]schema.GroupVersionResource, error) {
	lists, err := cluster.Kube.Discovery().ServerPreferredNamespacedResources()
	if err != nil {
		return nil, err
	}
	stored := discovery.SupportsAllVerbs{Verbs: []string{"list", "watch"}}
	resources, err := discovery.GroupVersionResources(discovery.FilteredBy(stored, lists))
	if err != nil {
		return nil, err
	}
	return slices.Collect(maps.Keys(resources)), nil
}

// Difference says which objects were created, changed or deleted between s and later; empty if none was.
func (s Snapshot) Difference(later Snapshot) string {
	var changes []string
	for object, version := range later {
		switch before, existed := s[object]; {
		case !existed:
			changes = append(changes, "created "+object)
		case before != version:
			changes = append(changes, "changed "+object)
		}
	}
	for object := range s {
		if _, exists := later[object]; !exists {
			changes = append(changes, "deleted "+object)
		}
	}
	slices.Sort(changes)
	return strings.Join(changes, "\n")
}
