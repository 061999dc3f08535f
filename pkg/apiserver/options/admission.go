// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"fmt"
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/discovery"

	dradmission "github.com/ramendr/dr-apiserver/pkg/admission"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/agents"
)

// newAdmissionOptions returns the plugins of every API server and those of this one. What counts against a quota is
// counted once nobody else refuses it.
func newAdmissionOptions(identity func() agents.Identity) *genericoptions.AdmissionOptions {
	o := genericoptions.NewAdmissionOptions()
	agents.Register(o.Plugins, identity)
	dradmission.Register(o.Plugins)
	resourcequota.Register(o.Plugins)
	o.RecommendedPluginOrder = slices.Concat(o.RecommendedPluginOrder, []string{agents.PluginName}, dradmission.Names,
		[]string{resourcequota.PluginName})
	// Hubs before Kubernetes 1.36 do not serve what it watches, and then it would refuse every write.
	o.DefaultOffPlugins = sets.New(mutating.PluginName)
	return o
}

// enableWhatHubServes turns on the plugins that only some hubs have the objects for.
func enableWhatHubServes(o *genericoptions.AdmissionOptions, hub discovery.ServerResourcesInterface) error {
	served, err := hub.ServerResourcesForGroupVersion(admissionregistrationv1.SchemeGroupVersion.String())
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("asking the hub which admission policies it serves: %w", err)
	}
	if served != nil && slices.ContainsFunc(served.APIResources, func(r metav1.APIResource) bool {
		return r.Name == "mutatingadmissionpolicies"
	}) {
		o.DefaultOffPlugins.Delete(mutating.PluginName)
	}
	return nil
}

// notLimited are the kinds that this server makes to carry out what it was asked for. No ResourceQuota refuses them: a
// recovery must not end halfway for want of quota.
var notLimited = map[schema.GroupResource]struct{}{
	v1alpha1.Resource("dractions"):               {},
	v1alpha1.Resource("volumereplicationgroups"): {},
}

// quotas tells the plugin that keeps to ResourceQuotas what it counts: objects of any kind.
type quotas struct{}

var _ admission.PluginInitializer = quotas{}

// Initialize implements admission.PluginInitializer.
func (quotas) Initialize(plugin admission.Interface) {
	if wants, ok := plugin.(initializer.WantsQuotaConfiguration); ok {
		wants.SetQuotaConfiguration(generic.NewConfiguration(nil, notLimited))
	}
}
