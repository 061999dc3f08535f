// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package failpoints

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/failpoint"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// specTimeout bounds every spec. Other specs' processes die too, and they are the same ones.
const specTimeout = 12 * time.Minute

var _ = Describe("What was begun comes to its end and loses nothing, though", func() {
	for _, d := range tried {
		It(fmt.Sprintf("%s dies at every point of a %s", d.of, d.during), func(ctx SpecContext) {
			app := deployed(ctx)
			story := stories[d.during]
			for _, point := range d.points {
				if story.prepare != nil {
					story.prepare(app, ctx)
				}
				armed := d.arm(app, point)
				story.tell(app, ctx)
				Eventually(armed).WithTimeout(framework.Soon).Should(BeFalse(), "%s has not come by %s", d.of, point)
				story.verify(app, ctx)
			}
		}, SpecTimeout(specTimeout))
	}

	It("the server dies before it has recorded an action, and again having made up the record", func(ctx SpecContext) {
		app := deployed(ctx)
		story := stories[relocation]
		story.prepare(app, ctx)
		first, second := deaths{of: server}.arm(app, "action.accepted"), deaths{of: server}.arm(app, "record.made-up")
		By("asking once and getting no answer")
		_, err := app.Relocate(ctx, v1alpha1.DRActionSpec{TargetCluster: app.there()}, framework.Named("once"))
		app.actions++
		Expect(err).To(HaveOccurred())
		app.ended(ctx, "once", v1alpha1.ReasonSucceeded)
		app.moved()
		story.verify(app, ctx)
		Expect(first()).To(BeFalse())
		Expect(second()).To(BeFalse(), "the record was not made up")
	}, SpecTimeout(specTimeout))
})

// arm has the process die at the point, and returns what tells whether it still has to.
func (d deaths) arm(app *application, point string) (armed func() (bool, error)) {
	GinkgoHelper()
	By(d.of + " is to die at " + point)
	directory := d.directory(app)
	Expect(failpoint.Arm(directory, point, app.Namespace)).To(Succeed())
	DeferCleanup(failpoint.Disarm, directory, point, app.Namespace)
	return func() (bool, error) { return failpoint.Armed(directory, point, app.Namespace) }
}

// directory is where points of the process are armed.
func (d deaths) directory(app *application) string {
	cluster, program := framework.Hub, component.APIServer
	switch d.of {
	case source:
		cluster, program = app.here, component.Agent
	case target:
		cluster, program = app.there(), component.Agent
	}
	return component.Cluster{Root: playground.Root, Name: cluster}.Failpoints(program)
}

// persist makes a request until it is answered with success: the server may die with it, and be away for a while.
func persist(ctx context.Context, request func() error) {
	GinkgoHelper()
	Eventually(ctx, request).WithTimeout(framework.Replication).WithPolling(200 * time.Millisecond).Should(Succeed())
}
