// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package lifetime

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

// hold is a finalizer that nobody but a spec takes off.
const hold = "lifetime.test/hold"

// quiet is a server whose controllers do not touch what a spec makes.
var quiet = []string{"--enable-controllers=false"}

var _ = Describe("A namespace with objects of the API", func() {
	It("goes, and they with it, also if the server is killed in the middle and comes back", func(ctx SpecContext) {
		s := embedded(ctx, quiet...)
		namespace := newNamespace(ctx)
		groups := s.direct().DR.DrV1alpha1().VolumeReplicationGroups(namespace)
		group := createGroup(ctx, s, namespace, hold)
		Expect(hub.Kube.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})).To(Succeed())
		Eventually(ctx, func() (*metav1.Time, error) {
			held, err := groups.Get(ctx, group.Name, metav1.GetOptions{})
			if err != nil {
				return nil, err
			}
			return held.DeletionTimestamp, nil
		}).ShouldNot(BeNil())
		s.Stop()
		Eventually(ctx, func() (string, error) { return condition(ctx, namespace, corev1.NamespaceDeletionDiscoveryFailure) }).Should(Equal("True"))
		Expect(s.Start(ctx)).To(Succeed())
		announce(ctx, hub.CA)
		release(ctx, s, group)
		itGoes(ctx, namespace)
		left, err := s.direct().DR.DrV1alpha1().VolumeReplicationGroups(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(left.Items).To(BeEmpty())
	}, SpecTimeout(specTimeout))

	It("goes when the API is uninstalled in order, and so do the API's own", func(ctx SpecContext) {
		DeferCleanup(func(ctx SpecContext) {
			Expect(hub.apply(ctx, "artifacts/hub/rbac")).To(Succeed())
			Expect(hub.signIn(ctx)).To(Succeed())
		}, NodeTimeout(soon))
		s := embedded(ctx, quiet...)
		namespace := newNamespace(ctx)
		createGroup(ctx, s, namespace, hold)
		placement := createPlacement(ctx, s, namespace)
		By("being refused while an application is protected")
		Expect(uninstall(ctx)).To(MatchError(ContainSubstring("Delete their DRPlacementControls first")))
		awaitAnswer(ctx)
		Expect(s.direct().DR.DrV1alpha1().DRPlacementControls(namespace).Delete(ctx, placement, metav1.DeleteOptions{})).To(Succeed())
		uninstalled := make(chan error, 1)
		go func() { uninstalled <- uninstall(ctx) }()
		Eventually(ctx, func() bool {
			_, err := hub.Dynamic.Resource(apiServices).Get(ctx, apiServiceName, metav1.GetOptions{})
			return apierrors.IsNotFound(err)
		}).Should(BeTrue())
		s.Stop()
		Expect(hub.Kube.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})).To(Succeed())
		itGoes(ctx, namespace)
		Expect(<-uninstalled).To(Succeed())
	}, SpecTimeout(specTimeout))

	It("stays while the API is announced and does not answer, says so, and goes once the APIService is deleted", func(ctx SpecContext) {
		s := embedded(ctx, quiet...)
		namespace := newNamespace(ctx)
		createGroup(ctx, s, namespace)
		s.Stop()
		Expect(hub.Kube.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})).To(Succeed())
		Eventually(ctx, func() (string, error) { return condition(ctx, namespace, corev1.NamespaceDeletionDiscoveryFailure) }).Should(Equal("True"))
		unannounce(ctx)
		itGoes(ctx, namespace)
	}, SpecTimeout(specTimeout))
})

func createGroup(ctx context.Context, s *server, namespace string, finalizers ...string) *v1alpha1.VolumeReplicationGroup {
	GinkgoHelper()
	group := builder.VRG(namespace, "shop", "dr1").Primary(1, "").Obj()
	group.Finalizers = finalizers
	group, err := s.direct().DR.DrV1alpha1().VolumeReplicationGroups(namespace).Create(ctx, group, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	return group
}

func createPlacement(ctx context.Context, s *server, namespace string) string {
	GinkgoHelper()
	api := s.direct().DR.DrV1alpha1()
	for _, name := range []string{"dr1", "dr2"} {
		cluster := builder.DRCluster(name).Obj()
		cluster.Spec.S3ProfileName = profile
		_, err := api.DRClusters().Create(ctx, cluster, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
	}
	_, err := api.DRPolicies().Create(ctx, builder.DRPolicy("policy").Clusters("dr1", "dr2").Obj(), metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	placement, err := api.DRPlacementControls(namespace).Create(ctx,
		builder.DRPC(namespace, "shop").Policy("policy").Preferred("dr1").Obj(), metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	return placement.Name
}

func release(ctx context.Context, s *server, group *v1alpha1.VolumeReplicationGroup) {
	GinkgoHelper()
	groups := s.direct().DR.DrV1alpha1().VolumeReplicationGroups(group.Namespace)
	group, err := groups.Get(ctx, group.Name, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	group.Finalizers = nil
	_, err = groups.Update(ctx, group, metav1.UpdateOptions{})
	Expect(err).NotTo(HaveOccurred())
}

// condition is the status of a namespace's condition, empty if it has none.
func condition(ctx context.Context, namespace string, of corev1.NamespaceConditionType) (string, error) {
	held, err := hub.Kube.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	for _, condition := range held.Status.Conditions {
		if condition.Type == of {
			return string(condition.Status), nil
		}
	}
	return "", nil
}

// itGoes waits until the namespace is gone. Its controller looks at it the later the more often it failed; a change makes it
// look soon.
func itGoes(ctx context.Context, namespace string) {
	GinkgoHelper()
	touch := []byte(`{"metadata":{"annotations":{"lifetime/touched":"true"}}}`)
	_, err := hub.Kube.CoreV1().Namespaces().Patch(ctx, namespace, types.MergePatchType, touch, metav1.PatchOptions{})
	Expect(err == nil || apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)
	Eventually(ctx, func() bool {
		_, err := hub.Kube.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	}).Should(BeTrue(), "namespace "+namespace+" goes")
}

// uninstall does what an administrator is told to.
func uninstall(ctx context.Context) error {
	command := exec.CommandContext(ctx, hub.Root.Path("hack", "uninstall.sh"), hub.Root.Path("artifacts", "hub", "overlays", "embedded"))
	command.Env = append(os.Environ(), "KUBECTL="+hub.Root.Program("kubectl")+" --kubeconfig="+hub.Kubeconfig())
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("hack/uninstall.sh: %w\n%s", err, output)
	}
	return nil
}
