// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package install installs what this project ships on clusters, as docs/install.md says, and tries it there. The clusters are
// those of a playground of the suite's own, from which everything that it has of this project is taken off first. What
// Deployments want to run is run by a small kubelet: in the image's files, as the image's user, with the tokens of the
// ServiceAccounts that the manifests declare, and with a reduced root file system.
package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/install/audit"
	"github.com/ramendr/dr-apiserver/test/install/kubelet"
	"github.com/ramendr/dr-apiserver/test/playground/layout"
	"github.com/ramendr/dr-apiserver/test/playground/network"
)

const (
	bootTimeout = 5 * time.Minute
	specTimeout = 6 * time.Minute
)

var (
	// source is the source tree.
	source layout.Root
	// playground of this suite.
	playground *framework.Playground
	// kubelets by cluster.
	kubelets map[string]*kubelet.Kubelet
	// ports of what the suite runs beside the playground.
	ports = network.NewPorts(nil, func(map[string]int) error { return nil })
)

func TestInstall(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a playground")
	}
	RegisterFailHandler(Fail)
	RunSpecs(t, "Installation")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	found, err := framework.Find()
	Expect(err).NotTo(HaveOccurred())
	source = found.Root
	playground = &framework.Playground{Root: ownRoot()}
	for _, cluster := range allClusters {
		writeFile(playground.Root.Run(cluster, "audit-policy.yaml"), audit.Policy)
	}
	DeferCleanup(func(ctx SpecContext) { Expect(playground.Do(ctx, "down")).To(Succeed()) }, NodeTimeout(bootTimeout))
	_, err = playground.Boot(ctx)
	Expect(err).NotTo(HaveOccurred())
	Expect(takeOff(ctx)).To(Succeed())
	runKubelets()
}, NodeTimeout(bootTimeout))

// ownRoot is a directory with what a playground needs of the source tree.
func ownRoot() layout.Root {
	root, err := os.MkdirTemp("", "install-")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(os.RemoveAll(root)).To(Succeed()) })
	// The processes of pods, who are not root, have to get at their files.
	Expect(os.Chmod(root, 0o711)).To(Succeed())
	for _, name := range []string{"bin", "artifacts", "go.mod"} {
		Expect(os.Symlink(source.Path(name), filepath.Join(root, name))).To(Succeed())
	}
	return layout.Root(root)
}

// takeOff ends this project's programs on the playground and removes what it has put onto the clusters.
func takeOff(ctx context.Context) error {
	var failures []error
	for _, program := range [][]string{{"kill", "agent", framework.DR1}, {"kill", "agent", framework.DR2}, {"kill", "apiserver"}} {
		failures = append(failures, playground.Do(ctx, program...))
	}
	_, err := kubectl(ctx, "delete", "--context", framework.Hub, "-k", "artifacts/hub/apiservice")
	failures = append(failures, err)
	_, err = kubectl(ctx, "delete", "--context", framework.Hub, "-k", "artifacts/hub/rbac")
	failures = append(failures, err)
	for _, cluster := range []string{framework.DR1, framework.DR2} {
		_, err = kubectl(ctx, "delete", "--context", cluster, "-k", "artifacts/agent/rbac")
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}
