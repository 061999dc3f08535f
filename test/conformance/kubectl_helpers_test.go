// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// outcome is what became of a run of kubectl.
type outcome struct {
	stdout, stderr string
	code           int
}

// discoveryCache is where the runs of kubectl of this process keep what they discovered.
var discoveryCache string

// tryKubectl runs kubectl as the hub's admin in the specs' namespace.
func tryKubectl(ctx context.Context, words ...string) outcome {
	GinkgoHelper()
	command := kubectlCommand(ctx, words...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		Expect(err).To(BeAssignableToTypeOf(&exec.ExitError{}))
	}
	return outcome{stdout.String(), stderr.String(), command.ProcessState.ExitCode()}
}

func kubectlCommand(ctx context.Context, words ...string) *exec.Cmd {
	GinkgoHelper()
	By("kubectl " + strings.Join(words, " "))
	if discoveryCache == "" {
		var err error
		discoveryCache, err = os.MkdirTemp("", "conformance")
		Expect(err).NotTo(HaveOccurred())
	}
	words = append([]string{"--kubeconfig", playground.Root.Kubeconfig(framework.Hub), "--namespace", namespace, "--cache-dir", discoveryCache}, words...)
	command := exec.CommandContext(ctx, playground.Root.Program("kubectl"), words...)
	command.Env = append(os.Environ(), "KUBE_EDITOR=sed -i s/before/after/")
	return command
}

// kubectl runs kubectl, which has to succeed, and returns what it printed.
func kubectl(ctx context.Context, words ...string) string {
	GinkgoHelper()
	got := tryKubectl(ctx, words...)
	Expect(got.code).To(BeZero(), "%s%s", got.stdout, got.stderr)
	return got.stdout
}

// file writes an object into a file for kubectl.
func file(object *unstructured.Unstructured) string {
	GinkgoHelper()
	content, err := yaml.Marshal(object.Object)
	Expect(err).NotTo(HaveOccurred())
	path := filepath.Join(GinkgoT().TempDir(), object.GetName()+".yaml")
	Expect(os.WriteFile(path, content, 0o600)).To(Succeed())
	return path
}
