// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var _ = eachStored("With kubectl", func(k kind) {
	It("one applies, changes and compares objects", func(ctx SpecContext) {
		object := withoutStatus(k.labelled(unique(), "before"))
		name, path := k.resource+"/"+object.GetName(), file(object)
		k.cleanUp(object.GetName())
		Expect(tryKubectl(ctx, "diff", "-f", path).code).To(Equal(1), "there is a difference to nothing")
		Expect(kubectl(ctx, "apply", "-f", path)).To(ContainSubstring("created"))
		Expect(kubectl(ctx, "apply", "-f", path)).To(ContainSubstring("unchanged"))
		Expect(kubectl(ctx, "diff", "-f", path)).To(BeEmpty())
		Expect(kubectl(ctx, "apply", "view-last-applied", name)).To(ContainSubstring("kind: " + k.name))
		kubectl(ctx, "wait", "--for=create", "--timeout=10s", name)

		object.SetLabels(map[string]string{label: "during"})
		path = file(object)
		got := tryKubectl(ctx, "diff", "-f", path)
		Expect(got.code).To(Equal(1))
		Expect(got.stdout).To(ContainSubstring("+    " + label + ": during"))
		Expect(kubectl(ctx, "apply", "-f", path)).To(ContainSubstring("configured"))
		Expect(kubectl(ctx, "apply", "--server-side", "--force-conflicts", "-f", path)).To(ContainSubstring("serverside-applied"))
		// It reads the version that it replaces, and a controller may write in between.
		Eventually(func() string { return tryKubectl(ctx, "replace", "-f", path).stdout }).WithContext(ctx).WithTimeout(await).
			Should(ContainSubstring("replaced"))
	}, SpecTimeout(specTimeout))

	It("one labels, annotates, edits and patches objects", func(ctx SpecContext) {
		name := k.shortNames[0] + "/" + k.create(ctx, k.labelled(unique(), "before")).GetName()
		Expect(kubectl(ctx, "edit", name)).To(ContainSubstring("edited"))
		Expect(kubectl(ctx, "get", name, "-o", "jsonpath={.metadata.labels."+label+"}")).To(Equal("after"))
		kubectl(ctx, "label", name, "a=b")
		Expect(tryKubectl(ctx, "label", name, "a=c").stderr).To(ContainSubstring("--overwrite"))
		kubectl(ctx, "annotate", name, "c=d")
		kubectl(ctx, "patch", name, "--type=merge", "--patch", `{"metadata":{"labels":{"e":"f"}}}`)
		kubectl(ctx, "patch", name, "--type=json", "--patch", `[{"op":"remove","path":"/metadata/labels/a"}]`)
		kubectl(ctx, "patch", name, "--type=merge", "--subresource=status", "--patch", string(patch(k.status)))
		Expect(kubectl(ctx, "get", name, "--show-labels")).To(And(ContainSubstring("e=f"), Not(ContainSubstring("a=b"))))
		Expect(tryKubectl(ctx, "scale", name, "--replicas=2").stderr).To(ContainSubstring("the server could not find the requested resource"))
	}, SpecTimeout(specTimeout))

	It("one reads objects in all formats", func(ctx SpecContext) {
		selector, made := k.some(ctx, 2)
		name := k.singular + "/" + made[0]
		full := k.singular + ".dr.ramen.io/" + made[0]
		Expect(strings.TrimSpace(kubectl(ctx, "get", name, "-o", "name"))).To(Equal(full))
		Expect(kubectl(ctx, "get", full, "-o", "yaml")).To(ContainSubstring("kind: " + k.name))
		Expect(kubectl(ctx, "get", k.name, "-l", selector, "--no-headers", "-o", "custom-columns=N:.metadata.name")).To(
			And(ContainSubstring(made[0]), ContainSubstring(made[1])))
		table := kubectl(ctx, "get", k.resource, "-l", selector, "--chunk-size=1")
		Expect(strings.Count(table, "\n")).To(Equal(3), table)
		wide := kubectl(ctx, "get", k.resource, "-l", selector, "-o", "wide", "--sort-by=.metadata.name")
		Expect(len(strings.Fields(firstLine(wide)))).To(BeNumerically(">", len(strings.Fields(firstLine(table)))))
		Expect(kubectl(ctx, "get", k.resource, "--field-selector=metadata.name="+made[1], "-o", "name")).To(ContainSubstring(made[1]))
		Expect(kubectl(ctx, "describe", name)).To(And(ContainSubstring("Kind:         "+k.name), ContainSubstring("Events:")))
		Expect(strings.TrimSpace(kubectl(ctx, "auth", "can-i", "deletecollection", k.resource+".dr.ramen.io"))).To(Equal("yes"))
		Expect(tryKubectl(ctx, "get", k.singular, "missing").stderr).To(ContainSubstring(`Error from server (NotFound): ` + k.resource + `.dr.ramen.io "missing" not found`))
	}, SpecTimeout(specTimeout))

	It("one watches objects, waits for them and deletes them", func(ctx SpecContext) {
		object := withoutStatus(k.object(unique()))
		name, path := k.resource+"/"+object.GetName(), file(object)
		kubectl(ctx, "create", "-f", path)
		k.cleanUp(object.GetName())
		watching := kubectlCommand(ctx, "get", name, "--watch", "--output-watch-events")
		output, err := watching.StdoutPipe()
		Expect(err).NotTo(HaveOccurred())
		Expect(watching.Start()).To(Succeed())
		DeferCleanup(func() {
			_ = watching.Process.Kill()
			_ = watching.Wait()
		})
		lines := bufio.NewScanner(output)
		Expect(next(lines)).To(HavePrefix("EVENT"))
		Expect(next(lines)).To(HavePrefix("ADDED"))

		kubectl(ctx, "wait", "--for=jsonpath={.metadata.generation}=1", "--timeout=10s", name)
		Expect(tryKubectl(ctx, "wait", "--for=condition=Never", "--timeout=0", name).code).NotTo(BeZero())
		Expect(kubectl(ctx, "replace", "--force", "-f", path)).To(ContainSubstring("replaced"))
		kubectl(ctx, "delete", name, "--dry-run=server")
		kubectl(ctx, "delete", name, "--cascade=foreground", "--wait", "--timeout=60s")
		Expect(tryKubectl(ctx, "get", name).code).NotTo(BeZero())
		kubectl(ctx, "wait", "--for=delete", "--timeout=10s", name)
		kubectl(ctx, "delete", name, "--ignore-not-found")
		for line := next(lines); !strings.HasPrefix(line, "DELETED"); line = next(lines) {
			Expect(line).NotTo(BeEmpty())
		}
	}, SpecTimeout(specTimeout))
})

var _ = Describe("With kubectl, over all kinds", func() {
	It("one explains every field", func(ctx SpecContext) {
		for _, k := range append(append([]kind{}, stored...), computed...) {
			Expect(kubectl(ctx, "explain", k.shortNames[0], "--recursive")).To(And(
				ContainSubstring("KIND:       "+k.name), ContainSubstring("FIELDS:"), ContainSubstring("status")), k.name)
		}
	}, SpecTimeout(specTimeout))

	It("one lists all that has to do with disaster recovery", func(ctx SpecContext) {
		reportingGroup(ctx, namespace)
		for _, k := range stored {
			k.create(ctx, k.object(unique()))
		}
		got := tryKubectl(ctx, "get", "dr")
		Expect(got.code).To(BeZero(), got.stderr)
		Expect(got.stderr).To(BeEmpty())
		for _, k := range append(append([]kind{}, stored...), computed...) {
			Expect(got.stdout).To(ContainSubstring("\n"+k.singular+".dr.ramen.io/"), k.name)
		}
	}, SpecTimeout(specTimeout))

	It("one lists objects of several kinds together", func(ctx SpecContext) {
		var words []string
		for _, k := range stored {
			words = append(words, k.singular+"/"+k.create(ctx, k.object(unique())).GetName())
		}
		table := kubectl(ctx, append([]string{"get"}, words...)...)
		for _, word := range words {
			kind, name, _ := strings.Cut(word, "/")
			Expect(table).To(ContainSubstring(kind + ".dr.ramen.io/" + name))
		}
	}, SpecTimeout(specTimeout))

	It("one is refused what is misspelt before it is stored", func(ctx SpecContext) {
		object := stored[0].object(unique())
		object.Object["spec"].(map[string]any)["colour"] = "red"
		path := file(object)
		for _, words := range [][]string{{"create"}, {"apply"}, {"apply", "--server-side"}} {
			got := tryKubectl(ctx, append(words, "-f", path)...)
			Expect(got.code).NotTo(BeZero(), words[0])
			Expect(got.stderr).To(And(ContainSubstring("spec.colour"), Or(ContainSubstring("unknown field"), ContainSubstring("field not declared in schema"))))
		}
	}, SpecTimeout(specTimeout))

	It("one is warned of what one may not have meant", func(ctx SpecContext) {
		placement := stored[0]
		object := placement.object(unique())
		object.SetNamespace(newNamespace(ctx))
		DeferCleanup(hub.Kube.CoreV1().Namespaces().Delete, object.GetNamespace(), metav1.DeleteOptions{})
		object.Object["spec"].(map[string]any)["pvcSelector"] = map[string]any{}
		got := tryKubectl(ctx, "create", "--namespace="+object.GetNamespace(), "-f", file(object))
		Expect(got.code).To(BeZero(), got.stderr)
		Expect(got.stderr).To(ContainSubstring("Warning: spec.pvcSelector: empty"))
	}, SpecTimeout(specTimeout))

	It("one is told at once that what is computed can't be watched", func(ctx SpecContext) {
		got := tryKubectl(ctx, "get", "protectedvolumes", "--watch-only")
		Expect(got.code).NotTo(BeZero())
		Expect(got.stderr).To(And(ContainSubstring("MethodNotAllowed"), ContainSubstring("watch")))
	}, SpecTimeout(specTimeout))
})

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// next is the next line, empty at the end.
func next(lines *bufio.Scanner) string {
	if lines.Scan() {
		return lines.Text()
	}
	return ""
}
