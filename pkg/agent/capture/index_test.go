// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"context"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	discoveryfake "k8s.io/client-go/discovery/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"
)

func named(kind, name string, meta metav1.ObjectMeta) *metav1.PartialObjectMetadata {
	meta.Namespace, meta.Name = "shop", name
	return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: kind}, ObjectMeta: meta}
}

func TestAnIndexAsksOnlyForKindsThatThereAreObjectsOf(t *testing.T) {
	scheme := metadatafake.NewTestScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	shop := map[string]string{"app": "shop"}
	controlled := metav1.ObjectMeta{Labels: shop, OwnerReferences: []metav1.OwnerReference{{Name: "s", Controller: new(bool)}}}
	*controlled.OwnerReferences[0].Controller = true
	client := metadatafake.NewSimpleMetadataClient(scheme,
		named("ConfigMap", "a", metav1.ObjectMeta{Labels: shop}),
		named("Secret", "b", metav1.ObjectMeta{Labels: map[string]string{"app": "other"}}),
		named("Pod", "c", controlled))
	all := metav1.Verbs{"list", "create", "patch"}
	server := &discoveryfake.FakeDiscovery{Fake: &clienttesting.Fake{Resources: []*metav1.APIResourceList{{
		GroupVersion: "v1", APIResources: []metav1.APIResource{
			{Name: "configmaps", Kind: "ConfigMap", Namespaced: true, Verbs: all}, {Name: "secrets", Kind: "Secret", Namespaced: true, Verbs: all},
			{Name: "pods", Kind: "Pod", Namespaced: true, Verbs: all}, {Name: "services", Kind: "Service", Namespaced: true, Verbs: all},
		},
	}}}}
	x := NewIndex(NewKinds(server), client)
	selector := labels.SelectorFromSet(shop)
	names := func(namespace string) []string {
		t.Helper()
		having, err := x.Having(namespace, selector)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, r := range having {
			out = append(out, r.Resource)
		}
		slices.Sort(out)
		return out
	}
	if got := names("shop"); len(got) != 4 {
		t.Errorf("before it is filled it leaves out something: %q", got)
	}
	go x.Run(t.Context())
	await(t, func() bool { return slices.Equal(names("shop"), []string{"configmaps"}) })
	// The one kind that is left may be so because nothing is known of it yet.
	await(t, func() bool { return len(names("elsewhere")) == 0 })
	if _, served := x.Served(schema.GroupResource{Group: "example.org", Resource: "secrets"}); served {
		t.Error("a resource of another group is served")
	}
	secrets := schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	if _, err := client.Resource(secrets).Namespace("shop").(metadatafake.MetadataClient).CreateFake(named("Secret", "d", metav1.ObjectMeta{Labels: shop}), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return slices.Equal(names("shop"), []string{"configmaps", "secrets"}) })
	if served, ok := x.Served(schema.GroupResource{Resource: "secrets"}); !ok || served != secrets {
		t.Errorf("secrets are served as %s, %t", served, ok)
	}
}

func await(t *testing.T, reached func() bool) {
	t.Helper()
	if err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, 10*time.Second, true, func(context.Context) (bool, error) { return reached(), nil }); err != nil {
		t.Fatal("not reached in time")
	}
}
