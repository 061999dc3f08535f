// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package lifetime

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/objects"
	"github.com/ramendr/dr-apiserver/test/playground/process"
)

// server is one dr-apiserver.
type server struct {
	*process.Process
	address string
	leave   func()
}

// newServer is a server that is not started yet. It ends with the spec.
func newServer(name string, flags ...string) *server {
	GinkgoHelper()
	spec := hub.DRAPIServer()
	s := &server{address: hub.Address(name)}
	_, port, err := net.SplitHostPort(s.address)
	Expect(err).NotTo(HaveOccurred())
	number, err := strconv.Atoi(port)
	Expect(err).NotTo(HaveOccurred())
	spec.Name, spec.Ports, spec.Log = name, []int{number}, hub.Root.Log(hubName, name)
	spec.Args = append(append(spec.Args, "--secure-port="+port, "--data-dir="+hub.Dir(name)), flags...)
	spec.Ready = func(ctx context.Context) error {
		code, body, err := probe(ctx, s.address, "/readyz")
		switch {
		case err != nil:
			return err
		case code != http.StatusOK:
			return fmt.Errorf("it is not ready:\n%s", body)
		case !hub.service.leadsTo(s.address):
			return errors.New("the service does not lead to it yet")
		}
		return nil
	}
	s.Process = process.New(spec)
	s.leave = hub.service.add(s.address)
	DeferCleanup(func() {
		s.leave()
		s.Stop()
		if CurrentSpecReport().Failed() {
			content, _ := os.ReadFile(spec.Log)
			AddReportEntry("log of "+name, string(content[max(0, len(content)-20000):]), ReportEntryVisibilityFailureOrVerbose)
		}
		_ = os.Remove(spec.Log)
		_ = os.RemoveAll(hub.Dir(name))
	})
	return s
}

// embedded is a server with a store of its own, ready and announced.
func embedded(ctx context.Context, flags ...string) *server {
	GinkgoHelper()
	s := newServer(serverNames[0], flags...)
	Expect(s.Start(ctx)).To(Succeed())
	announce(ctx, hub.CA)
	return s
}

// shared is a store for several servers and the flags with which they use it.
func shared(ctx context.Context) (store *process.Process, flags []string) {
	GinkgoHelper()
	store = process.New(hub.store.Etcd())
	Expect(store.Start(ctx)).To(Succeed())
	leases := hub.Kube.CoordinationV1().Leases(component.SystemNamespace)
	DeferCleanup(func(ctx SpecContext) {
		store.Stop()
		_ = os.RemoveAll(hub.store.Dir())
		err := leases.Delete(ctx, leaseName, metav1.DeleteOptions{})
		Expect(err == nil || apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)
	}, NodeTimeout(soon))
	return store, []string{"--storage=etcd", "--etcd-servers=http://" + hub.store.Address(component.Etcd)}
}

// check asks a server a question of health.
func (s *server) check(ctx context.Context, path string) (int, string) {
	code, body, err := probe(ctx, s.address, path)
	if err != nil {
		return 0, err.Error()
	}
	return code, body
}

// direct is the admin's way to the server past the hub's kube-apiserver.
func (s *server) direct() *framework.Identity {
	GinkgoHelper()
	config := rest.CopyConfig(hub.Config)
	config.Host, config.CAData, config.Insecure = "https://"+s.address, nil, true
	identity, err := framework.NewIdentity(config)
	Expect(err).NotTo(HaveOccurred())
	return identity
}

// announce has the hub's kube-apiserver pass requests on, for the rest of the spec. Without a CA, it has yet to be told one.
func announce(ctx context.Context, ca []byte) {
	GinkgoHelper()
	_, port, err := net.SplitHostPort(hub.Address(serviceName))
	Expect(err).NotTo(HaveOccurred())
	manifests, err := objects.Render(announcement, map[string]any{
		"Port": port, "CA": base64.StdEncoding.EncodeToString(ca), "Now": time.Now().Format(time.RFC3339Nano),
	})
	Expect(err).NotTo(HaveOccurred())
	Expect(hub.applyObjects(ctx, manifests...)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { unannounce(ctx) }, NodeTimeout(soon))
	awaitAnswer(ctx)
}

// unannounce deletes the APIService, if it is there.
func unannounce(ctx context.Context) {
	GinkgoHelper()
	err := hub.Dynamic.Resource(apiServices).Delete(ctx, apiServiceName, metav1.DeleteOptions{})
	Expect(err == nil || apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)
}

// awaitAnswer waits until the API answers through the hub's kube-apiserver.
func awaitAnswer(ctx context.Context) {
	GinkgoHelper()
	Eventually(ctx, func() error {
		_, err := hub.DR.DrV1alpha1().DRClusters().List(ctx, metav1.ListOptions{})
		return err
	}).Should(Succeed())
}

// announcement leads to the service. The time makes the kube-apiserver look at once.
const announcement = `
apiVersion: v1
kind: Service
metadata:
  namespace: dr-system
  name: dr-apiserver
spec:
  type: ExternalName
  externalName: localhost
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  name: v1alpha1.dr.ramen.io
  annotations:
    lifetime/announced: {{.Now}}
spec:
  group: dr.ramen.io
  version: v1alpha1
  groupPriorityMinimum: 1000
  versionPriority: 10
  {{- if .CA}}
  caBundle: {{.CA}}
  {{- end}}
  service:
    namespace: dr-system
    name: dr-apiserver
    port: {{.Port}}
`
