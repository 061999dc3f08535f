// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package capture collects what a capture holds: the application's volumes and objects, freed of what is true of this
// cluster only.
package capture

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// parallel lists of one capture, and objects per page.
const (
	parallel = 8
	pageSize = 500
)

// Resources tells which resources there are to capture.
type Resources interface {
	// Having returns those of which there may be objects in a namespace that a selector covers.
	Having(namespace string, selector labels.Selector) ([]schema.GroupVersionResource, error)
	// Exclude leaves one out that can't be read.
	Exclude(resource schema.GroupVersionResource, reason error)
	// Served returns a resource in the version to ask for it, if there is one and its objects are captured.
	Served(resource schema.GroupResource) (schema.GroupVersionResource, bool)
}

// Collector reads the objects of applications.
type Collector struct {
	Resources Resources
	Client    dynamic.Interface
	// Namespaces reads namespaces, as a cache does.
	Namespaces client.Reader
}

// Collected are an application's objects.
type Collected struct {
	// Objects to capture, in the order of their resources and names.
	Objects []archive.Object
	// UIDs they have on this cluster.
	UIDs []types.UID
}

// Collect reads the namespace itself and every object in it that the selector covers.
func (c *Collector) Collect(ctx context.Context, namespace string, selector labels.Selector) (*Collected, error) {
	resources, err := c.Resources.Having(namespace, selector)
	if err != nil {
		return nil, err
	}
	pages := make([][]unstructured.Unstructured, len(resources)+1)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	group.Go(func() (err error) {
		pages[0], err = c.namespace(ctx, namespace)
		return err
	})
	for i, resource := range resources {
		group.Go(func() (err error) {
			pages[i+1], err = c.list(ctx, resource, namespace, selector)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	collected := &Collected{}
	collected.add("namespaces", pages[0])
	for i, resource := range resources {
		collected.add(resource.Resource, pages[i+1])
	}
	return collected, nil
}

func (c *Collected) add(resource string, objects []unstructured.Unstructured) {
	slices.SortFunc(objects, func(a, b unstructured.Unstructured) int { return strings.Compare(a.GetName(), b.GetName()) })
	for i := range objects {
		object := &objects[i]
		if !Belongs(object) {
			continue
		}
		c.UIDs = append(c.UIDs, object.GetUID())
		c.Objects = append(c.Objects, archive.Object{Resource: resource, Object: Clean(object)})
	}
}

func (c *Collector) namespace(ctx context.Context, name string) ([]unstructured.Unstructured, error) {
	var namespace corev1.Namespace
	if err := c.Namespaces.Get(ctx, client.ObjectKey{Name: name}, &namespace); err != nil {
		return nil, fmt.Errorf("reading Namespace %s: %w", name, err)
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&namespace)
	if err != nil {
		return nil, fmt.Errorf("encoding Namespace %s: %w", name, err)
	}
	out := unstructured.Unstructured{Object: object}
	out.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	return []unstructured.Unstructured{out}, nil
}

func (c *Collector) list(ctx context.Context, resource schema.GroupVersionResource, namespace string, selector labels.Selector) ([]unstructured.Unstructured, error) {
	var objects []unstructured.Unstructured
	options := metav1.ListOptions{LabelSelector: selector.String(), Limit: pageSize}
	for {
		page, err := c.Client.Resource(resource).Namespace(namespace).List(ctx, options)
		unreadable := apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err)
		if unreadable && !essentialGroups.Has(resource.Group) {
			c.Resources.Exclude(resource, err)
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("listing %s in namespace %s: %w", resource.GroupResource(), namespace, err)
		}
		objects = append(objects, page.Items...)
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return objects, nil
		}
	}
}
