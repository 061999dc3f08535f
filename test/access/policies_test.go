// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// create makes a DRPlacementControl with further labels, by a dry run, and returns it.
func create(ctx context.Context, namespace string, labels map[string]string) (*v1alpha1.DRPlacementControl, error) {
	placement := framework.Placement(namespace, "shop")
	for key, value := range labels {
		placement.Labels[key] = value
	}
	return playground.Hub.DR.DrV1alpha1().DRPlacementControls(namespace).Create(ctx, placement, dryRun)
}

// awaitTeam waits until something on the hub gives every new DRPlacementControl the label of its team.
func awaitTeam(ctx context.Context, namespace string) {
	GinkgoHelper()
	Eventually(func() (map[string]string, error) {
		placement, err := create(ctx, namespace, nil)
		if err != nil {
			return nil, err
		}
		return placement.Labels, nil
	}).WithContext(ctx).Should(HaveKeyWithValue("team", "storage"))
}

const teamPolicy = `
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata:
  name: NAMESPACE
spec:
  failurePolicy: Fail
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
    - apiGroups: [dr.ramen.io]
      apiVersions: [v1alpha1]
      resources: [drplacementcontrols]
      operations: [CREATE]
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration:
      expression: 'Object{metadata: Object.metadata{labels: {"team": "storage"}}}'
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata:
  name: NAMESPACE
spec:
  policyName: NAMESPACE
  matchResources:
    namespaceSelector:
      matchLabels:
        kubernetes.io/metadata.name: NAMESPACE
`

var _ = Describe("An admission policy on the hub", func() {
	It("refuses a failover that gives no reason", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		Expect(protect(ctx, namespace, "shop", metav1.CreateOptions{})).To(Succeed())
		applyRecipe(ctx, "A failover needs a reason", namespace)
		app := playground.App(namespace)
		app.Name = "shop"
		without := v1alpha1.DRActionSpec{TargetCluster: framework.DR2}
		Eventually(func() error {
			_, err := app.Failover(ctx, without, framework.DryRun)
			return err
		}).WithContext(ctx).Should(MatchError(ContainSubstring("say in spec.reason why")))
		_, err := app.Failover(ctx, without)
		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)

		with := without
		with.Reason = "a flood"
		_, err = app.Failover(ctx, with)
		Expect(err).NotTo(MatchError(ContainSubstring("spec.reason")), "with a reason it is for the preflight to judge")
		_, err = app.Relocate(ctx, without)
		Expect(err).NotTo(MatchError(ContainSubstring("spec.reason")))
	}, SpecTimeout(specTimeout))

	It("refuses a DRPlacementControl without a label", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		applyRecipe(ctx, "A placement names its owner", namespace)
		Eventually(func() bool {
			_, err := create(ctx, namespace, nil)
			return apierrors.IsInvalid(err) && strings.Contains(err.Error(), "who is to be called")
		}).WithContext(ctx).Should(BeTrue())
		_, err := create(ctx, namespace, map[string]string{"owner": "ada"})
		Expect(err).NotTo(HaveOccurred())
	}, SpecTimeout(specTimeout))

	It("changes a DRPlacementControl before it is stored", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		apply(ctx, strings.ReplaceAll(teamPolicy, "NAMESPACE", namespace))
		awaitTeam(ctx, namespace)
	}, SpecTimeout(specTimeout))
})
