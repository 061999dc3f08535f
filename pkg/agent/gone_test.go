// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

func TestWhatARestoreGivesAnApplication(t *testing.T) {
	object := func(kind, resource, namespace, name string) archive.Object {
		o := &unstructured.Unstructured{}
		o.SetAPIVersion("v1")
		o.SetKind(kind)
		o.SetNamespace(namespace)
		o.SetName(name)
		return archive.Object{Resource: resource, Object: o}
	}
	content := archive.Content{
		Objects: []archive.Object{object("Namespace", "namespaces", "", "shop"), object("Secret", "secrets", "shop", "s"), object("ConfigMap", "configmaps", "shop", "c")},
		Gone:    []archive.Name{{Resource: "configmaps", Name: "gone"}, {Resource: "secrets", Name: "s"}},
	}
	large := archive.Content{}
	for i := range mostGiven + 1 {
		large.Objects = append(large.Objects, object("ConfigMap", "configmaps", "shop", fmt.Sprint(i)))
	}
	for name, tc := range map[string]struct {
		taken   string
		content archive.Content
		want    []string
	}{
		"what the other cluster captured":                                {"dr2", content, []string{"configmaps/c", "secrets/s"}},
		"what was captured here, and is gone as the other does not know": {"dr1", content, []string{"configmaps/c", "configmaps/gone", "secrets/s"}},
		"more than is remembered":                                        {"dr2", large, nil},
	} {
		var got []string
		for _, n := range given(&archive.Found{Capture: archive.Capture{Cluster: tc.taken, Content: tc.content}}, "dr1") {
			got = append(got, n.String())
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
