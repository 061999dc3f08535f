// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/playground/pki"
)

// judge answers an admission review.
type judge func(*admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse

// startWebhook serves a webhook, over TLS, until the spec ends.
func startWebhook(judge judge) admissionregistrationv1.WebhookClientConfig {
	GinkgoHelper()
	directory := pki.Directory(GinkgoT().TempDir())
	Expect(directory.Ensure(map[string]pki.Subject{"webhook": {User: "webhook", Hosts: []string{"127.0.0.1"}}})).To(Succeed())
	pair, err := directory.Pair("webhook")
	Expect(err).NotTo(HaveOccurred())
	certificate, err := tls.X509KeyPair(pair.Cert, pair.Key)
	Expect(err).NotTo(HaveOccurred())
	ca, err := directory.CA()
	Expect(err).NotTo(HaveOccurred())

	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		review.Response = judge(review.Request)
		review.Response.UID, review.Request = review.Request.UID, nil
		_ = json.NewEncoder(w).Encode(review)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	DeferCleanup(server.Close)
	return admissionregistrationv1.WebhookClientConfig{URL: &server.URL, CABundle: ca}
}

// creates matches that something is made of the resources.
func creates(resources ...string) []admissionregistrationv1.RuleWithOperations {
	return []admissionregistrationv1.RuleWithOperations{{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule: admissionregistrationv1.Rule{
			APIGroups: []string{v1alpha1.GroupName}, APIVersions: []string{"*"}, Resources: resources,
		},
	}}
}

// within selects the namespace.
func within(namespace string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}}
}
