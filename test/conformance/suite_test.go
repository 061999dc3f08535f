// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package conformance says that whatever works with a built-in resource works with those of dr.ramen.io, and tries it
// through the hub's kube-apiserver. The kinds are rows of one table, in kinds_test.go; each spec is tried with every row
// it is about. A playground that is up is used; otherwise the suite boots its hub and, unless E2E_KEEP is set, takes it
// down again. Controllers and agents run and write too: what a spec expects is true all the same.
package conformance

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/metadata"
	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

const (
	// bootTimeout is how long the hub may take to boot.
	bootTimeout = 3 * time.Minute
	// specTimeout is how long one spec may take, and await how long it waits for one thing.
	specTimeout = 2 * time.Minute
	await       = time.Minute
)

// What the specs of one process share.
var (
	playground *framework.Playground
	hub        *framework.Identity
	metadatas  metadata.Interface
	// namespace is where namespaced objects are. Its name is that of no namespace on the managed clusters.
	namespace string
)

// What all processes share: a policy that cannot be used, so that nothing is done about the placements that name it.
const (
	policy = "conformance"
	east   = "conformance-east"
	west   = "conformance-west"
	// noBucket is a profile of the playground that works for nobody.
	noBucket = "s3-without-bucket"
)

// booted says that this suite has booted the hub. Only the process that did so knows.
var booted bool

func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a playground")
	}
	RegisterFailHandler(Fail)
	klog.SetLogger(GinkgoLogr)
	RunSpecs(t, "dr.ramen.io conformance")
}

var _ = SynchronizedBeforeSuite(func(ctx SpecContext) []byte {
	booting, err := framework.Find()
	Expect(err).NotTo(HaveOccurred())
	booted, err = booting.Boot(ctx, "--hub-only")
	Expect(err).NotTo(HaveOccurred())
	connect(ctx)
	Expect(makeShared(ctx)).To(Succeed())
	pages, err := json.Marshal(makeOldPages(ctx))
	Expect(err).NotTo(HaveOccurred())
	// A server that was started since does not have in its memory what its store has forgotten.
	Expect(playground.Do(ctx, "kill", "apiserver")).To(Succeed())
	Expect(playground.Do(ctx, "start", "apiserver")).To(Succeed())
	return pages
}, func(ctx SpecContext, pages []byte) {
	if playground == nil {
		connect(ctx)
	}
	Expect(json.Unmarshal(pages, &oldPages)).To(Succeed())
}, NodeTimeout(bootTimeout))

var _ = SynchronizedAfterSuite(func(ctx SpecContext) {
	if namespace == "" {
		return
	}
	Expect(os.RemoveAll(discoveryCache)).To(Succeed())
	Expect(hub.Kube.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})).To(Succeed())
}, func(ctx SpecContext) {
	if booted && os.Getenv("E2E_KEEP") == "" {
		Expect(playground.Do(ctx, "down")).To(Succeed())
	}
}, NodeTimeout(bootTimeout))

// connect makes what the specs of a process share.
func connect(ctx context.Context) {
	GinkgoHelper()
	var err error
	playground, err = framework.Find()
	Expect(err).NotTo(HaveOccurred())
	Expect(playground.Connect()).To(Succeed())
	hub = playground.Hub
	metadatas, err = metadata.NewForConfig(hub.Config)
	Expect(err).NotTo(HaveOccurred())
	namespace = newNamespace(ctx)
}

// makeShared makes the policy and its clusters. What a former run left is as good.
func makeShared(ctx context.Context) error {
	api := hub.DR.DrV1alpha1()
	for _, name := range []string{east, west} {
		cluster := &v1alpha1.DRCluster{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.DRClusterSpec{S3ProfileName: "s3-dr1"}}
		if _, err := api.DRClusters().Create(ctx, cluster, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	_, err := api.DRPolicies().Create(ctx, &v1alpha1.DRPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: policy},
		Spec:       v1alpha1.DRPolicySpec{DRClusters: []string{east, west}, SchedulingInterval: "1m"},
	}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// newNamespace makes a namespace.
func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	made, err := hub.Kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "conformance-"},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	return made.Name
}

// unique returns a name that no other spec uses, and that every kind can have.
func unique() string {
	return "c-" + utilrand.String(8)
}
