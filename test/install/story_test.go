// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package install

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/install/audit"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// story protects an application, fails it over, and relocates it back.
func story(ctx context.Context, app *framework.App) {
	GinkgoHelper()
	By("deploying and protecting an application on dr1")
	Expect(app.Deploy(ctx, framework.DR1, 1)).To(Succeed())
	Expect(app.Protect(ctx)).To(Succeed())
	settled(ctx, app, framework.DR1)
	By("failing it over to dr2")
	action, err := app.Failover(ctx, v1alpha1.DRActionSpec{TargetCluster: framework.DR2, Force: true})
	Expect(err).NotTo(HaveOccurred())
	succeeded(ctx, app, action)
	settled(ctx, app, framework.DR2)
	By("relocating it to dr1")
	action, err = app.Relocate(ctx, v1alpha1.DRActionSpec{TargetCluster: framework.DR1})
	Expect(err).NotTo(HaveOccurred())
	succeeded(ctx, app, action)
	settled(ctx, app, framework.DR1)
}

func settled(ctx context.Context, app *framework.App, cluster string) {
	GinkgoHelper()
	_, err := app.Await(ctx, framework.Replication, framework.SettledOn(cluster))
	Expect(err).NotTo(HaveOccurred(), podLogs)
}

func succeeded(ctx context.Context, app *framework.App, action *v1alpha1.DRAction) {
	GinkgoHelper()
	_, err := app.AwaitAction(ctx, action.Name, framework.Replication, framework.Ended(v1alpha1.ReasonSucceeded))
	Expect(err).NotTo(HaveOccurred(), podLogs)
	Expect(app.AwaitRunning(ctx, action.Spec.TargetCluster, framework.Soon)).To(Succeed())
}

// podLogs is how every pod's log ends, for a spec that has failed.
func podLogs() string {
	const tail = 3000
	var text strings.Builder
	for cluster, k := range kubelets {
		logs, _ := k.Logs()
		for pod, path := range logs {
			content, _ := os.ReadFile(path)
			fmt.Fprintf(&text, "\n%s %s:\n%s\n", cluster, pod, content[max(0, len(content)-tail):])
		}
	}
	return text.String()
}

// requests are those that this project's programs have made of a cluster's kube-apiserver.
func requests(cluster string) []audit.Request {
	GinkgoHelper()
	requests, err := audit.Read(playground.Root.Log(cluster, "audit"))
	Expect(err).NotTo(HaveOccurred())
	return requests
}

// nobodyWasDenied checks that since a time no program has asked a kube-apiserver for anything that its ServiceAccount may not
// do. What is taken off may lose its rights before it ends.
func nobodyWasDenied(began time.Time) {
	GinkgoHelper()
	for _, name := range allClusters {
		Expect(audit.Denied(audit.Since(requests(name), began))).To(BeEmpty(), "on "+name)
	}
}

// user returns what a ServiceAccount has done on a cluster.
func user(cluster string, a account) []audit.Request {
	GinkgoHelper()
	return audit.Of(requests(cluster), a.user())
}

// account is a ServiceAccount of a program on a cluster.
type account struct{ cluster, namespace, name string }

func (a account) user() string { return "system:serviceaccount:" + a.namespace + ":" + a.name }

var accounts = []account{
	{framework.Hub, component.SystemNamespace, component.APIServer},
	{framework.Hub, component.AgentNamespace, framework.DR1},
	{framework.DR1, component.SystemNamespace, component.Agent},
}

// reportUnused lists what may be done and was not. Some of it is for hubs that do not stream lists, some for what does not
// happen in a story without faults; the rest is worth a thought.
func reportUnused(ctx context.Context) {
	GinkgoHelper()
	var report strings.Builder
	for _, a := range accounts {
		did := user(a.cluster, a)
		Expect(did).NotTo(BeEmpty(), a.user())
		roles, err := audit.Roles(ctx, cluster(a.cluster).Kube, a.namespace, a.name)
		Expect(err).NotTo(HaveOccurred())
		Expect(roles).NotTo(BeEmpty(), a.user())
		for _, role := range roles {
			fmt.Fprintf(&report, "%s, %s of %s", a.user(), role.Name, a.cluster)
			if role.Namespace != "" {
				fmt.Fprintf(&report, " in %s", role.Namespace)
			}
			report.WriteString(":\n")
			for _, line := range role.Unused(did) {
				fmt.Fprintf(&report, "  %s\n", line)
			}
		}
	}
	AddReportEntry("Granted and not used", report.String())
}

// tokenWasRenewed checks that an agent signs in with a token that it has asked for, and not any more with the one of joining.
func tokenWasRenewed(ctx context.Context, name string) {
	GinkgoHelper()
	secret, err := cluster(name).Kube.CoreV1().Secrets(component.SystemNamespace).Get(ctx, "dr-hub", metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	Expect(secret.ManagedFields).To(ContainElement(HaveField("Manager", "dr-agent")), "the agent has written the Secret")
	user := account{framework.Hub, component.AgentNamespace, name}.user()
	Expect(audit.Of(requests(framework.Hub), user)).To(ContainElement(And(HaveField("Code", BeEquivalentTo(http.StatusCreated)),
		HaveField("Action", audit.Action{
			Verb: "create", Resource: "serviceaccounts/token", Namespace: component.AgentNamespace, Name: name,
		}))))
}

// nothingIsLeft checks that what was installed is gone, and that the namespaces are gone as fast as any.
func nothingIsLeft(ctx context.Context, clusters ...string) {
	GinkgoHelper()
	for _, name := range clusters {
		for _, namespace := range []string{component.SystemNamespace, component.AgentNamespace} {
			_, err := cluster(name).Kube.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
			Expect(apierrors.IsNotFound(err)).To(BeTrue(), "namespace %s of %s: %v", namespace, name, err)
		}
		roles, err := cluster(name).Kube.RbacV1().ClusterRoles().List(ctx, metav1.ListOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(roles.Items).NotTo(ContainElement(HaveField("Name", HavePrefix("dr-"))))
	}
}
