// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package policyuse

import (
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/admission/admissiontest"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

func placement(policy, preferred, failover string) *dr.DRPlacementControl {
	return &dr.DRPlacementControl{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"},
		Spec: dr.DRPlacementControlSpec{
			DRPolicyRef: dr.DRPolicyReference{Name: policy}, PreferredCluster: preferred, FailoverCluster: failover,
		},
	}
}

func TestValidate(t *testing.T) {
	const use = "use drpolicies shop/"
	out := errors.New("the hub is out")
	allowed := map[string]error{use + "gold": nil, use + "none": nil, use + "unknown": out}
	gold := placement("gold", "dr1", "dr2")
	tests := map[string]struct {
		object, old *dr.DRPlacementControl
		broken      error
		refused     []string
	}{
		"under a policy that may be used":            {object: gold},
		"with one cluster named":                     {object: placement("gold", "dr2", "")},
		"under a policy that may not be used":        {object: placement("silver", "dr1", ""), refused: []string{"forbidden", "spec.drPolicyRef.name", "silver", "ada", "shop", "dr-policy-user"}},
		"under a policy that there is not":           {object: placement("none", "dr1", ""), refused: []string{"spec.drPolicyRef.name", "none", "kubectl get drpolicies"}},
		"while nobody knows what is allowed":         {object: placement("unknown", "dr1", ""), refused: []string{"unknown", "the hub is out", "try again"}},
		"while the policies can't be read":           {object: gold, broken: errors.New("no quorum"), refused: []string{"gold", "no quorum"}},
		"with a preferred cluster of another policy": {object: placement("gold", "dr9", "dr2"), refused: []string{"spec.preferredCluster", "dr9", "dr1, dr2"}},
		"with a failover cluster of another policy":  {object: placement("gold", "dr1", "dr9"), refused: []string{"spec.failoverCluster", "dr9", "dr1, dr2"}},

		"changed, but not in what it refers to, whatever has become of that": {object: placement("silver", "dr8", "dr9"), old: placement("silver", "dr8", "dr9")},
		"changed to another cluster of the policy":                           {object: placement("gold", "dr2", "dr1"), old: gold},
		"changed to another cluster by who may not use the policy":           {object: placement("silver", "dr2", ""), old: placement("silver", "dr1", "")},
		"changed to a cluster of another policy":                             {object: placement("gold", "dr1", "dr9"), old: gold, refused: []string{"spec.failoverCluster", "dr9"}},
		"changed to a policy that may not be used":                           {object: placement("silver", "dr1", "dr2"), old: gold, refused: []string{"forbidden", "silver"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := New()
			p.SetAuthorizer(admissiontest.Allowing(allowed))
			p.SetObjects(admissiontest.Objects{Policies: map[string][]string{"gold": {"dr1", "dr2"}, "silver": {"dr1", "dr2"}}, Err: test.broken})
			if err := p.ValidateInitialization(); err != nil {
				t.Fatal(err)
			}
			admissiontest.Expect(t, p.Validate(t.Context(), admissiontest.Attributes("drplacementcontrols", test.object, test.old), nil), test.refused)
		})
	}
	if err := New().ValidateInitialization(); err == nil || !strings.Contains(err.Error(), PluginName) {
		t.Errorf("without an authorizer it said %v", err)
	}
}
