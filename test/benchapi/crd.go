// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/generated/openapi"
)

// resource is what both kinds are called.
const (
	resource = "drplacementcontrols"
	kind     = "DRPlacementControl"
)

// customGroup is the group of the custom resource.
var customGroup = schema.GroupVersion{Group: "bench.dr.ramen.io", Version: v1alpha1.SchemeGroupVersion.Version}

var customResourceDefinitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// createCustomResource makes the kube-apiserver serve the custom resource.
func createCustomResource(ctx context.Context, client dynamic.Interface) error {
	definition, err := customResource()
	if err != nil {
		return err
	}
	created, err := client.Resource(customResourceDefinitions).Create(ctx, definition, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create the CustomResourceDefinition: %w", err)
	}
	served := client.Resource(customGroup.WithResource(resource))
	var last error
	err = wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, startTimeout, true, func(ctx context.Context) (bool, error) {
		_, last = served.List(ctx, metav1.ListOptions{Limit: 1})
		return last == nil, nil
	})
	if err != nil && apierrors.IsNotFound(last) {
		if now, err := client.Resource(customResourceDefinitions).Get(ctx, created.GetName(), metav1.GetOptions{}); err == nil {
			conditions, _, _ := unstructured.NestedSlice(now.Object, "status", "conditions")
			return fmt.Errorf("the custom resource is not served: %v", conditions)
		}
	}
	return err
}

// customResource is a CustomResourceDefinition with the schema, the subresource status and the field selectors of
// DRPlacementControls.
func customResource() (*unstructured.Unstructured, error) {
	structural, err := structuralSchema(v1alpha1.DRPlacementControl{}.OpenAPIModelName())
	if err != nil {
		return nil, err
	}
	structural["properties"].(map[string]any)["metadata"] = map[string]any{"type": "object"}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": customResourceDefinitions.GroupVersion().String(),
		"kind":       "CustomResourceDefinition",
		"metadata":   map[string]any{"name": resource + "." + customGroup.Group},
		"spec": map[string]any{
			"group": customGroup.Group,
			"scope": "Namespaced",
			"names": map[string]any{"kind": kind, "plural": resource, "singular": strings.ToLower(kind)},
			"versions": []any{map[string]any{
				"name": customGroup.Version, "served": true, "storage": true,
				"schema":       map[string]any{"openAPIV3Schema": structural},
				"subresources": map[string]any{"status": map[string]any{}},
				"selectableFields": []any{
					map[string]any{"jsonPath": "." + v1alpha1.FieldDRPolicyName}, map[string]any{"jsonPath": "." + v1alpha1.FieldPhase},
				},
			}},
		},
	}}, nil
}

// structuralSchema is the generated OpenAPI schema of a type with all references resolved, as
// CustomResourceDefinitions want it.
func structuralSchema(model string) (map[string]any, error) {
	const prefix = "#/definitions/"
	definitions := openapi.GetOpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef(prefix + name) })
	data, err := json.Marshal(allSchemas(definitions))
	if err != nil {
		return nil, err
	}
	var all map[string]map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	resolved, ok := resolve(all, prefix, all[model]).(map[string]any)
	if !ok {
		return nil, errors.New("there is no schema of " + model)
	}
	return resolved, nil
}

func allSchemas(definitions map[string]common.OpenAPIDefinition) map[string]spec.Schema {
	schemas := map[string]spec.Schema{}
	for name, definition := range definitions {
		schemas[name] = definition.Schema
	}
	return schemas
}

// resolve puts what is referred to in the place of the reference. Defaults only say what a
// Go value is when nobody set it; they are left out, as controller-gen leaves them out.
func resolve(all map[string]map[string]any, prefix string, node any) any {
	switch node := node.(type) {
	case map[string]any:
		if reference, ok := reference(node); ok {
			return resolve(all, prefix, all[strings.TrimPrefix(reference, prefix)])
		}
		resolved := map[string]any{}
		for key, value := range node {
			if key != "default" {
				resolved[key] = resolve(all, prefix, value)
			}
		}
		return resolved
	case []any:
		resolved := make([]any, 0, len(node))
		for _, item := range node {
			resolved = append(resolved, resolve(all, prefix, item))
		}
		return resolved
	default:
		return node
	}
}

// reference is the schema that a node refers to, either itself or as the only one of allOf.
func reference(node map[string]any) (string, bool) {
	if reference, ok := node["$ref"].(string); ok {
		return reference, true
	}
	if all, ok := node["allOf"].([]any); ok && len(all) == 1 {
		return reference(all[0].(map[string]any))
	}
	return "", false
}
