// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"cmp"
	"maps"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

var (
	storedVerbs   = []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	computedVerbs = []string{"get", "list"}
	statusVerbs   = []string{"get", "patch", "update"}
	actionVerbs   = []string{"create"}
)

var _ = Describe("Discovery", func() {
	It("has every kind in the hub's one document, and nothing else", func(ctx SpecContext) {
		found := map[string]apidiscoveryv2.APIResourceDiscovery{}
		for _, group := range as[apidiscoveryv2.APIGroupDiscoveryList](send(ctx, request{path: "/apis", accept: aggregated})).Items {
			if group.Name != v1alpha1.GroupName {
				continue
			}
			Expect(group.Versions).To(HaveLen(1))
			Expect(group.Versions[0].Version).To(Equal(v1alpha1.SchemeGroupVersion.Version))
			Expect(group.Versions[0].Freshness).To(Equal(apidiscoveryv2.DiscoveryFreshnessCurrent))
			for _, resource := range group.Versions[0].Resources {
				found[resource.Resource] = resource
			}
		}
		for _, k := range slices.Concat(stored, computed) {
			resource := found[k.resource]
			delete(found, k.resource)
			Expect(resource.ResponseKind).To(HaveValue(HaveField("Kind", k.name)))
			Expect(resource.SingularResource).To(Equal(k.singular))
			Expect(resource.ShortNames).To(Equal(k.shortNames))
			Expect(resource.Categories).To(Equal([]string{"dr"}))
			Expect(resource.Scope == apidiscoveryv2.ScopeNamespace).To(Equal(k.namespaced))
			Expect(resource.Verbs).To(ConsistOf(k.verbs()))
			subresources := map[string]string{}
			for _, subresource := range resource.Subresources {
				subresources[subresource.Subresource] = subresource.ResponseKind.Kind
				Expect(subresource.Verbs).To(ConsistOf(k.verbsOf(subresource.Subresource)))
			}
			Expect(subresources).To(Equal(k.subresources()), k.name)
		}
		Expect(found).To(BeEmpty())
	}, SpecTimeout(specTimeout))

	It("has the same in the documents of old clients", func(ctx SpecContext) {
		group := as[metav1.APIGroup](send(ctx, request{path: "/apis/" + v1alpha1.GroupName}))
		Expect(group.PreferredVersion.GroupVersion).To(Equal(v1alpha1.SchemeGroupVersion.String()))
		listed := as[metav1.APIResourceList](send(ctx, request{path: "/apis/" + v1alpha1.SchemeGroupVersion.String()}))
		found := map[string]metav1.APIResource{}
		for _, resource := range listed.APIResources {
			found[resource.Name] = resource
		}
		for _, k := range slices.Concat(stored, computed) {
			resource := found[k.resource]
			Expect(resource.Kind).To(Equal(k.name))
			Expect(resource.SingularName).To(Equal(k.singular))
			Expect(resource.ShortNames).To(Equal(k.shortNames))
			Expect(resource.Namespaced).To(Equal(k.namespaced))
			Expect([]string(resource.Verbs)).To(ConsistOf(k.verbs()))
			for subresource, kind := range k.subresources() {
				Expect(found[k.resource+"/"+subresource].Kind).To(Equal(kind))
			}
		}
	}, SpecTimeout(specTimeout))
})

func (k kind) isComputed() bool {
	return slices.ContainsFunc(computed, func(other kind) bool { return other.name == k.name })
}

func (k kind) verbs() []string {
	if k.isComputed() {
		return computedVerbs
	}
	return storedVerbs
}

// subresources of the kind, and the kinds they speak of.
func (k kind) subresources() map[string]string {
	result := map[string]string{}
	if !k.isComputed() {
		result["status"] = k.name
	}
	for _, action := range k.actions {
		result[action] = k.actionKind()
	}
	maps.Copy(result, k.computed)
	return result
}

// actionKind is what is created at the subresources that act.
func (k kind) actionKind() string { return cmp.Or(k.body, "DRAction") }

func (k kind) verbsOf(subresource string) []string {
	switch _, computed := k.computed[subresource]; {
	case computed:
		return []string{"get"}
	case subresource == "status":
		return statusVerbs
	default:
		return actionVerbs
	}
}
