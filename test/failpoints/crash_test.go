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
				died := false
				for telling := 0; telling < tellings && !died; telling++ {
					died = d.die(app, ctx, story, point)
				}
				Expect(died).To(BeTrue(), "%s has not come by %s", d.of, point)
			}
		}, SpecTimeout(specTimeout))
	}

	It("the server dies before it has recorded an action, and again having made up the record", func(ctx SpecContext) {
		app := deployed(ctx)
		story := stories[relocation]
		story.prepare(app, ctx)
		first, second := deaths{of: server}.arm(app, "action.accepted"), deaths{of: server}.arm(app, "record.made-up")
		By("asking and getting no answer")
		persist(ctx, func() error {
			_, err := app.Relocate(ctx, v1alpha1.DRActionSpec{TargetCluster: app.there()}, framework.Named("once"))
			switch {
			case err == nil:
				return StopTrying("the server answered, rather than to die")
			case first.waits():
				return err // it was away for another spec
			}
			return nil
		})
		app.actions++
		app.ended(ctx, "once", v1alpha1.ReasonSucceeded)
		app.moved()
		story.verify(app, ctx)
		Expect(first.waits()).To(BeFalse())
		Expect(second.waits()).To(BeFalse(), "the record was not made up")
	}, SpecTimeout(specTimeout))
})

// tellings of a story are as often as it may be told until a process dies at a point of it. Other specs have the same process die
// at other points, and one that dies between what it does and the point behind it does not come by the point any more.
const tellings = 3

// die tells a story in the middle of which the process is to die at the point, and tells whether it did.
func (d deaths) die(app *application, ctx context.Context, s story, point string) bool {
	GinkgoHelper()
	if s.prepare != nil {
		s.prepare(app, ctx)
	}
	trap := d.arm(app, point)
	s.tell(app, ctx)
	s.verify(app, ctx)
	waits := trap.waits()
	trap.takeBack()
	return !waits
}

// trap is a point at which a process is to die.
type trap struct{ directory, point, namespace string }

// waits tells whether the process still has to die.
func (t trap) waits() bool {
	GinkgoHelper()
	armed, err := failpoint.Armed(t.directory, t.point, t.namespace)
	Expect(err).NotTo(HaveOccurred())
	return armed
}

func (t trap) takeBack() {
	GinkgoHelper()
	Expect(failpoint.Disarm(t.directory, t.point, t.namespace)).To(Succeed())
}

// arm has the process die at the point.
func (d deaths) arm(app *application, point string) trap {
	GinkgoHelper()
	By(d.of + " is to die at " + point)
	t := trap{d.directory(app), point, app.Namespace}
	Expect(failpoint.Arm(t.directory, t.point, t.namespace)).To(Succeed())
	DeferCleanup(t.takeBack)
	return t
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
