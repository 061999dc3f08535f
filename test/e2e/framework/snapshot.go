// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package framework

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
)

// Snapshot is the resourceVersion of every object in the same namespace of all clusters, by cluster, kind and name.
type Snapshot map[string]string

// TakeSnapshot reads the resourceVersions of all objects of all kinds in the namespace, on the hub and on the managed clusters.
func (c *Clusters) TakeSnapshot(ctx context.Context, namespace string) (Snapshot, error) {
	snapshot := Snapshot{}
	all := maps.Clone(c.Managed)
	all[Hub] = c.Hub
	for name, cluster := range all {
		if err := snapshot.add(ctx, name, cluster, namespace); err != nil {
			return nil, fmt.Errorf("snapshot of %s: %w", name, err)
		}
	}
	return snapshot, nil
}

func (s Snapshot) add(ctx context.Context, name string, cluster *Identity, namespace string) error {
	resources, err := listable(cluster)
	if err != nil {
		return err
	}
	client, err := metadata.NewForConfig(cluster.Config)
	if err != nil {
		return err
	}
	for _, resource := range resources {
		list, err := client.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
		if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("list %s: %w", resource.Resource, err)
		}
		for _, item := range list.Items {
			s[fmt.Sprintf("%s %s/%s %s", name, resource.Group, resource.Resource, item.Name)] = item.ResourceVersion
		}
	}
	return nil
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
