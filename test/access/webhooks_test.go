// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"net/http"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var _ = Describe("A webhook on the hub", func() {
	It("refuses a failover by what it says and who asks", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		Expect(protect(ctx, namespace, "shop", metav1.CreateOptions{})).To(Succeed())
		var asked atomic.Pointer[admissionv1.AdmissionRequest]
		none, fail := admissionregistrationv1.SideEffectClassNone, admissionregistrationv1.Fail
		client := startWebhook(func(request *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
			asked.Store(request)
			return &admissionv1.AdmissionResponse{Result: &metav1.Status{Code: http.StatusForbidden, Message: "not in the busy season"}}
		})
		configurations := playground.Hub.Kube.AdmissionregistrationV1().ValidatingWebhookConfigurations()
		_, err := configurations.Create(ctx, &admissionregistrationv1.ValidatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: namespace},
			Webhooks: []admissionregistrationv1.ValidatingWebhook{{
				Name: "season.access.test", ClientConfig: client, Rules: creates("drplacementcontrols/failover"), NamespaceSelector: within(namespace),
				SideEffects: &none, FailurePolicy: &fail, AdmissionReviewVersions: []string{"v1"},
			}},
		}, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx SpecContext) {
			Expect(configurations.Delete(ctx, namespace, metav1.DeleteOptions{})).To(Succeed())
		})

		app := playground.App(namespace)
		app.Name = "shop"
		request := v1alpha1.DRActionSpec{TargetCluster: framework.DR2, Reason: "a flood"}
		Eventually(func() error {
			_, err := app.Failover(ctx, request, framework.DryRun)
			return err
		}).WithContext(ctx).Should(MatchError(ContainSubstring("not in the busy season")))
		_, err = app.Failover(ctx, request)
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		_, err = app.Relocate(ctx, request)
		Expect(err).NotTo(MatchError(ContainSubstring("not in the busy season")))

		seen := asked.Load()
		Expect(seen.UserInfo.Username).To(Equal("admin"))
		Expect(seen.Resource.Resource + "/" + seen.SubResource).To(Equal("drplacementcontrols/failover"))
		Expect(seen.Kind.Kind).To(Equal("DRAction"))
		Expect(seen.Name).To(Equal("shop"))
		Expect(*seen.DryRun).To(BeFalse())
		Expect(string(seen.Object.Raw)).To(ContainSubstring(`"reason":"a flood"`))
	}, SpecTimeout(specTimeout))

	It("changes a DRPlacementControl before it is stored", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		none, fail := admissionregistrationv1.SideEffectClassNone, admissionregistrationv1.Fail
		client := startWebhook(func(*admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
			patch := admissionv1.PatchTypeJSONPatch
			return &admissionv1.AdmissionResponse{
				Allowed: true, PatchType: &patch, Patch: []byte(`[{"op":"add","path":"/metadata/labels/team","value":"storage"}]`),
			}
		})
		configurations := playground.Hub.Kube.AdmissionregistrationV1().MutatingWebhookConfigurations()
		_, err := configurations.Create(ctx, &admissionregistrationv1.MutatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: namespace},
			Webhooks: []admissionregistrationv1.MutatingWebhook{{
				Name: "team.access.test", ClientConfig: client, Rules: creates("drplacementcontrols"), NamespaceSelector: within(namespace),
				SideEffects: &none, FailurePolicy: &fail, AdmissionReviewVersions: []string{"v1"},
			}},
		}, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx SpecContext) {
			Expect(configurations.Delete(ctx, namespace, metav1.DeleteOptions{})).To(Succeed())
		})
		awaitTeam(ctx, namespace)
	}, SpecTimeout(specTimeout))
})
