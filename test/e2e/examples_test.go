// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os/exec"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"github.com/onsi/gomega/gexec"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// Exit codes of examples/failover.
const (
	exampleDone    = 0
	exampleRefused = 3
)

var _ = Describe("With the generated clients", func() {
	It("a program sees the plan, is told why not, fails an application over and follows it to its end", func(ctx SpecContext) {
		failover := example("failover")
		app := protected(ctx)

		refused := startExample(ctx, app, failover, app.Name)
		Eventually(ctx, refused).Should(gexec.Exit(exampleRefused))
		Expect(refused.Err).To(gbytes.Say(v1alpha1.CheckSourceUnhealthy))
		Expect(refused.Err).To(gbytes.Say("-force overrides this"))

		tooMuch := startExample(ctx, app, failover, "-force", "-yes", "-max-loss", "1ns", app.Name)
		Eventually(ctx, tooMuch).Should(gexec.Exit(exampleRefused))
		Expect(tooMuch.Err).To(gbytes.Say("More than 1ns would be lost"))

		planned := startExample(ctx, app, failover, "-force", app.Name)
		Eventually(ctx, planned).Should(gexec.Exit(exampleDone))
		Expect(planned.Out).To(gbytes.Say("from dr1 to dr2"))
		Expect(planned.Out).To(gbytes.Say("Lost: what was written after"))
		Expect(planned.Out).To(gbytes.Say("Nothing was changed"))
		Expect(actionsOf(ctx, app)).To(BeEmpty())

		for _, how := range []string{"begins it", "asks for the same again"} {
			By("running a program that " + how)
			done := startExample(ctx, app, failover, "-force", "-yes", "-name", "example", "-reason", "an example", app.Name)
			Eventually(ctx, done).Should(gexec.Exit(exampleDone))
			Expect(done.Out).To(gbytes.Say("Accepted as DRAction example"))
			Expect(done.Out).To(gbytes.Say("may run on dr2"))
			Expect(actionsOf(ctx, app)).To(ConsistOf("example"))
		}
		itStillWrites(ctx, app, framework.DR2)
	}, SpecTimeout(specTimeout))

	It("a program that watches sees what happens, also while the API server restarts", Serial, func(ctx SpecContext) {
		app := newApp()
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: app.Namespace}}
		_, err := playground.Hub.Kube.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		watching := startExample(ctx, app, example("watch"))
		Eventually(ctx, watching.Out).Should(gbytes.Say("Watching"))
		Expect(app.Protect(ctx)).To(Succeed())
		Eventually(ctx, watching.Out).Should(gbytes.Say("DRPlacementControl %s/%s: Deploy", app.Namespace, app.Name))

		disrupt(ctx, []string{"kill", "apiserver"}, []string{"start", "apiserver"})
		do(ctx, "start", "apiserver")
		By("protecting something else in the namespace before the program has its watch again")
		other := framework.Placement(app.Namespace, "other")
		other.Spec.PVCSelector.MatchLabels["app"] = "other"
		_, err = app.Placements().Create(ctx, other, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Eventually(ctx, watching.Out).Should(gbytes.Say("DRPlacementControl %s/other: ", app.Namespace))

		watching.Interrupt()
		Eventually(ctx, watching).Should(gexec.Exit(0))
	}, SpecTimeout(specTimeout))
})

// example builds one of the example programs.
func example(name string) string {
	GinkgoHelper()
	By("building examples/" + name)
	path, err := gexec.Build("github.com/ramendr/dr-apiserver/examples/" + name)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(gexec.CleanupBuildArtifacts)
	return path
}

// startExample runs an example program in the application's namespace. It does not outlive the spec.
func startExample(ctx context.Context, app *framework.App, path string, words ...string) *gexec.Session {
	GinkgoHelper()
	By(sentence("running "+path, words))
	words = append([]string{"-kubeconfig", app.Root.Kubeconfig(framework.Hub), "-n", app.Namespace}, words...)
	session, err := gexec.Start(exec.Command(path, words...), GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { session.Kill().Wait(10 * time.Second) })
	return session
}
