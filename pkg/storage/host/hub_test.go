// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/storage/etcd3"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// hub is an etcd and a kube-apiserver with the CustomResourceDefinition that this project ships. There is none with -short.
type testHub struct {
	*envtest.Environment
	etcd *clientv3.Client
}

var hub *testHub

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		os.Exit(m.Run())
	}
	os.Exit(func() int {
		var err error
		if hub, err = startHub(); err != nil {
			fmt.Fprintln(os.Stderr, "starting a hub (make tools builds what it consists of):", err)
			return 1
		}
		defer hub.stop()
		return m.Run()
	}())
}

func startHub() (*testHub, error) {
	const root = "../../.."
	h := &testHub{Environment: &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join(root, "artifacts/hub/storage/host/records/customresourcedefinition.yaml")},
		ErrorIfCRDPathMissing: true,
	}}
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		h.BinaryAssetsDirectory = filepath.Join(root, "bin/tools")
	}
	// It writes nothing by itself: some tests count revisions.
	h.ControlPlane.GetAPIServer().Configure().
		Set("endpoint-reconciler-type", "none").
		Set("feature-gates", "APIServerIdentity=false,UnknownVersionInteroperabilityProxy=false")
	if _, err := h.Start(); err != nil {
		return nil, err
	}
	var err error
	h.etcd, err = clientv3.New(clientv3.Config{Endpoints: []string{h.ControlPlane.Etcd.URL.String()}})
	if err != nil {
		h.stop()
	}
	return h, err
}

func (h *testHub) stop() {
	if h.etcd != nil {
		_ = h.etcd.Close()
	}
	if err := h.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping the hub:", err)
	}
}

// advance makes the revision one higher.
func (h *testHub) advance(ctx context.Context, tb testing.TB) int64 {
	answer, err := h.etcd.Put(ctx, "elsewhere", "something")
	if err != nil {
		tb.Fatal(err)
	}
	return answer.Header.Revision
}

// compact returns when the kube-apiserver knows that what was before the revision is forgotten.
func (h *testHub) compact(ctx context.Context, t *testing.T, client *Client, resourceVersion string) {
	revision, err := versioner.ParseResourceVersion(resourceVersion)
	if err != nil {
		t.Fatal(err)
	}
	// As the kube-apiserver itself does it, which else would not notice.
	for version, compacted := int64(0), int64(0); compacted != int64(revision); {
		if version, _, compacted, err = etcd3.Compact(ctx, h.etcd, version, int64(revision)); err != nil {
			t.Fatal(err)
		}
	}
	before := metav1.ListOptions{
		ResourceVersion: fmt.Sprint(revision - 1), ResourceVersionMatch: metav1.ResourceVersionMatchExact,
	}
	if err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		_, err := client.list(ctx, before)
		return expired(err), nil
	}); err != nil {
		t.Fatalf("the hub does not forget: %v", err)
	}
}

var namespaces atomic.Int32

// newClient returns a client whose records are in a namespace of the test's own.
func (h *testHub) newClient(tb testing.TB) *Client {
	if h == nil {
		tb.Skip("needs a hub")
	}
	name := fmt.Sprintf("store-%d", namespaces.Add(1))
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := kubernetes.NewForConfigOrDie(h.Config).CoreV1().Namespaces().Create(tb.Context(), namespace, metav1.CreateOptions{}); err != nil {
		tb.Fatal(err)
	}
	client, err := NewClient(h.Config, name)
	if err != nil {
		tb.Fatal(err)
	}
	return client
}
