// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package install

import (
	"context"
	"fmt"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/install/kubelet"
	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/network"
)

// serve has the cluster's kube-apiserver reach the pods of dr-apiserver, which the network of a real cluster would see to, and
// returns the patches of a kustomization that lead it there.
func serve(name string) string {
	GinkgoHelper()
	port := name + "/service"
	Expect(ports.Reserve(port)).To(Succeed())
	service, err := kubelet.NewService(network.Address(ports.Get(port)), func() []string {
		return kubelets[name].Ready(component.APIServer, "https")
	})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(service.Close)
	return fmt.Sprintf(`patches:
- target: {kind: Service, name: dr-apiserver}
  patch: '[{"op": "replace", "path": "/spec", "value": {"type": "ExternalName", "externalName": "localhost"}}]'
- target: {kind: APIService}
  patch: '[{"op": "replace", "path": "/spec/service/port", "value": %d}]'
`, ports.Get(port))
}

// site puts what this site has in the place of what the documentation takes for an example.
func site(ctx context.Context, text string) string {
	GinkgoHelper()
	status, err := playground.Status(ctx)
	Expect(err).NotTo(HaveOccurred())
	for _, process := range status.Processes {
		if process.Name == component.S3 {
			text = strings.ReplaceAll(text, "https://s3."+process.Cluster+".example", "http://"+network.Address(process.Port))
		}
	}
	// The storage simulator's class says so.
	return strings.ReplaceAll(text, "schedulingInterval: 5m", "schedulingInterval: 1m")
}

// writeKeys writes the files with the object stores' keys.
func writeKeys() {
	GinkgoHelper()
	for _, name := range []string{framework.DR1, framework.DR2} {
		secret, err := os.ReadFile(playground.Root.Run(name, "s3-secret-key"))
		Expect(err).NotTo(HaveOccurred())
		writeFile(playground.Root.Path("s3-"+name+".env"),
			fmt.Sprintf("AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n", component.Profile(name), secret))
	}
}
