// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package install

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/install/kubelet"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

var allClusters = []string{framework.Hub, framework.DR1, framework.DR2}

func cluster(name string) *framework.Identity {
	if name == framework.Hub {
		return playground.Hub
	}
	return playground.Managed[name]
}

// runKubelets runs the pods of dr-system on all clusters until the suite ends.
func runKubelets() {
	GinkgoHelper()
	image := imageFiles()
	kubelets = map[string]*kubelet.Kubelet{}
	ctx, stop := context.WithCancel(context.Background())
	var ended []chan struct{}
	for _, name := range allClusters {
		k := &kubelet.Kubelet{
			Config: cluster(name).Config, Namespace: component.SystemNamespace, Image: image,
			Dir: playground.Root.Run("pods", name), Ports: ports, Loopback: loopback,
			Say: func(format string, args ...any) { GinkgoWriter.Printf(name+": "+format+"\n", args...) },
		}
		Expect(os.MkdirAll(k.Dir, 0o755)).To(Succeed())
		kubelets[name] = k
		done := make(chan struct{})
		ended = append(ended, done)
		go func() {
			defer GinkgoRecover()
			defer close(done)
			Expect(k.Run(ctx)).To(Succeed())
		}()
	}
	DeferCleanup(func() {
		stop()
		for _, done := range ended {
			<-done
		}
	})
}

// loopback is all that the suite changes about how programs are run: the tests' servers listen on loopback only.
func loopback(container string, address func(port string) string) []string {
	if container == component.APIServer {
		host, port, _ := strings.Cut(address("https"), ":")
		return []string{"--bind-address=" + host, "--secure-port=" + port}
	}
	return []string{"--metrics-bind-address=" + address("metrics"), "--health-probe-bind-address=" + address("health")}
}

// imageFiles is a directory with what the Dockerfile puts into the image.
func imageFiles() string {
	GinkgoHelper()
	image := playground.Root.Run("image")
	Expect(os.MkdirAll(image, 0o755)).To(Succeed())
	for _, program := range []string{component.APIServer, component.Agent} {
		copyFile(source.Path("bin", "image", program), filepath.Join(image, program), 0o755)
	}
	certificates := filepath.Join(image, "etc/ssl/certs/ca-certificates.crt")
	Expect(os.MkdirAll(filepath.Dir(certificates), 0o755)).To(Succeed())
	copyFile("/etc/ssl/certs/ca-certificates.crt", certificates, 0o644)
	return image
}

func copyFile(from, to string, mode os.FileMode) {
	GinkgoHelper()
	content, err := os.ReadFile(from)
	Expect(err).NotTo(HaveOccurred())
	Expect(os.WriteFile(to, content, mode)).To(Succeed())
}

func writeFile(path, content string) {
	GinkgoHelper()
	Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
	Expect(os.WriteFile(path, []byte(content), 0o644)).To(Succeed())
}

// kubeconfig is one with a context for each cluster, of its administrator.
func kubeconfig() (string, error) {
	path := playground.Root.Run("all.kubeconfig")
	all := clientcmdapi.NewConfig()
	for _, name := range allClusters {
		one, err := clientcmd.LoadFromFile(playground.Root.Kubeconfig(name))
		if err != nil {
			return "", err
		}
		context := one.Contexts[one.CurrentContext]
		all.Clusters[name], all.AuthInfos[name] = one.Clusters[context.Cluster], one.AuthInfos[context.AuthInfo]
		all.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	}
	return path, clientcmd.WriteToFile(*all, path)
}

// shell runs a command as a person would who has the contexts hub, dr1 and dr2, in the directory of artifacts.
func shell(ctx context.Context, command string) (string, error) {
	contexts, err := kubeconfig()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "bash", "-o", "errexit", "-o", "pipefail", "-c", command)
	cmd.Dir = string(playground.Root)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+contexts, "PATH="+playground.Root.Path("bin")+":"+os.Getenv("PATH"))
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return output.String(), fmt.Errorf("%s: %w\n%s", command, err, output.String())
	}
	return output.String(), nil
}

func kubectl(ctx context.Context, words ...string) (string, error) {
	return shell(ctx, "kubectl '"+strings.Join(words, "' '")+"'")
}
