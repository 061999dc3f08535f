// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"net/url"
	"slices"
	"testing"

	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metainternalversionscheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// FuzzSelectors lists with whatever selectors. They are refused, or select the same when they are written down again and
// select by nothing but the fields that can be.
func FuzzSelectors(f *testing.F) {
	for _, seed := range [][2]string{
		{"", ""}, {"metadata.name=shop", "app=shop"}, {"spec.drPolicyRef.name==gold,status.phase!=Deployed", "app in (a,b),!c"},
		{"spec.clusterName=dr1", "app notin ()"}, {"status.phase=a\\,b", "a>1,b<2"}, {"metadata.name", "=x"}, {"=", "a=b=c"},
		{"metadata.name=a,metadata.name!=a", "a,!a"}, {"\x00=\xff", "a in (\x00)"}, {"metadata.namespace=shop", "A/b=c"},
	} {
		f.Add(seed[0], seed[1])
	}
	store := storeWithoutStorage(f)
	objects := []*dr.DRPlacementControl{
		{},
		{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop", Labels: map[string]string{"app": "shop"}},
			Spec:   dr.DRPlacementControlSpec{DRPolicyRef: dr.DRPolicyReference{Name: "gold"}},
			Status: dr.DRPlacementControlStatus{Phase: dr.DRPlacementControlPhase(v1alpha1.PhaseDeployed)}},
		{ObjectMeta: metav1.ObjectMeta{Name: "a,b\\=", Labels: map[string]string{"a": "2", "c": ""}}},
	}
	f.Fuzz(func(t *testing.T, fieldSelector, labelSelector string) {
		options, err := listOptions(fieldSelector, labelSelector)
		if err != nil {
			return
		}
		again, err := listOptions(options.FieldSelector.String(), options.LabelSelector.String())
		if err != nil {
			t.Fatalf("%q and %q are not accepted as %q and %q: %v",
				fieldSelector, labelSelector, options.FieldSelector, options.LabelSelector, err)
		}
		for _, requirement := range options.FieldSelector.Requirements() {
			if !slices.Contains([]string{"metadata.name", "metadata.namespace", v1alpha1.FieldDRPolicyName, v1alpha1.FieldPhase}, requirement.Field) {
				t.Errorf("field %q can be selected by", requirement.Field)
			}
		}
		predicate := store.PredicateFunc(options.LabelSelector, options.FieldSelector)
		same := store.PredicateFunc(again.LabelSelector, again.FieldSelector)
		for _, object := range objects {
			selected, err := predicate.Matches(object)
			if err != nil {
				t.Fatal(err)
			}
			if too, err := same.Matches(object); err != nil || too != selected {
				t.Errorf("%q and %q select %s: %v; as %q and %q: %v, %v", fieldSelector, labelSelector, object.Name, selected,
					options.FieldSelector, options.LabelSelector, too, err)
			}
		}
	})
}

// listOptions reads selectors as the API does.
func listOptions(fieldSelector, labelSelector string) (metainternalversion.ListOptions, error) {
	query := url.Values{"fieldSelector": {fieldSelector}, "labelSelector": {labelSelector}}
	var options metainternalversion.ListOptions
	err := metainternalversionscheme.ParameterCodec.DecodeParameters(query, metav1.SchemeGroupVersion, &options)
	if err != nil {
		return options, err
	}
	if options.LabelSelector == nil {
		options.LabelSelector = labels.Everything()
	}
	if options.FieldSelector == nil {
		options.FieldSelector = fields.Everything()
	}
	kind := v1alpha1.SchemeGroupVersion.WithKind("DRPlacementControl")
	options.FieldSelector, err = options.FieldSelector.Transform(func(label, value string) (string, string, error) {
		return fuzzScheme.ConvertFieldLabel(kind, label, value)
	})
	return options, err
}

// storeWithoutStorage is the store of DRPlacementControls for what needs nothing stored.
func storeWithoutStorage(f *testing.F) *genericregistry.Store {
	f.Helper()
	nowhere := func(*storagebackend.ConfigForResource, string, func(runtime.Object) (string, error), func() runtime.Object,
		func() runtime.Object, storage.AttrFunc, storage.IndexerFuncs, *cache.Indexers,
	) (storage.Interface, factory.DestroyFunc, error) {
		return nil, func() {}, nil
	}
	options := generic.RESTOptions{
		StorageConfig: (&storagebackend.Config{}).ForResource(dr.Resource("drplacementcontrols")),
		Decorator:     nowhere, ResourcePrefix: "drplacementcontrols",
	}
	main, _, err := NewREST(fuzzScheme, options, nil)
	if err != nil {
		f.Fatal(err)
	}
	return main.Store
}
