// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package lifetime

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/cert"

	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/pki"
)

const (
	// certificateSecret is the one that this project ships for the certificate.
	certificateSecret = "dr-apiserver-serving-cert"
	// lifetime of a certificate, of which a spec sees several.
	lifetime = 3 * time.Second
)

// selfIssued are the flags of a server that issues its own certificate.
var selfIssued = []string{
	"--tls-cert-file=", "--tls-private-key-file=", "--serving-cert-secret=" + certificateSecret, "--serving-cert-lifetime=" + lifetime.String(),
}

var _ = Describe("The serving certificate", func() {
	It("is taken from its files again when they change", func(ctx SpecContext) {
		files := func(name string) (string, string) {
			return filepath.Join(hub.Dir("given"), name+".crt"), filepath.Join(hub.Dir("given"), name+".key")
		}
		given := pki.Directory(hub.Dir("given"))
		Expect(given.Ensure(map[string]pki.Subject{"served": component.DRAPIServerCertificate()})).To(Succeed())
		DeferCleanup(func() { _ = os.RemoveAll(string(given)) })
		certificate, key := files("served")
		s := newServer(serverNames[0], "--tls-cert-file="+certificate, "--tls-private-key-file="+key)
		Expect(s.Start(ctx)).To(Succeed())
		ca, err := given.CA()
		Expect(err).NotTo(HaveOccurred())
		announce(ctx, ca)
		load := startTraffic(ctx)
		before := s.certificate(ctx)
		Expect(given.Ensure(map[string]pki.Subject{"next": component.DRAPIServerCertificate()})).To(Succeed())
		nextCertificate, nextKey := files("next")
		Expect(os.Rename(nextKey, key)).To(Succeed())
		Expect(os.Rename(nextCertificate, certificate)).To(Succeed())
		Eventually(ctx, func() bool { return s.certificate(ctx).Equal(before) }).Should(BeFalse())
		load.goesOn(ctx)
		Expect(load.finish()).To(Succeed())
	}, SpecTimeout(specTimeout))

	It("is issued by the servers themselves and renewed, with its CA, without a request that fails", func(ctx SpecContext) {
		selfIssuing(ctx)
		_, flags := shared(ctx)
		one, other := newServer(serverNames[0], append(flags, selfIssued...)...), newServer(serverNames[1], append(flags, selfIssued...)...)
		Expect(one.Start(ctx)).To(Succeed())
		Expect(other.Start(ctx)).To(Succeed())
		announce(ctx, nil)
		load := startTraffic(ctx)
		certificates, cas := map[string]bool{}, map[string]bool{}
		Eventually(ctx, func() bool {
			for _, s := range []*server{one, other} {
				certificates[s.certificate(ctx).SerialNumber.String()] = true
			}
			for _, ca := range trusted(ctx) {
				cas[ca.SerialNumber.String()] = true
			}
			return len(certificates) >= 6 && len(cas) >= 3
		}).Should(BeTrue(), "several certificates and CAs come and go")
		load.goesOn(ctx)
		Expect(load.finish()).To(Succeed())
		AddReportEntry("renewed", fmt.Sprintf("%d certificates of %d CAs", len(certificates), len(cas)))
	}, SpecTimeout(specTimeout))

	It("is trusted again when somebody has taken its CA out of the APIService, and issued again when the Secret is emptied", func(ctx SpecContext) {
		selfIssuing(ctx)
		s := newServer(serverNames[0], append(selfIssued, "--serving-cert-lifetime=24h")...)
		Expect(s.Start(ctx)).To(Succeed())
		announce(ctx, nil)
		By("taking the CA out")
		patch := []byte(`{"spec":{"caBundle":null}}`)
		_, err := hub.Dynamic.Resource(apiServices).Patch(ctx, apiServiceName, types.MergePatchType, patch, metav1.PatchOptions{})
		Expect(err).NotTo(HaveOccurred())
		Eventually(ctx, func() bool { return trusts(ctx, s) }).Should(BeTrue())
		By("emptying the Secret")
		before := s.certificate(ctx)
		secret, err := hub.Kube.CoreV1().Secrets(component.SystemNamespace).Get(ctx, certificateSecret, metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		secret.Data = nil
		_, err = hub.Kube.CoreV1().Secrets(component.SystemNamespace).Update(ctx, secret, metav1.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Eventually(ctx, func() bool { return !s.certificate(ctx).Equal(before) && trusts(ctx, s) }).Should(BeTrue())
		awaitAnswer(ctx)
	}, SpecTimeout(specTimeout))
})

// selfIssuing installs what this project ships for servers that issue their certificate, and takes it off with the spec.
func selfIssuing(ctx context.Context) {
	GinkgoHelper()
	Expect(hub.apply(ctx, "artifacts/hub/certificate/self-issued")).To(Succeed())
	DeferCleanup(func(ctx SpecContext) {
		Expect(hub.Kube.CoreV1().Secrets(component.SystemNamespace).Delete(ctx, certificateSecret, metav1.DeleteOptions{})).To(Succeed())
	}, NodeTimeout(soon))
}

// certificate is what the server serves to whoever comes now.
func (s *server) certificate(ctx context.Context) *x509.Certificate {
	GinkgoHelper()
	dialer := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(ctx, "tcp", s.address)
	Expect(err).NotTo(HaveOccurred())
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
}

// trusted are the CAs that the APIService trusts.
func trusted(ctx context.Context) []*x509.Certificate {
	GinkgoHelper()
	apiService, err := hub.Dynamic.Resource(apiServices).Get(ctx, apiServiceName, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	encoded, _, err := unstructured.NestedString(apiService.Object, "spec", "caBundle")
	Expect(err).NotTo(HaveOccurred())
	bundle, err := base64.StdEncoding.DecodeString(encoded)
	Expect(err).NotTo(HaveOccurred())
	if len(bundle) == 0 {
		return nil
	}
	cas, err := cert.ParseCertsPEM(bundle)
	Expect(err).NotTo(HaveOccurred())
	return cas
}

// trusts tells whether the APIService trusts what the server serves.
func trusts(ctx context.Context, s *server) bool {
	GinkgoHelper()
	pool := x509.NewCertPool()
	for _, ca := range trusted(ctx) {
		pool.AddCert(ca)
	}
	_, err := s.certificate(ctx).Verify(x509.VerifyOptions{Roots: pool, DNSName: "dr-apiserver.dr-system.svc"})
	return err == nil
}
