// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

func TestWhatWasGivenAndIsGone(t *testing.T) {
	widgets := schema.GroupResource{Group: "example.org", Resource: "widgets"}
	gone := archive.Name{Group: widgets.Group, Resource: widgets.Resource, Name: "gone"}
	// As client-go makes it of an answer that is no Status: the whole path is not there.
	unknownPath := apierrors.NewGenericServerResponse(http.StatusNotFound, "get", widgets, "gone", "404 page not found", 0, true)
	for name, tc := range map[string]struct {
		given     []archive.Name
		get       error
		namespace string
		gone      []archive.Name
		fails     bool
	}{
		"nothing, as nothing was given":     {},
		"what is captured is there":         {given: []archive.Name{{Resource: "configmaps", Name: "a"}}},
		"what was deleted":                  {given: []archive.Name{{Resource: "configmaps", Name: "a"}, gone}, gone: []archive.Name{gone}},
		"what left the selector is":         {given: []archive.Name{{Resource: "configmaps", Name: "c"}}},
		"what is on its way out":            {given: []archive.Name{{Resource: "configmaps", Name: "going"}}, gone: []archive.Name{{Resource: "configmaps", Name: "going"}}},
		"of a kind without a server":        {given: []archive.Name{{Group: "example.org", Resource: "gadgets", Name: "g"}}},
		"of a kind that has just gone":      {given: []archive.Name{gone}, get: unknownPath},
		"what the agent may not read":       {given: []archive.Name{gone}, get: apierrors.NewForbidden(widgets, "gone", errors.New("no"))},
		"what can't be read at present":     {given: []archive.Name{gone}, get: apierrors.NewServiceUnavailable("down"), fails: true},
		"as the whole namespace goes":       {given: []archive.Name{gone}, namespace: "{apiVersion: v1, kind: Namespace, metadata: {name: shop, deletionTimestamp: '2026-01-01T00:00:00Z'}}"},
		"as there is no namespace any more": {given: []archive.Name{gone}, namespace: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			c, client, _ := collector(t)
			namespace := tc.namespace
			if namespace == "" {
				namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}"
			}
			going := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: going, namespace: shop, uid: g, deletionTimestamp: '2026-01-01T00:00:00Z', labels: {app: shop}}}")
			if err := client.Tracker().Add(going); err != nil {
				t.Fatal(err)
			}
			if namespace != "none" {
				if err := client.Tracker().Add(object(t, namespace)); err != nil {
					t.Fatal(err)
				}
			}
			client.PrependReactor("get", "widgets", func(clienttesting.Action) (bool, runtime.Object, error) { return tc.get != nil, nil, tc.get })
			collected, err := c.Collect(t.Context(), "shop", labels.SelectorFromSet(labels.Set{"app": "shop"}))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Gone(t.Context(), "shop", tc.given, collected)
			if !slices.Equal(got, tc.gone) || (err != nil) != tc.fails {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}
