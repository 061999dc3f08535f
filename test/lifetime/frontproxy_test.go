// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package lifetime

import (
	"context"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/test/playground/pki"
)

var _ = Describe("The hub's front proxy", func() {
	It("gets another CA and another certificate, which servers follow without a restart and without a request that fails", func(ctx SpecContext) {
		_, flags := shared(ctx)
		s := newServer(serverNames[0], flags...)
		Expect(s.Start(ctx)).To(Succeed())
		announce(ctx, hub.CA)
		before := s.Status()
		next := pki.Directory(hub.Dir("next"))
		Expect(next.Ensure(nil)).To(Succeed())
		DeferCleanup(func() { _ = os.RemoveAll(string(next)) })
		ca := read(next.Path("front-proxy-ca.crt"))

		load := startTraffic(ctx)
		By("trusting both CAs")
		replace("front-proxy-ca.crt", read(hub.PKI().Path("front-proxy-ca.crt"))+ca)
		Eventually(ctx, frontProxyCAs).Should(ContainSubstring(ca))
		load.goesOn(ctx)
		By("using the other certificate")
		replace("front-proxy-client.key", read(next.Path("front-proxy-client.key")))
		replace("front-proxy-client.crt", read(next.Path("front-proxy-client.crt")))
		load.goesOn(ctx)
		Expect(load.finish()).To(Succeed())

		By("trusting the other CA only")
		replace("front-proxy-ca.crt", ca)
		trustOnly(ctx, ca)
		Eventually(ctx, func() error {
			_, err := hub.DR.DrV1alpha1().DRClusters().List(ctx, metav1.ListOptions{})
			return err
		}).Should(Succeed())
		Expect(frontProxyCAs(ctx)).To(Equal(ca))
		Expect(s.Status()).To(Equal(before), "it was not restarted")
	}, SpecTimeout(specTimeout))

	It("may be another one altogether when the kube-apiserver comes back", func(ctx SpecContext) {
		s := embedded(ctx)
		before := s.Status()
		hub.apiServer.Stop()
		next := pki.Directory(hub.Dir("next"))
		Expect(next.Ensure(nil)).To(Succeed())
		DeferCleanup(func() { _ = os.RemoveAll(string(next)) })
		for _, name := range []string{"front-proxy-ca.crt", "front-proxy-client.key", "front-proxy-client.crt"} {
			replace(name, read(next.Path(name)))
		}
		Expect(hub.apiServer.Start(ctx)).To(Succeed())
		awaitAnswer(ctx)
		Expect(s.Status()).To(Equal(before), "it was not restarted")
	}, SpecTimeout(specTimeout))
})

const requestHeaderCA = "requestheader-client-ca-file"

// frontProxyCAs are those that the hub tells servers to trust.
func frontProxyCAs(ctx context.Context) (string, error) {
	held, err := hub.Kube.CoreV1().ConfigMaps("kube-system").Get(ctx, "extension-apiserver-authentication", metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return held.Data[requestHeaderCA], nil
}

// trustOnly takes the other CAs away, which the hub would do when they expire.
func trustOnly(ctx context.Context, ca string) {
	GinkgoHelper()
	Eventually(ctx, func() (string, error) {
		configMaps := hub.Kube.CoreV1().ConfigMaps("kube-system")
		held, err := configMaps.Get(ctx, "extension-apiserver-authentication", metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		if strings.TrimSpace(held.Data[requestHeaderCA]) == strings.TrimSpace(ca) {
			return held.Data[requestHeaderCA], nil
		}
		held.Data[requestHeaderCA] = ca
		_, err = configMaps.Update(ctx, held, metav1.UpdateOptions{})
		return "", err
	}).Should(Equal(ca))
}

func read(path string) string {
	GinkgoHelper()
	content, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	return string(content)
}

// replace writes a file of the hub's kube-apiserver at once.
func replace(name, content string) {
	GinkgoHelper()
	path := hub.PKI().Path(name)
	Expect(os.WriteFile(path+".new", []byte(content), 0o600)).To(Succeed())
	Expect(os.Rename(path+".new", path)).To(Succeed())
}
