// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package objects puts manifests into clusters.
package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

const (
	fieldManager = "playground"
	// atOnce bounds the requests under way at a time.
	atOnce = 16
	// probeInterval is the time between two looks at whether something has happened, and discoveryTimeout
	// how long a kind may take to be served.
	probeInterval    = 50 * time.Millisecond
	discoveryTimeout = 15 * time.Second
)

// Applier applies manifests to one cluster.
type Applier struct {
	dynamic dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
}

// NewApplier returns an Applier for the cluster that config leads to.
func NewApplier(config *rest.Config) (*Applier, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	discoveryClient, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(discoveryClient))
	return &Applier{dynamic: client, mapper: mapper}, nil
}

// Apply applies objects: namespaces first, then the others, several at a time.
func (a *Applier) Apply(ctx context.Context, all []*unstructured.Unstructured) error {
	namespaces, others := []*unstructured.Unstructured{}, []*unstructured.Unstructured{}
	for _, object := range all {
		if object.GetKind() == "Namespace" {
			namespaces = append(namespaces, object)
		} else {
			others = append(others, object)
		}
	}
	for _, wave := range [][]*unstructured.Unstructured{namespaces, others} {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(atOnce)
		for _, object := range wave {
			group.Go(func() error { return a.apply(ctx, object) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func (a *Applier) apply(ctx context.Context, object *unstructured.Unstructured) error {
	resource, err := a.resource(ctx, object)
	if err == nil {
		_, err = resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	}
	if err != nil {
		return fmt.Errorf("apply %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return nil
}

// resource finds where an object is served. A kind that was defined a moment ago may not be found at once.
func (a *Applier) resource(ctx context.Context, object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	gvk := object.GroupVersionKind()
	var mapping *meta.RESTMapping
	var failure error
	err := wait.PollUntilContextTimeout(ctx, probeInterval, discoveryTimeout, true, func(context.Context) (bool, error) {
		if mapping, failure = a.mapper.RESTMapping(gvk.GroupKind(), gvk.Version); meta.IsNoMatchError(failure) {
			a.mapper.Reset()
			return false, nil
		}
		return true, failure
	})
	if err != nil {
		return nil, errors.Join(failure, ctx.Err())
	}
	resource := a.dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return resource.Namespace(object.GetNamespace()), nil
	}
	return resource, nil
}

// AwaitCondition waits until an object has a condition that is True, and says what the condition was when it gives up.
func (a *Applier) AwaitCondition(
	ctx context.Context, gvr schema.GroupVersionResource, namespace, name, condition string,
) error {
	last := "the object is not there"
	err := wait.PollUntilContextCancel(ctx, probeInterval, true, func(ctx context.Context) (bool, error) {
		object, err := a.dynamic.Resource(gvr).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			if ctx.Err() == nil {
				last = err.Error()
			}
			return false, nil
		}
		status, text := Condition(object, condition)
		last = text
		return status == metav1.ConditionTrue, nil
	})
	if err != nil {
		return fmt.Errorf("%s %s is not %s: %s", gvr.Resource, name, condition, last)
	}
	return nil
}

// Condition returns the status of an object's condition, and reason and message in one text.
func Condition(object *unstructured.Unstructured, condition string) (metav1.ConditionStatus, string) {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, entry := range conditions {
		if entry, ok := entry.(map[string]any); ok && entry["type"] == condition {
			status, _ := entry["status"].(string)
			return metav1.ConditionStatus(status), fmt.Sprintf("%v: %v", entry["reason"], entry["message"])
		}
	}
	return metav1.ConditionUnknown, "it has no such condition yet"
}

// Render fills in a template of manifests.
func Render(text string, values any) ([]*unstructured.Unstructured, error) {
	parsed, err := template.New("manifests").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	var rendered bytes.Buffer
	if err := parsed.Execute(&rendered, values); err != nil {
		return nil, err
	}
	return Decode(&rendered)
}

// StripDescriptions takes the text out of everything that has a description in what a manifest holds.
func StripDescriptions(value any) {
	switch value := value.(type) {
	case map[string]any:
		if _, text := value["description"].(string); text {
			delete(value, "description")
		}
		for _, inner := range value {
			StripDescriptions(inner)
		}
	case []any:
		for _, inner := range value {
			StripDescriptions(inner)
		}
	}
}

// ReadDirectory reads the manifests in a directory.
func ReadDirectory(directory string) ([]*unstructured.Unstructured, error) {
	paths, err := filepath.Glob(filepath.Join(directory, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no manifests in %s", directory)
	}
	var all []*unstructured.Unstructured
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		read, err := Decode(bytes.NewReader(content))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, read...)
	}
	return all, nil
}

// Decode reads manifests.
func Decode(manifests io.Reader) ([]*unstructured.Unstructured, error) {
	decoder := yaml.NewYAMLOrJSONDecoder(manifests, 4096)
	var all []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		if len(object.Object) > 0 {
			all = append(all, object)
		}
	}
}
