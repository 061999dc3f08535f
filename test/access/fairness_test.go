// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// agentLevel is the priority level of agents.
const agentLevel = "dr-agents"

// flowOf says which FlowSchema and priority level an answer names.
func flowOf(ctx context.Context, a answer) string {
	GinkgoHelper()
	flows := playground.Hub.Kube.FlowcontrolV1()
	schemas, err := flows.FlowSchemas().List(ctx, metav1.ListOptions{})
	Expect(err).NotTo(HaveOccurred())
	for _, schema := range schemas.Items {
		if a.header.Get(flowcontrolv1.ResponseHeaderMatchedFlowSchemaUID) == string(schema.UID) {
			level, err := flows.PriorityLevelConfigurations().Get(ctx, schema.Spec.PriorityLevelConfiguration.Name, metav1.GetOptions{})
			Expect(err).NotTo(HaveOccurred())
			Expect(a.header.Get(flowcontrolv1.ResponseHeaderMatchedPriorityLevelConfigurationUID)).To(Equal(string(level.UID)))
			return schema.Name
		}
	}
	return fmt.Sprintf("%v", a.header)
}

var _ = Describe("Priority and fairness", func() {
	DescribeTable("of dr-apiserver goes by the FlowSchemas of the hub",
		func(ctx SpecContext, config func() *rest.Config, wanted string) {
			list := call{verb: "list", resource: resource{name: "drpolicies"}}
			a, err := newCaller(straight, direct(ctx, config())).send(ctx, list)
			Expect(err).NotTo(HaveOccurred())
			Expect(flowOf(ctx, a)).To(Equal(wanted))
		},
		Entry("for an agent", func() *rest.Config {
			return impersonating("system:serviceaccount:dr-agents:dr1", "system:serviceaccounts:dr-agents", "system:authenticated")
		}, agentLevel, SpecTimeout(specTimeout)),
		Entry("for a person", func() *rest.Config { return playground.Tenant.Config }, "global-default", SpecTimeout(specTimeout)),
		Entry("for an administrator", func() *rest.Config { return playground.Hub.Config }, "exempt", SpecTimeout(specTimeout)),
		Entry("for a tool", func() *rest.Config {
			return impersonating("system:serviceaccount:argocd:argocd", "system:serviceaccounts", "system:authenticated")
		}, "service-accounts", SpecTimeout(specTimeout)),
		Entry("for the hub's controllers", func() *rest.Config {
			return impersonating("system:serviceaccount:kube-system:namespace-controller",
				"system:serviceaccounts:kube-system", "system:serviceaccounts", "system:authenticated")
		}, "kube-system-service-accounts", SpecTimeout(specTimeout)),
	)

	It("on the hub puts heartbeats with those of nodes, and the server before other tools", func(ctx SpecContext) {
		agents := []string{"system:serviceaccounts:" + component.AgentNamespace, "system:serviceaccounts", "system:authenticated"}
		agent := impersonating("system:serviceaccount:"+component.AgentNamespace+":dr1", agents...)
		server := impersonating("system:serviceaccount:"+component.SystemNamespace+":"+component.APIServer,
			"system:serviceaccounts:"+component.SystemNamespace, "system:serviceaccounts", "system:authenticated")
		lease := call{verb: "get", resource: resource{name: "leases", namespaced: true, api: "/apis/coordination.k8s.io/v1"}, namespace: component.AgentNamespace, name: "dr1"}
		namespaces := call{verb: "list", resource: resource{name: "namespaces", api: "/api/v1"}}
		for wanted, request := range map[string]struct {
			config *rest.Config
			call   call
		}{"dr-agent-leases": {agent, lease}, "dr-apiserver": {server, namespaces}} {
			a, err := newCaller(throughHub, request.config).send(ctx, request.call)
			Expect(err).NotTo(HaveOccurred())
			Expect(flowOf(ctx, a)).To(Equal(wanted))
		}
	}, SpecTimeout(specTimeout))

	It("answers people while agents have more requests under way than there are seats for them", Serial, func(ctx SpecContext) {
		f := newFleet(ctx)
		bindIn(ctx, f.namespace, "tenant", "ClusterRole", "admin")
		flood := startFlood(ctx, f)
		By("waiting until agents have every seat that they get, and requests in the queue")
		Eventually(func(g Gomega) {
			level := levelNow(ctx, agentLevel)
			g.Expect(level.executing).To(Equal(int(flood.held.Load())))
			g.Expect(level.executing + level.waiting).To(Equal(floodSize))
			g.Expect(level.waiting).To(BeNumerically(">", 0))
		}).WithContext(ctx).Should(Succeed())

		By("asking for what people ask for")
		for _, way := range bothWays(ctx, playground.Tenant.Config) {
			for _, verb := range []string{"list", "watch", "create"} {
				c := call{verb: verb, resource: resource{name: "drplacementcontrols", namespaced: true}, namespace: f.namespace, body: map[string]any{}}
				Expect(try(ctx, way, c, true)).To(BeEmpty())
			}
		}
		level := levelNow(ctx, agentLevel)
		AddReportEntry("seats", fmt.Sprintf("agents: %d requests executing, %d in the queue; people were answered meanwhile", level.executing, level.waiting))
		Expect(level.waiting).To(BeNumerically(">", 0), "the flood lasted as long as people asked")

		flood.release()
		Expect(flood.codes(ctx)).To(HaveEach(http.StatusCreated), "nothing is lost, it only waits")
	}, SpecTimeout(specTimeout))
})

// floodSize is more requests than the server has seats in all.
const floodSize = 700

// flood is many requests of one agent, which a webhook holds until they are released.
type flood struct {
	held     atomic.Int32
	release  func()
	answered chan int
}

func startFlood(ctx context.Context, f fleet) *flood {
	GinkgoHelper()
	gate := make(chan struct{})
	started := &flood{answered: make(chan int, floodSize), release: sync.OnceFunc(func() { close(gate) })}
	DeferCleanup(func() { started.release() })
	var begun atomic.Bool
	client := startWebhook(func(*admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
		if !begun.Load() {
			return &admissionv1.AdmissionResponse{}
		}
		started.held.Add(1)
		<-gate
		return &admissionv1.AdmissionResponse{Allowed: true}
	})
	holdRequests(ctx, f, client)
	way := newCaller(straight, direct(ctx, f.agent))
	c := f.on("create", resource{name: "drclusterconfigs", kind: "DRClusterConfig"}, f.own)
	By("waiting until the webhook is asked, and refuses")
	Eventually(func() (int, error) {
		a, err := way.send(ctx, c)
		return a.code, err
	}).WithContext(ctx).ShouldNot(Equal(http.StatusCreated))
	begun.Store(true)
	for range floodSize {
		go started.send(ctx, way, c)
	}
	return started
}

func (f *flood) send(ctx context.Context, way caller, c call) {
	a, err := way.send(ctx, c)
	if err != nil {
		a.code = -1
	}
	f.answered <- a.code
}

// codes waits for all answers.
func (f *flood) codes(ctx context.Context) (codes []int) {
	for range floodSize {
		select {
		case code := <-f.answered:
			codes = append(codes, code)
		case <-ctx.Done():
			return append(codes, 0)
		}
	}
	return codes
}

// holdRequests has the webhook asked about every DRClusterConfig that own's agent makes.
func holdRequests(ctx context.Context, f fleet, client admissionregistrationv1.WebhookClientConfig) {
	GinkgoHelper()
	none, ignore, timeout := admissionregistrationv1.SideEffectClassNone, admissionregistrationv1.Ignore, int32(30)
	configurations := playground.Hub.Kube.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	_, err := configurations.Create(ctx, &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: f.namespace},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "hold.access.test", ClientConfig: client, Rules: creates("drclusterconfigs"),
			SideEffects: &none, FailurePolicy: &ignore, TimeoutSeconds: &timeout, AdmissionReviewVersions: []string{"v1"},
			MatchConditions: []admissionregistrationv1.MatchCondition{{
				Name: "own", Expression: fmt.Sprintf("request.userInfo.username.endsWith(':%s')", f.own),
			}},
		}},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) {
		Expect(configurations.Delete(ctx, f.namespace, metav1.DeleteOptions{})).To(Succeed())
	})
}

// level is how busy a priority level of dr-apiserver is.
type level struct{ waiting, executing int }

func levelNow(ctx context.Context, name string) level {
	GinkgoHelper()
	way := newCaller(straight, direct(ctx, playground.Hub.Config))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, way.host+"/debug/api_priority_and_fairness/dump_priority_levels", nil)
	Expect(err).NotTo(HaveOccurred())
	response, err := way.client.Do(request)
	Expect(err).NotTo(HaveOccurred())
	defer response.Body.Close()
	dump, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	var columns []string
	for line := range strings.Lines(string(dump)) {
		cells := strings.Split(line, ",")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case columns == nil:
			columns = cells
		case cells[0] == name:
			return level{waiting: number(columns, cells, "WaitingRequests"), executing: number(columns, cells, "ExecutingRequests")}
		}
	}
	Fail("dr-apiserver knows no priority level " + name + ":\n" + string(dump))
	return level{}
}

func number(columns, cells []string, column string) int {
	GinkgoHelper()
	for i, name := range columns {
		if name == column {
			n, err := strconv.Atoi(cells[i])
			Expect(err).NotTo(HaveOccurred())
			return n
		}
	}
	Fail(fmt.Sprintf("no column %s among %v", column, columns))
	return 0
}
