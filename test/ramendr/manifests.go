// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package ramendr has manifests as RamenDR's users have them, unchanged, and the proof of what becomes of each of them here.
package ramendr

import (
	"bufio"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"path"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Group is the API group the manifests were written for.
const Group = "ramendr.openshift.io"

//go:embed manifests
var manifests embed.FS

// Objects returns the objects in a manifest, those of RamenDR with nothing changed but the apiVersion.
func Objects(name string) ([]*unstructured.Unstructured, error) {
	content, err := manifests.ReadFile(path.Join("manifests", name))
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		object := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict(document, &object.Object); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(object.Object) == 0 {
			continue
		}
		if object.GroupVersionKind().Group == Group {
			object.SetAPIVersion(v1alpha1.SchemeGroupVersion.String())
		}
		objects = append(objects, object)
	}
}
