// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package lifetime

import (
	"context"
	"net/http"
	"os"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/test/playground/component"
)

var _ = Describe("Health", func() {
	It("is told check by check, and the store is none of livez's", func(ctx SpecContext) {
		s := embedded(ctx)
		_, ready := s.check(ctx, "/readyz?verbose")
		for _, check := range []string{"etcd", "watch-caches", "informer-sync", "agent-leases", "controllers", "shutdown"} {
			Expect(ready).To(ContainSubstring("[+]" + check + " ok"))
		}
		_, alive := s.check(ctx, "/livez?verbose")
		Expect(alive).To(ContainSubstring("[+]ping ok"))
		Expect(alive).NotTo(Or(ContainSubstring("etcd"), ContainSubstring("agent-leases"), ContainSubstring("]controllers")))
	}, SpecTimeout(specTimeout))

	It("says that a server without its store is alive but not ready, and ready when the store is back", func(ctx SpecContext) {
		store, flags := shared(ctx)
		s := newServer(serverNames[0], flags...)
		Expect(s.Start(ctx)).To(Succeed())
		before := s.Status()
		store.Stop()
		Eventually(ctx, func() string { _, body := s.check(ctx, "/readyz"); return body }).
			Should(And(ContainSubstring("[-]etcd failed"), ContainSubstring("[+]agent-leases ok")))
		code, body := s.check(ctx, "/livez")
		Expect(code).To(Equal(http.StatusOK), body)
		Expect(store.Start(ctx)).To(Succeed())
		isReadyAgain(ctx, s)
		Expect(s.Status()).To(Equal(before), "it was not restarted")
	}, SpecTimeout(specTimeout))

	It("says that a server which can't see the agents' Leases is not ready, for it would take every cluster for dead", func(ctx SpecContext) {
		bindings := hub.Kube.RbacV1().RoleBindings(component.AgentNamespace)
		Expect(bindings.Delete(ctx, component.APIServer, metav1.DeleteOptions{})).To(Succeed())
		allow := func(ctx SpecContext) { Expect(hub.apply(ctx, "artifacts/hub/rbac")).To(Succeed()) }
		DeferCleanup(allow, NodeTimeout(soon))
		s := newServer(serverNames[0])
		started := make(chan error, 1)
		go func() { started <- s.Start(ctx) }()
		Eventually(ctx, func() string { _, body := s.check(ctx, "/readyz"); return body }).
			Should(And(ContainSubstring("[-]agent-leases failed"), ContainSubstring("[-]controllers failed"), ContainSubstring("[+]etcd ok")))
		code, body := s.check(ctx, "/livez")
		Expect(code).To(Equal(http.StatusOK), body)
		allow(ctx)
		Expect(<-started).To(Succeed())
	}, SpecTimeout(specTimeout))

	It("stays good while the hub is away, and requests are answered as soon as it is back", func(ctx SpecContext) {
		s := embedded(ctx)
		before := s.Status()
		for _, p := range []interface{ Stop() }{hub.apiServer, hub.etcd} {
			p.Stop()
		}
		DeferCleanup(func(ctx SpecContext) {
			Expect(hub.etcd.Start(ctx)).To(Succeed())
			Expect(hub.apiServer.Start(ctx)).To(Succeed())
		}, NodeTimeout(bootTimeout))
		for _, path := range []string{"/livez", "/readyz"} {
			code, body := s.check(ctx, path)
			Expect(code).To(Equal(http.StatusOK), body)
		}
		Expect(hub.etcd.Start(ctx)).To(Succeed())
		Expect(hub.apiServer.Start(ctx)).To(Succeed())
		awaitAnswer(ctx)
		Expect(s.Status()).To(Equal(before), "it was not restarted")
	}, SpecTimeout(specTimeout))

	It("is not asked of a server that was started while the hub is away: it waits, and is ready when the hub is back", func(ctx SpecContext) {
		hub.apiServer.Stop()
		back := func(ctx SpecContext) { Expect(hub.apiServer.Start(ctx)).To(Succeed()) }
		DeferCleanup(back, NodeTimeout(bootTimeout))
		s := newServer(serverNames[0])
		started := make(chan error, 1)
		go func() { started <- s.Start(ctx) }()
		Eventually(ctx, func() string { content, _ := os.ReadFile(s.Log); return string(content) }).Should(ContainSubstring("The hub does not answer"))
		back(ctx)
		Expect(<-started).To(Succeed())
		Expect(s.Status().Restarts).To(BeZero())
	}, SpecTimeout(specTimeout))

	It("stays good when another replica has become the leader, which acts instead", func(ctx SpecContext) {
		_, flags := shared(ctx)
		one, other := newServer(serverNames[0], flags...), newServer(serverNames[1], flags...)
		Expect(one.Start(ctx)).To(Succeed())
		first := awaitLeader(ctx, Not(BeEmpty()))
		Expect(other.Start(ctx)).To(Succeed())
		before := one.Status()
		By("taking the Lease from the leader")
		leases := hub.Kube.CoordinationV1().Leases(component.SystemNamespace)
		Eventually(ctx, func() error {
			lease, err := leases.Get(ctx, leaseName, metav1.GetOptions{})
			if err != nil {
				return err
			}
			lease.Spec.HolderIdentity, lease.Spec.RenewTime = ptr.To("somebody else"), ptr.To(metav1.NowMicro())
			_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
			return err
		}).Should(Succeed())
		awaitLeader(ctx, Not(Or(Equal(first), Equal("somebody else"), BeEmpty())))
		for _, path := range []string{"/livez", "/readyz"} {
			code, body := one.check(ctx, path)
			Expect(code).To(Equal(http.StatusOK), body)
		}
		Expect(one.Status()).To(Equal(before), "it was not restarted")
	}, SpecTimeout(specTimeout))
})

// leaseName is the Lease of the controllers.
const leaseName = "dr-apiserver-controllers"

// awaitLeader waits until the holder of the controllers' Lease is as wanted.
func awaitLeader(ctx context.Context, wanted interface {
	Match(any) (bool, error)
	FailureMessage(any) string
	NegatedFailureMessage(any) string
}) string {
	GinkgoHelper()
	holder := ""
	Eventually(ctx, func() (string, error) {
		lease, err := hub.Kube.CoordinationV1().Leases(component.SystemNamespace).Get(ctx, leaseName, metav1.GetOptions{})
		if err != nil {
			return "", nil
		}
		holder = ptr.Deref(lease.Spec.HolderIdentity, "")
		return holder, nil
	}).Should(wanted)
	return holder
}

func isReadyAgain(ctx context.Context, s *server) {
	GinkgoHelper()
	Eventually(ctx, func() int { code, _ := s.check(ctx, "/readyz"); return code }).Should(Equal(http.StatusOK))
}
