// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"crypto/tls"
	"net/http"
	"os"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/pki"
)

// frontProxy is the name that the hub's kube-apiserver has a certificate of, to pass requests on.
const frontProxy = "front-proxy-client"

// newPolicy is a call that only platform admins may make.
func newPolicy() call {
	return call{verb: "create", resource: resource{name: "drpolicies"}, body: map[string]any{}}
}

// hubPKI are the keys of the hub.
func hubPKI() pki.Directory { return pki.Directory(playground.Root.Run(framework.Hub, "pki")) }

// forge makes a client certificate, signed by the certificate authority of the name on the hub, or by one that nobody
// knows if it is empty.
func forge(authority string, subject pki.Subject) pki.Pair {
	GinkgoHelper()
	directory := pki.Directory(GinkgoT().TempDir())
	if authority != "" {
		for _, extension := range []string{".crt", ".key"} {
			content, err := os.ReadFile(hubPKI().Path(authority + extension))
			Expect(err).NotTo(HaveOccurred())
			Expect(os.WriteFile(directory.Path("ca"+extension), content, 0o600)).To(Succeed())
		}
	}
	Expect(directory.Ensure(map[string]pki.Subject{"forged": subject})).To(Succeed())
	pair, err := directory.Pair("forged")
	Expect(err).NotTo(HaveOccurred())
	return pair
}

// presenting is a client that presents the certificate whether or not the server would know it.
func presenting(ctx context.Context, pair pki.Pair) caller {
	GinkgoHelper()
	config := direct(ctx, withoutCredentials())
	tlsConfig, err := rest.TLSConfigFor(config)
	Expect(err).NotTo(HaveOccurred())
	certificate, err := tls.X509KeyPair(pair.Cert, pair.Key)
	Expect(err).NotTo(HaveOccurred())
	tlsConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }
	return caller{server: straight, host: config.Host, client: &http.Client{Transport: &http.Transport{TLSClientConfig: tlsConfig}}}
}

// sendWith sends the call with further headers.
func (c caller) sendWith(ctx context.Context, call call, headers http.Header) answer {
	GinkgoHelper()
	request, err := call.request(ctx, c.host)
	Expect(err).NotTo(HaveOccurred())
	for name, values := range headers {
		request.Header[name] = values
	}
	a, err := c.do(request)
	Expect(err).NotTo(HaveOccurred())
	return a
}

// asMaster is what the front proxy says of an administrator.
var asMaster = http.Header{"X-Remote-User": {"admin"}, "X-Remote-Group": {"system:masters", "system:authenticated"}}

var _ = Describe("Nobody passes for somebody else", func() {
	DescribeTable("straight at dr-apiserver with the headers of the front proxy",
		func(ctx SpecContext, way func(context.Context) caller, refusal string) {
			a := way(ctx).sendWith(ctx, newPolicy(), asMaster)
			Expect(a.code).To(BeElementOf(http.StatusUnauthorized, http.StatusForbidden), a.String())
			Expect(a.message).To(ContainSubstring(refusal))
		},
		Entry("but no certificate", func(ctx context.Context) caller {
			return newCaller(straight, direct(ctx, withoutCredentials()))
		}, `User "system:anonymous" cannot create`, SpecTimeout(specTimeout)),
		Entry("but a tenant's certificate", func(ctx context.Context) caller {
			return newCaller(straight, direct(ctx, playground.Tenant.Config))
		}, `User "tenant" cannot create`, SpecTimeout(specTimeout)),
		Entry("but a certificate of the front proxy's name by an authority that nobody knows", func(ctx context.Context) caller {
			return presenting(ctx, forge("", pki.Subject{User: frontProxy}))
		}, "Unauthorized", SpecTimeout(specTimeout)),
		Entry("but an administrator's certificate by an authority that nobody knows", func(ctx context.Context) caller {
			return presenting(ctx, forge("", pki.Subject{User: "admin", Groups: []string{"system:masters"}}))
		}, "Unauthorized", SpecTimeout(specTimeout)),
		Entry("but a certificate of the front proxy's name by the authority of clients", func(ctx context.Context) caller {
			return presenting(ctx, forge("ca", pki.Subject{User: frontProxy}))
		}, `User "`+frontProxy+`" cannot create`, SpecTimeout(specTimeout)),
		Entry("but a certificate of another name by the front proxy's authority", func(ctx context.Context) caller {
			return presenting(ctx, forge("front-proxy-ca", pki.Subject{User: "somebody", Groups: []string{"system:masters"}}))
		}, "Unauthorized", SpecTimeout(specTimeout)),
	)

	It("with the front proxy's certificate only the front proxy does", func(ctx SpecContext) {
		pair, err := hubPKI().Pair(frontProxy)
		Expect(err).NotTo(HaveOccurred())
		a := presenting(ctx, pair).sendWith(ctx, newPolicy(), asMaster)
		Expect(a.notAuthorized("create")).To(BeFalse(), a.String())
	}, SpecTimeout(specTimeout))

	It("through the hub with the headers of the front proxy", func(ctx SpecContext) {
		a := newCaller(throughHub, playground.Tenant.Config).sendWith(ctx, newPolicy(), asMaster)
		Expect(a.code).To(Equal(http.StatusForbidden), a.String())
		Expect(a.message).To(ContainSubstring(`User "tenant" cannot create`))
	}, SpecTimeout(specTimeout))

	DescribeTable("by asking to be impersonated without the right to",
		func(ctx SpecContext, headers http.Header) {
			f := newFleet(ctx)
			for _, config := range []*rest.Config{playground.Tenant.Config, f.agent} {
				for _, way := range bothWays(ctx, config) {
					a := way.sendWith(ctx, newPolicy(), headers)
					Expect(a.code).To(Equal(http.StatusForbidden), "%s: %s", way.server, a)
					Expect(a.message).To(ContainSubstring("cannot impersonate"))
				}
			}
		},
		Entry("an administrator", http.Header{"Impersonate-User": {"admin"}, "Impersonate-Group": {"system:masters"}}, SpecTimeout(specTimeout)),
		Entry("the server itself", http.Header{"Impersonate-User": {"system:apiserver"}}, SpecTimeout(specTimeout)),
		Entry("an agent", http.Header{"Impersonate-User": {"system:serviceaccount:dr-agents:dr1"}}, SpecTimeout(specTimeout)),
		Entry("themselves in a group", http.Header{"Impersonate-User": {"tenant"}, "Impersonate-Group": {"system:serviceaccounts:dr-agents"}}, SpecTimeout(specTimeout)),
	)

	It("with a token: it is worth what its ServiceAccount is, for the hub and as long as that exists", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		accounts := playground.Hub.Kube.CoreV1().ServiceAccounts(namespace)
		_, err := accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		token := func(audiences ...string) string {
			GinkgoHelper()
			request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}
			answer, err := accounts.CreateToken(ctx, "robot", request, metav1.CreateOptions{})
			Expect(err).NotTo(HaveOccurred())
			return answer.Status.Token
		}
		send := func(token string, c call) answer {
			GinkgoHelper()
			return newCaller(straight, direct(ctx, withToken(token))).sendWith(ctx, c, asMaster)
		}
		good := token()
		read := call{verb: "list", resource: resource{name: "drpolicies"}}
		Expect(send(good, read).code).To(Equal(http.StatusOK))
		Expect(send(good, newPolicy()).message).To(ContainSubstring(`User "system:serviceaccount:` + namespace + `:robot" cannot create`))
		Expect(send(token("elsewhere"), read).code).To(Equal(http.StatusUnauthorized))
		Expect(send(good+"x", read).code).To(Equal(http.StatusUnauthorized))
		Expect(accounts.Delete(ctx, "robot", metav1.DeleteOptions{})).To(Succeed())
		Eventually(func() int { return send(good, read).code }).Should(Equal(http.StatusUnauthorized))
	}, SpecTimeout(specTimeout))

	for name, s := range subjects() {
		if len(s.columns) != 1 || rolesTable.Cell(s.columns[0], "ClusterRole") != s.clusterRole {
			continue
		}
		It("by the powers of "+name, func(ctx SpecContext) {
			namespace := newNamespace(ctx)
			user, groups := identity(ctx, name, s, namespace)
			Expect(powers(ctx, namespace, user, groups...)).To(BeEmpty())
		}, SpecTimeout(specTimeout))
	}

	It("by the powers of an agent, who renews a token, which admission sees to is its own", func(ctx SpecContext) {
		user := "system:serviceaccount:" + component.AgentNamespace + ":nobody"
		groups := []string{"system:serviceaccounts", "system:serviceaccounts:" + component.AgentNamespace, "system:authenticated"}
		Expect(powers(ctx, "default", user, groups...)).To(ConsistOf(authorizationv1.ResourceAttributes{
			Namespace: component.AgentNamespace, Verb: "create", Resource: "serviceaccounts", Subresource: "token",
		}))
	}, SpecTimeout(specTimeout))
})

// powers are the rights of a user that would let them become somebody else or see secrets, here or where the server and the
// agents are.
func powers(ctx context.Context, namespace, user string, groups ...string) []authorizationv1.ResourceAttributes {
	GinkgoHelper()
	var held []authorizationv1.ResourceAttributes
	for _, in := range []string{namespace, component.SystemNamespace, component.AgentNamespace, ""} {
		for _, power := range []authorizationv1.ResourceAttributes{
			{Verb: "impersonate", Resource: "users"}, {Verb: "impersonate", Resource: "groups"},
			{Verb: "impersonate", Resource: "serviceaccounts"},
			{Verb: "create", Resource: "serviceaccounts"}, {Verb: "create", Resource: "serviceaccounts", Subresource: "token"},
			{Verb: "get", Resource: "secrets"}, {Verb: "list", Resource: "secrets"}, {Verb: "create", Resource: "pods"},
			{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "rolebindings"},
			{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings"},
			{Verb: "bind", Group: "rbac.authorization.k8s.io", Resource: "clusterroles"},
			{Verb: "escalate", Group: "rbac.authorization.k8s.io", Resource: "clusterroles"},
			{Verb: "update", Group: "apiregistration.k8s.io", Resource: "apiservices"},
			{Verb: "delete", Group: "coordination.k8s.io", Resource: "leases"},
			{Verb: "get", Group: "storage.dr.ramen.io", Resource: "records"},
		} {
			power.Namespace = in
			review, err := playground.Hub.Kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
				Spec: authorizationv1.SubjectAccessReviewSpec{User: user, Groups: groups, ResourceAttributes: &power},
			}, metav1.CreateOptions{})
			Expect(err).NotTo(HaveOccurred())
			if review.Status.Allowed {
				held = append(held, power)
			}
		}
	}
	return held
}
