// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"errors"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

var ofShop = labels.SelectorFromSet(labels.Set{"app": "shop"})

func TestWhatGoes(t *testing.T) {
	known := sets.New[types.UID]("mine")
	for name, tc := range map[string]struct {
		object string
		goes   bool
	}{
		"the application's own, from when it ran here": {"{kind: ConfigMap, metadata: {uid: mine, labels: {app: shop}}}", true},
		"restored for this group before": {
			"{kind: ConfigMap, metadata: {uid: u, labels: {app: shop}, annotations: {dr.ramen.io/volumereplicationgroup: shop/shop.dr2}}}", true},
		"made anew by somebody":                          {"{kind: ConfigMap, metadata: {uid: u, labels: {app: shop}}}", false},
		"another application's by now":                   {"{kind: ConfigMap, metadata: {uid: mine, labels: {app: shop}, annotations: {dr.ramen.io/volumereplicationgroup: shop/other}}}", false},
		"no longer covered by the selector":              {"{kind: ConfigMap, metadata: {uid: mine, labels: {app: other}}}", false},
		"another object's":                               {"{kind: ConfigMap, metadata: {uid: mine, labels: {app: shop}, ownerReferences: [{kind: X, name: x, uid: x}]}}", false},
		"on its way out":                                 {"{kind: ConfigMap, metadata: {uid: mine, labels: {app: shop}, deletionTimestamp: '2026-01-01T00:00:00Z'}}", false},
		"the agent's own":                                {"{kind: ConfigMap, metadata: {uid: mine, labels: {app: shop, app.kubernetes.io/managed-by: dr-agent}}}", false},
		"what the cluster puts into every namespace":     {"{kind: ConfigMap, metadata: {uid: mine, name: kube-root-ca.crt, labels: {app: shop}}}", false},
		"a job that has run, which captures do not have": {"{apiVersion: batch/v1, kind: Job, metadata: {uid: mine, labels: {app: shop}}, status: {conditions: [{type: Complete, status: 'True'}]}}", false},
	} {
		if got := goes(owner, known, ofShop, object(t, tc.object)); got != tc.goes {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func serving(resources ...schema.GroupVersionResource) func(schema.GroupResource) (schema.GroupVersionResource, bool) {
	return func(wanted schema.GroupResource) (schema.GroupVersionResource, bool) {
		i := slices.IndexFunc(resources, func(r schema.GroupVersionResource) bool { return r.GroupResource() == wanted })
		if i < 0 {
			return schema.GroupVersionResource{}, false
		}
		return resources[i], true
	}
}

func TestWhatIsGoneElsewhereIsDeletedHere(t *testing.T) {
	configMaps, deployments := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	r, c := onObjects(
		object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop, uid: a, resourceVersion: '7', labels: {app: shop}}}"),
		object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: kept, namespace: shop, uid: kept, labels: {app: shop}}}"),
		object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: back, namespace: shop, uid: back, labels: {app: shop}}}"),
		object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: other, uid: a2, labels: {app: shop}}}"),
		object(t, "{apiVersion: v1, kind: Secret, metadata: {name: unserved, namespace: shop, uid: unserved, labels: {app: shop}}}"),
		object(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: shop, uid: d, labels: {app: shop}}}"))
	r.Served = serving(configMaps, deployments)
	known := sets.New[types.UID]("a", "kept", "back", "a2", "unserved", "d")
	content := archive.Content{
		Objects: archived(object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: back, namespace: shop}}")),
		Gone: []archive.Name{
			{Resource: "configmaps", Name: "a"}, {Resource: "configmaps", Name: "a"}, {Resource: "configmaps", Name: "back"}, {Resource: "configmaps", Name: "never"},
			{Resource: "secrets", Name: "unserved"}, {Group: "apps", Resource: "deployments", Name: "a"}, {Resource: "configmaps"},
		},
	}
	for i, want := range []string{"configmaps/a deployments.apps/a", ""} {
		removal, err := r.Remove(t.Context(), owner, known, ofShop, content)
		if err != nil || strings.Join(removal.Deleted, " ") != want || len(removal.Left) > 0 {
			t.Errorf("attempt %d: %+v, %v", i, removal, err)
		}
	}
	var deleted []string
	for _, action := range c.Actions() {
		if d, ok := action.(clienttesting.DeleteActionImpl); ok {
			deleted = append(deleted, d.Namespace+"/"+d.Name)
			o := d.DeleteOptions
			if o.Preconditions == nil || o.Preconditions.UID == nil || o.Preconditions.ResourceVersion == nil || *o.PropagationPolicy != metav1.DeletePropagationBackground {
				t.Errorf("%s was deleted with %+v", d.Name, o)
			}
		}
	}
	if len(deleted) != 2 || deleted[0] != "shop/a" || deleted[1] != "shop/a" {
		t.Errorf("deleted %q", deleted)
	}
}

func TestWhatMayNotBeDeletedHoldsUpNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		left bool
	}{
		"what the agent may not delete":     {apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "a", errors.New("no")), true},
		"what has just changed":             {apierrors.NewConflict(schema.GroupResource{Resource: "configmaps"}, "a", errors.New("changed")), false},
		"what can't be told for the moment": {apierrors.NewServiceUnavailable("down"), false},
	} {
		r, c := onObjects(object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop, uid: a, labels: {app: shop}}}"))
		r.Served = serving(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"})
		c.PrependReactor("delete", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, tc.err })
		removal, err := r.Remove(t.Context(), owner, sets.New[types.UID]("a"), ofShop, archive.Content{Gone: []archive.Name{{Resource: "configmaps", Name: "a"}}})
		if (err == nil) != tc.left || (len(removal.Left) == 1) != tc.left || len(removal.Deleted) > 0 {
			t.Errorf("%s: %+v, %v", name, removal, err)
		}
	}
}
