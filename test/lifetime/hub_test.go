// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package lifetime

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/layout"
	"github.com/ramendr/dr-apiserver/test/playground/network"
	"github.com/ramendr/dr-apiserver/test/playground/objects"
	"github.com/ramendr/dr-apiserver/test/playground/pki"
	"github.com/ramendr/dr-apiserver/test/playground/process"
)

const (
	hubName = "hub"
	// storeName names the etcd that is dr-apiserver's with --storage=etcd.
	storeName = "store"
	// serviceName is the port of what a Service does for its endpoints.
	serviceName = "service"
	// apiServiceName is that of the APIService.
	apiServiceName = "v1alpha1.dr.ramen.io"
)

// serverNames are those of the servers that a spec may start.
var serverNames = []string{"dr-apiserver-a", "dr-apiserver-b", "dr-apiserver-c"}

// profile is an object store that DRClusters may name; nothing here uses it.
const (
	profile     = "s3"
	ramenConfig = `
s3StoreProfiles:
- s3ProfileName: ` + profile + `
  s3Bucket: nobody-made-this-bucket
  s3CompatibleEndpoint: http://127.0.0.1:1
  s3SecretRef: {name: s3, namespace: dr-system}
`
)

// testHub is the control plane of a hub.
type testHub struct {
	component.Cluster
	// Identity is the admin's.
	*framework.Identity
	ports                              *network.Ports
	store                              component.Cluster
	etcd, apiServer, controllerManager *process.Process
	service                            *service
}

// newHub prepares a directory as a playground has one, with the source tree's programs and manifests.
func newHub() (*testHub, error) {
	source, err := framework.Find()
	if err != nil {
		return nil, err
	}
	directory, err := os.MkdirTemp("", "lifetime")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"bin", "artifacts", "hack"} {
		if err := os.Symlink(source.Root.Path(name), filepath.Join(directory, name)); err != nil {
			return nil, err
		}
	}
	root := layout.Root(directory)
	h := &testHub{ports: network.NewPorts(nil, func(map[string]int) error { return nil })}
	names := append(component.PortNames(hubName, false), storeName+"/etcd", storeName+"/etcd-peer", hubName+"/"+serviceName)
	for _, server := range serverNames {
		names = append(names, hubName+"/"+server)
	}
	if err := h.ports.Reserve(names...); err != nil {
		return nil, err
	}
	h.Cluster = component.Cluster{Root: root, Name: hubName, Ports: h.ports}
	h.store = component.Cluster{Root: root, Name: storeName, Ports: h.ports}
	return h, h.prepare()
}

// prepare makes the files that the hub's programs read.
func (h *testHub) prepare() error {
	subjects := h.Certificates()
	subjects[component.APIServer] = component.DRAPIServerCertificate()
	if err := h.PKI().Ensure(subjects); err != nil {
		return err
	}
	var err error
	if h.CA, err = h.PKI().CA(); err != nil {
		return err
	}
	admin, err := h.PKI().Pair("admin")
	if err != nil {
		return err
	}
	if err := (pki.Kubeconfig{Cluster: hubName, Server: h.Cluster.APIServer(), CA: h.CA, User: "admin", Pair: admin}).Write(h.Kubeconfig()); err != nil {
		return err
	}
	if err := os.WriteFile(h.RamenConfig(), []byte(ramenConfig), 0o600); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", h.Kubeconfig())
	if err != nil {
		return err
	}
	h.Identity, err = framework.NewIdentity(config)
	return err
}

// boot starts the control plane and installs all but the server.
func (h *testHub) boot(ctx context.Context) error {
	h.etcd, h.apiServer = process.New(h.Etcd()), process.New(h.KubeAPIServer())
	h.controllerManager = process.New(h.KubeControllerManager(false))
	for _, p := range []*process.Process{h.etcd, h.apiServer, h.controllerManager} {
		if err := p.Start(ctx); err != nil {
			return err
		}
	}
	var err error
	if h.service, err = newService(h.Address(serviceName)); err != nil {
		return err
	}
	if err := h.apply(ctx, "artifacts/hub/rbac"); err != nil {
		return err
	}
	return h.signIn(ctx)
}

// signIn gives the servers the identity that they have when they are installed.
func (h *testHub) signIn(ctx context.Context) error {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To[int64](24 * 3600)}}
	token, err := h.Kube.CoreV1().ServiceAccounts(component.SystemNamespace).CreateToken(ctx, component.APIServer, request, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return pki.Kubeconfig{
		Cluster: hubName, Server: h.Cluster.APIServer(), CA: h.CA, User: component.APIServer, Token: token.Status.Token,
	}.Write(h.ProgramKubeconfig(component.APIServer))
}

// remove ends everything and removes every trace.
func (h *testHub) remove() {
	if h.service != nil {
		h.service.close()
	}
	for _, p := range []*process.Process{h.controllerManager, h.apiServer, h.etcd} {
		if p != nil {
			p.Stop()
		}
	}
	if os.Getenv("LIFETIME_KEEP") == "" {
		_ = os.RemoveAll(string(h.Root))
	}
}

// apply applies what this project ships for an administrator to apply.
func (h *testHub) apply(ctx context.Context, kustomization string) error {
	manifests, err := h.kubectl(ctx, "kustomize", h.Root.Path(kustomization))
	if err != nil {
		return err
	}
	all, err := objects.Decode(bytes.NewReader(manifests))
	if err != nil {
		return err
	}
	return h.applyObjects(ctx, all...)
}

func (h *testHub) applyObjects(ctx context.Context, all ...*unstructured.Unstructured) error {
	applier, err := objects.NewApplier(h.Config)
	if err != nil {
		return err
	}
	return applier.Apply(ctx, all)
}

func (h *testHub) kubectl(ctx context.Context, words ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, h.Root.Program("kubectl"), append([]string{"--kubeconfig=" + h.Kubeconfig()}, words...)...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return output, fmt.Errorf("kubectl %v: %w\n%s%s", words, err, output, stderr.Bytes())
	}
	return output, nil
}

var apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}
