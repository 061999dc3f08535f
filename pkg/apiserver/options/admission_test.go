// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/client-go/discovery"

	"github.com/ramendr/dr-apiserver/pkg/apiserver/agents"
)

// hub answers which resources of admissionregistration.k8s.io/v1 it serves.
type hub struct {
	discovery.ServerResourcesInterface
	resources []string
	err       error
}

func (h hub) ServerResourcesForGroupVersion(string) (*metav1.APIResourceList, error) {
	list := &metav1.APIResourceList{}
	for _, name := range h.resources {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: name})
	}
	return list, h.err
}

func TestMutatingAdmissionPoliciesAreGoneByWhereTheHubServesThem(t *testing.T) {
	tests := map[string]struct {
		hub     hub
		off     bool
		refused bool
	}{
		"a hub that serves them":       {hub: hub{resources: []string{"validatingadmissionpolicies", "mutatingadmissionpolicies"}}},
		"a hub that serves only older": {hub: hub{resources: []string{"validatingadmissionpolicies"}}, off: true},
		"a hub without the group":      {hub: hub{err: apierrors.NewNotFound(schema.GroupResource{}, "")}, off: true},
		"a hub that does not answer":   {hub: hub{err: errors.New("connection refused")}, off: true, refused: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := newAdmissionOptions(func() agents.Identity { return agents.Identity{} })
			if err := enableWhatHubServes(o, test.hub); (err != nil) != test.refused {
				t.Errorf("the answer is %v", err)
			}
			if off := o.DefaultOffPlugins.Has(mutating.PluginName); off != test.off {
				t.Errorf("the plugin is off: %v", off)
			}
		})
	}
}
