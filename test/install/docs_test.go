// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package install

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/install/guide"
)

var _ = Describe("Whoever does what docs/install.md says", Ordered, func() {
	var sections []guide.Section

	BeforeAll(func() {
		document, err := os.ReadFile(source.Path("docs", "install.md"))
		Expect(err).NotTo(HaveOccurred())
		sections = guide.Read(string(document))
	})

	It("has disaster recovery whose programs may do what they have to", func(ctx SpecContext) {
		began := time.Now()
		writeKeys()
		patches := serve(framework.Hub)
		for _, heading := range []string{"Hub", "Managed clusters", "Clusters and policy"} {
			for _, step := range section(sections, heading) {
				if step.File == "hub/kustomization.yaml" {
					step.Content += patches
				}
				follow(ctx, step)
			}
		}
		story(ctx, playground.App("installed"))
		nobodyWasDenied(began)
	}, SpecTimeout(specTimeout))

	It("has agents whose token is a new one", func(ctx SpecContext) {
		for _, name := range []string{framework.DR1, framework.DR2} {
			tokenWasRenewed(ctx, name)
		}
	}, SpecTimeout(specTimeout))

	It("is told what has been granted and not used", func(ctx SpecContext) {
		reportUnused(ctx)
	}, SpecTimeout(specTimeout))

	It("can take everything off again", func(ctx SpecContext) {
		for _, step := range section(sections, "Uninstall") {
			follow(ctx, step)
		}
		nothingIsLeft(ctx, allClusters...)
	}, SpecTimeout(specTimeout))
})

// section is a section's steps.
func section(sections []guide.Section, heading string) []guide.Step {
	GinkgoHelper()
	found := slices.IndexFunc(sections, func(s guide.Section) bool { return s.Heading == heading })
	Expect(found).NotTo(Equal(-1), "docs/install.md has no section "+heading)
	Expect(sections[found].Steps).NotTo(BeEmpty(), "section "+heading+" says nothing to do")
	return sections[found].Steps
}

// follow does what a step says.
func follow(ctx context.Context, step guide.Step) {
	GinkgoHelper()
	if step.File != "" {
		By("writing " + step.File)
		writeFile(playground.Root.Path(step.File), site(ctx, step.Content))
		return
	}
	By("running " + strings.ReplaceAll(step.Command, "\n", " "))
	output, err := shell(ctx, step.Command)
	Expect(err).NotTo(HaveOccurred(), podLogs)
	GinkgoWriter.Println(output)
}
