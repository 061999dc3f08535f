// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package lifetime

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// webhook is asked about each failover, and holds it until it is allowed to go on.
type webhook struct {
	requests chan heldRequest
}

type heldRequest struct{ allowed chan struct{} }

func (r heldRequest) allow() { close(r.allowed) }

// newWebhook is there for the rest of the spec. A server that starts now knows it when it is ready.
func newWebhook(ctx context.Context) *webhook {
	GinkgoHelper()
	w := &webhook{requests: make(chan heldRequest)}
	pair, err := hub.PKI().Pair(component.APIServer)
	Expect(err).NotTo(HaveOccurred())
	certificate, err := tls.X509KeyPair(pair.Cert, pair.Key)
	Expect(err).NotTo(HaveOccurred())
	listener := httptest.NewUnstartedServer(w)
	listener.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	listener.StartTLS()
	DeferCleanup(listener.Close)
	configurations := hub.Kube.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	_, err = configurations.Create(ctx, &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "lifetime"},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name:         "failover.lifetime.test",
			ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: &listener.URL, CABundle: hub.CA},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule: admissionregistrationv1.Rule{
					APIGroups: []string{v1alpha1.GroupName}, APIVersions: []string{"*"}, Resources: []string{"drplacementcontrols/failover"},
				},
			}},
			SideEffects:             ptr.To(admissionregistrationv1.SideEffectClassNone),
			TimeoutSeconds:          ptr.To[int32](30),
			AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) {
		Expect(configurations.Delete(ctx, "lifetime", metav1.DeleteOptions{})).To(Succeed())
	}, NodeTimeout(soon))
	return w
}

// await returns a failover that is held.
func (w *webhook) await(ctx context.Context) heldRequest {
	GinkgoHelper()
	var request heldRequest
	Eventually(ctx, w.requests).Should(Receive(&request))
	return request
}

// ServeHTTP implements http.Handler.
func (w *webhook) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(request.Body).Decode(&review); err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	held := heldRequest{allowed: make(chan struct{})}
	select {
	case w.requests <- held:
		select {
		case <-held.allowed:
		case <-request.Context().Done():
		}
	case <-request.Context().Done():
	}
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	response.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(response).Encode(review)
}
