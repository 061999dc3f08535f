// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
	"github.com/ramendr/dr-apiserver/test/access/document"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// Columns of the agents' table.
const (
	ownCluster     = "own cluster"
	anotherCluster = "another cluster"
)

var (
	agentTable  = must(page.Table("Agents"))
	agentMatrix = must(agentTable.Matrix())
)

// placementName is what the DRPlacementControl would be called whose groups these specs make.
const placementName = "probe"

// fleet is a namespace of the spec's own with VolumeReplicationGroups for two clusters that nobody else has to do with.
type fleet struct {
	namespace, own, another string
	// agent is the configuration of own's agent, with a token of its ServiceAccount.
	agent *rest.Config
}

func newFleet(ctx context.Context) fleet {
	GinkgoHelper()
	namespace := newNamespace(ctx)
	f := fleet{namespace: namespace, own: namespace + "-a", another: namespace + "-b"}
	for _, cluster := range []string{f.own, f.another} {
		newAgentAccount(ctx, cluster)
		group := builder.VRG(namespace, placementName, cluster).Secondary(1, "").Obj()
		group.Finalizers = nil
		_, err := playground.Hub.DR.DrV1alpha1().VolumeReplicationGroups(namespace).Create(ctx, group, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
	}
	f.agent = agentConfig(ctx, f.own)
	return f
}

// other is the same fleet as the other cluster's agent has to do with it.
func (f fleet) other(ctx context.Context) fleet {
	GinkgoHelper()
	return fleet{namespace: f.namespace, own: f.another, another: f.own, agent: agentConfig(ctx, f.another)}
}

func newAgentAccount(ctx context.Context, cluster string) {
	GinkgoHelper()
	accounts := playground.Hub.Kube.CoreV1().ServiceAccounts(component.AgentNamespace)
	_, err := accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: cluster}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) {
		Expect(accounts.Delete(ctx, cluster, metav1.DeleteOptions{})).To(Succeed())
	})
}

func agentConfig(ctx context.Context, cluster string) *rest.Config {
	GinkgoHelper()
	token, err := playground.Hub.Kube.CoreV1().ServiceAccounts(component.AgentNamespace).
		CreateToken(ctx, cluster, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	return withToken(token.Status.Token)
}

// newLease makes the Lease of a cluster, for the rest of the spec.
func newLease(ctx context.Context, cluster string) *coordinationv1.Lease {
	GinkgoHelper()
	leases := playground.Hub.Kube.CoordinationV1().Leases(component.AgentNamespace)
	lease, err := leases.Create(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: cluster}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) { Expect(leases.Delete(ctx, cluster, metav1.DeleteOptions{})).To(Succeed()) })
	return lease
}

// on is the call about what is of a cluster.
func (f fleet) on(verb string, r resource, cluster string) call {
	c := call{verb: verb, resource: r, name: cluster, body: map[string]any{}}
	if r.namespaced {
		c.namespace, c.name = f.namespace, v1alpha1.GroupNameFor(placementName, cluster)
	}
	switch {
	case r.name == "drclusterconfigs" && (verb == "list" || verb == "watch"):
		c.query = url.Values{"fieldSelector": {"metadata.name=" + cluster}}
	case verb == "list" || verb == "watch":
		c.query = url.Values{"fieldSelector": {v1alpha1.FieldClusterName + "=" + cluster}}
	case verb == "create" && r.name == "drclusterconfigs":
		c.body = &v1alpha1.DRClusterConfig{
			TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: r.kind},
			ObjectMeta: metav1.ObjectMeta{Name: cluster},
			Spec:       v1alpha1.DRClusterConfigSpec{ClusterID: cluster},
		}
	}
	return c
}

var _ = Describe("The agent of a cluster", func() {
	It("may do what its table says with what is of its own cluster, and nothing with anything else", func(ctx SpecContext) {
		f := newFleet(ctx)
		for _, f := range []fleet{f, f.other(ctx)} {
			tryTable(ctx, f)
		}
	}, SpecTimeout(specTimeout))

	It("may do what its table says with its Lease and its token, and nothing with another's", func(ctx SpecContext) {
		f := newFleet(ctx)
		way := newCaller(throughHub, f.agent)
		for cluster, column := range map[string]string{f.own: ownCluster, f.another: anotherCluster} {
			lease := newLease(ctx, cluster)
			for _, verb := range document.Verbs {
				of := func(api, name string, body any) call {
					r := resource{name: name, namespaced: true, api: api}
					return call{verb: verb, resource: r, namespace: component.AgentNamespace, name: cluster, body: body}
				}
				leases, tokens := of("/apis/coordination.k8s.io/v1", "leases", lease), of("/api/v1", "serviceaccounts/token", &authenticationv1.TokenRequest{})
				if verb == "create" {
					leases.body = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: cluster}}
				}
				Expect(tryAsAgent(ctx, way, leases, agentMatrix.Allows(column, "leases", verb))).To(BeEmpty())
				Expect(tryAsAgent(ctx, way, tokens, agentMatrix.Allows(column, "serviceaccounts/token", verb))).To(BeEmpty())
			}
		}
	}, SpecTimeout(specTimeout))

	DescribeTable("lists and watches VolumeReplicationGroups of its own cluster only, however it asks",
		func(ctx SpecContext, selector func(f fleet) []string, allowed bool) {
			f := newFleet(ctx)
			for _, way := range bothWays(ctx, f.agent) {
				for _, verb := range []string{"list", "watch"} {
					for _, namespace := range []string{f.namespace, ""} {
						c := call{verb: verb, resource: resource{name: "volumereplicationgroups", namespaced: namespace != ""}, namespace: namespace}
						c.query = url.Values{"fieldSelector": selector(f)}
						Expect(tryAsAgent(ctx, way, c, allowed)).To(BeEmpty())
					}
				}
			}
		},
		Entry("all of them", func(fleet) []string { return nil }, false, SpecTimeout(specTimeout)),
		Entry("its own", func(f fleet) []string { return []string{"spec.clusterName=" + f.own} }, true, SpecTimeout(specTimeout)),
		Entry("one of its own", func(f fleet) []string {
			return []string{"metadata.name=probe." + f.own + ",spec.clusterName=" + f.own}
		}, true, SpecTimeout(specTimeout)),
		Entry("another's", func(f fleet) []string { return []string{"spec.clusterName=" + f.another} }, false, SpecTimeout(specTimeout)),
		Entry("all but its own", func(f fleet) []string { return []string{"spec.clusterName!=" + f.own} }, false, SpecTimeout(specTimeout)),
		Entry("another's by name", func(f fleet) []string { return []string{"metadata.name=probe." + f.another} }, false, SpecTimeout(specTimeout)),
		Entry("another's first and its own second", func(f fleet) []string {
			return []string{"spec.clusterName=" + f.another, "spec.clusterName=" + f.own}
		}, false, SpecTimeout(specTimeout)),
		Entry("what is no selector", func(f fleet) []string { return []string{"spec.clusterName=" + f.own + ",("} }, false, SpecTimeout(specTimeout)),
	)

	It("sees nothing of another cluster in a list that names its own first", func(ctx SpecContext) {
		f := newFleet(ctx)
		for _, way := range bothWays(ctx, f.agent) {
			c := call{verb: "list", resource: resource{name: "volumereplicationgroups", namespaced: true}, namespace: f.namespace}
			c.query = url.Values{"fieldSelector": {"spec.clusterName=" + f.own, "spec.clusterName=" + f.another}}
			request, err := c.request(ctx, way.host)
			Expect(err).NotTo(HaveOccurred())
			Expect(namesIn(way, request)).To(ConsistOf(v1alpha1.GroupNameFor(placementName, f.own)))
		}
	}, SpecTimeout(specTimeout))
})

// tryTable tries every verb on every resource of the agent's own cluster, of the other and of one that is not there.
func tryTable(ctx context.Context, f fleet) {
	GinkgoHelper()
	unassigned := f.namespace + "-nobodys"
	columns := map[string]string{f.own: ownCluster, f.another: anotherCluster, unassigned: anotherCluster}
	var all []call
	allowed := map[string]bool{}
	for _, r := range served() {
		for _, verb := range document.Verbs {
			for cluster, column := range columns {
				c := f.on(verb, r, cluster)
				allowed[c.String()] = agentMatrix.Allows(column, r.name, verb)
				all = append(all, c)
			}
		}
	}
	for _, way := range bothWays(ctx, f.agent) {
		By("requesting it " + way.server)
		Expect(differences(all, func(c call) (string, error) { return tryAsAgent(ctx, way, c, allowed[c.String()]) })).To(BeEmpty())
	}
}

// tryAsAgent sends the call and says if the agent is refused otherwise than expected, by whomever: RBAC, the authorizer or
// admission.
func tryAsAgent(ctx context.Context, way caller, c call, expected bool) (string, error) {
	if !c.expressible() {
		return "", nil
	}
	a, err := way.send(ctx, c)
	if err != nil || (a.code == http.StatusForbidden) != expected {
		return "", err
	}
	return fmt.Sprintf("%s %s: the answer is %s, the page says allowed is %v", c, way.server, a, expected), nil
}
