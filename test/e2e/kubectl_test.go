// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var _ = Describe("With plain kubectl", func() {
	It("one can wait for conditions, and relocate by creating a file at the subresource", func(ctx SpecContext) {
		app := deployed(ctx)
		Expect(app.Protect(ctx)).To(Succeed())
		kubectl(ctx, app, "wait", "--for=condition=Protected", "--timeout=3m", "drpc/"+app.Name)
		kubectl(ctx, app, "wait", "--for=condition=PeerReady", "--timeout=3m", "drpc/"+app.Name)

		request := filepath.Join(GinkgoT().TempDir(), "relocate.json")
		Expect(os.WriteFile(request, []byte(`{
  "apiVersion": "dr.ramen.io/v1alpha1", "kind": "DRAction",
  "metadata": {"name": "by-hand"},
  "spec": {"targetCluster": "dr2", "reason": "tried by hand"}
}`), 0o600)).To(Succeed())
		verb := fmt.Sprintf("/apis/dr.ramen.io/v1alpha1/namespaces/%s/drplacementcontrols/%s/relocate", app.Namespace, app.Name)
		kubectl(ctx, app, "create", "--raw", verb+"?dryRun=All", "-f", request)
		Expect(actionsOf(ctx, app)).To(BeEmpty())
		answer := kubectl(ctx, app, "create", "--raw", verb, "-f", request)
		Expect(answer).To(ContainSubstring(`"by-hand"`))
		kubectl(ctx, app, "wait", "--for=condition=Complete", "--timeout=3m", "dra/by-hand")
		Expect(kubectl(ctx, app, "get", "dra/by-hand", "-o", `jsonpath={.status.conditions[?(@.type=="Complete")].reason}`)).
			To(Equal("Succeeded"))
		Expect(kubectl(ctx, app, "get", "drpc", app.Name)).To(ContainSubstring(framework.DR2))
		itStillWrites(ctx, app, framework.DR2)
	}, SpecTimeout(specTimeout))

	It("and the plugin one sees the plan, is refused with the reason, and moves an application", func(ctx SpecContext) {
		app := protected(ctx)
		Expect(kubectl(ctx, app, "drpc", "relocate", app.Name, "--to", framework.DR2, "--dry-run")).To(And(
			ContainSubstring("HandOver"), ContainSubstring("Promote"), ContainSubstring("Restore")))
		_, err := runKubectl(ctx, app, "drpc", "failover", app.Name)
		Expect(err).To(MatchError(And(ContainSubstring("exit status 1"), ContainSubstring("SourceUnhealthy"))))
		kubectl(ctx, app, "drpc", "relocate", app.Name, "--to", framework.DR2, "--wait", "--timeout=3m")
		Expect(kubectl(ctx, app, "drpc", "history", app.Name)).To(And(ContainSubstring("Relocate"), ContainSubstring("Succeeded")))
		Expect(kubectl(ctx, app, "drpc", "status", app.Name)).To(ContainSubstring(framework.DR2))
	}, SpecTimeout(specTimeout))
})

func runKubectl(ctx context.Context, app *framework.App, words ...string) (string, error) {
	By(sentence("kubectl", words))
	hub := []string{"--kubeconfig", playground.Root.Kubeconfig(framework.Hub), "--namespace", app.Namespace}
	if words[0] == "drpc" {
		words = append(words, hub...)
	} else {
		words = append(hub, words...)
	}
	output, err := playground.Run(ctx, "kubectl", words...)
	return string(output), err
}

// kubectl runs kubectl as the hub's admin in the application's namespace and returns what it printed.
func kubectl(ctx context.Context, app *framework.App, words ...string) string {
	GinkgoHelper()
	output, err := runKubectl(ctx, app, words...)
	Expect(err).NotTo(HaveOccurred())
	return output
}
