// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// auditID is the header by which an answer names its event.
const auditID = "Audit-Id"

// event reads from the server's audit log what it holds of a request.
func event(id string) auditv1.Event {
	GinkgoHelper()
	var found *auditv1.Event
	Eventually(func(g Gomega) {
		content, err := os.ReadFile(playground.Root.Log(framework.Hub, component.AuditLog))
		g.Expect(err).NotTo(HaveOccurred())
		for line := range bytes.Lines(content) {
			if bytes.Contains(line, []byte(id)) {
				g.Expect(json.Unmarshal(line, &found)).To(Succeed())
			}
		}
		g.Expect(found).NotTo(BeNil())
	}).Should(Succeed())
	return *found
}

// audited sends a call and returns its event.
func audited(ctx context.Context, way caller, c call) (answer, auditv1.Event) {
	GinkgoHelper()
	a, err := way.send(ctx, c)
	Expect(err).NotTo(HaveOccurred())
	Expect(a.header.Values(auditID)).NotTo(BeEmpty())
	return a, event(a.header.Get(auditID))
}

// requestFor is the body of a request for an action.
func requestFor(kind v1alpha1.ActionType, reason string) *v1alpha1.DRAction {
	return &v1alpha1.DRAction{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "DRAction"},
		Spec:     v1alpha1.DRActionSpec{Type: kind, TargetCluster: framework.DR2, Reason: reason},
	}
}

var _ = Describe("The audit log", func() {
	for verb, kind := range map[string]v1alpha1.ActionType{"failover": v1alpha1.ActionFailover, "relocate": v1alpha1.ActionRelocate, "abort": ""} {
		It("has who asked for a "+verb+", with what words, and what the answer was", func(ctx SpecContext) {
			namespace := newNamespace(ctx)
			Expect(protect(ctx, namespace, "shop", metav1.CreateOptions{})).To(Succeed())
			bindIn(ctx, namespace, "tenant", "ClusterRole", "dr-operator")
			act := call{verb: "create", resource: resource{name: "drplacementcontrols/" + verb, namespaced: true}, namespace: namespace, name: "shop"}
			awaitPermission(ctx, act, "tenant", nil)
			act.body = requestFor(kind, "the flood of "+namespace)
			for _, way := range bothWays(ctx, playground.Tenant.Config) {
				a, logged := audited(ctx, way, act)
				Expect(logged.Level).To(Equal(auditv1.LevelRequestResponse))
				Expect(logged.User.Username).To(Equal("tenant"), way.server)
				Expect(logged.ImpersonatedUser).To(BeNil())
				Expect(*logged.ObjectRef).To(Equal(auditv1.ObjectReference{
					Resource: "drplacementcontrols", Subresource: verb, Namespace: namespace, Name: "shop",
					APIGroup: v1alpha1.GroupName, APIVersion: v1alpha1.SchemeGroupVersion.Version,
				}))
				var body v1alpha1.DRAction
				Expect(json.Unmarshal(logged.RequestObject.Raw, &body)).To(Succeed())
				Expect(body.Spec.Reason).To(Equal("the flood of " + namespace))
				Expect(logged.ResponseStatus.Code).To(BeEquivalentTo(a.code))
				Expect(string(logged.ResponseObject.Raw)).To(ContainSubstring(`"kind":"Status"`))
			}
		}, SpecTimeout(specTimeout))
	}

	It("has who impersonated whom", func(ctx SpecContext) {
		_, logged := audited(ctx, newCaller(straight, direct(ctx, impersonating("ada", "system:authenticated"))), newPolicy())
		Expect(logged.User.Username).To(Equal("admin"))
		Expect(logged.ImpersonatedUser.Username).To(Equal("ada"))
		Expect(logged.ResponseStatus.Code).To(BeEquivalentTo(http.StatusForbidden))
	}, SpecTimeout(specTimeout))

	It("has the body of a change, and of a read only who read what", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		placements := resource{name: "drplacementcontrols", namespaced: true}
		way := newCaller(throughHub, playground.Hub.Config)
		_, logged := audited(ctx, way, call{verb: "create", resource: placements, namespace: namespace, body: framework.Placement(namespace, "shop")})
		Expect(logged.Level).To(Equal(auditv1.LevelRequest))
		Expect(logged.RequestObject.Raw).NotTo(BeEmpty())
		_, logged = audited(ctx, way, call{verb: "list", resource: placements, namespace: namespace})
		Expect(logged.Level).To(Equal(auditv1.LevelMetadata))
		Expect(logged.User.Username).To(Equal("admin"))
		Expect(logged.RequestObject).To(BeNil())
		Expect(logged.ResponseObject).To(BeNil())
	}, SpecTimeout(specTimeout))

	It("has what an agent tried that is not its own", func(ctx SpecContext) {
		f := newFleet(ctx)
		for _, way := range bothWays(ctx, f.agent) {
			a, logged := audited(ctx, way, f.on("patch", resource{name: "volumereplicationgroups/status", namespaced: true}, f.another))
			Expect(a.code).To(Equal(http.StatusForbidden))
			Expect(logged.User.Username).To(Equal("system:serviceaccount:" + component.AgentNamespace + ":" + f.own))
			Expect(logged.ResponseStatus.Code).To(BeEquivalentTo(http.StatusForbidden))
			Expect(logged.Annotations["authorization.k8s.io/reason"]).To(ContainSubstring("is not for cluster " + f.own))
		}
	}, SpecTimeout(specTimeout))
})
