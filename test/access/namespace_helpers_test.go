// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilrand "k8s.io/apimachinery/pkg/util/rand"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// newNamespace makes a namespace on the hub for the rest of the spec.
func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "access-" + utilrand.String(5)}}
	namespaces := playground.Hub.Kube.CoreV1().Namespaces()
	_, err := namespaces.Create(ctx, namespace, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) {
		err := namespaces.Delete(ctx, namespace.Name, metav1.DeleteOptions{})
		deleted := apierrors.IsNotFound(err) || apierrors.IsConflict(err)
		Expect(err == nil || deleted).To(BeTrue(), "%v", err)
	})
	return namespace.Name
}

// bindIn gives a user a role within a namespace.
func bindIn(ctx context.Context, namespace, user, kind, role string) {
	GinkgoHelper()
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user + "-" + role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: role},
	}
	_, err := playground.Hub.Kube.RbacV1().RoleBindings(namespace).Create(ctx, binding, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
}

// bindEverywhere gives a user a role for the rest of the spec.
func bindEverywhere(ctx context.Context, user, role string) {
	GinkgoHelper()
	bindings := playground.Hub.Kube.RbacV1().ClusterRoleBindings()
	_, err := bindings.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) {
		Expect(bindings.Delete(ctx, user, metav1.DeleteOptions{})).To(Succeed())
	})
}

// applyRecipe puts on the hub what the page recommends under a heading, for a namespace of the spec's own instead of the
// one in the page, and for the rest of the spec. Objects that are in no namespace get a name of their own too.
func applyRecipe(ctx context.Context, heading, namespace string) {
	GinkgoHelper()
	text, err := page.Manifests(heading)
	Expect(err).NotTo(HaveOccurred())
	text = strings.ReplaceAll(text, ": shop\n", ": "+namespace+"\n")
	for _, name := range []string{"failover-needs-a-reason", "placement-has-an-owner"} {
		text = strings.ReplaceAll(text, ": "+name+"\n", ": "+name+"-"+namespace+"\n")
	}
	apply(ctx, text)
}

// apply puts manifests on the hub, for the rest of the spec.
func apply(ctx context.Context, text string) {
	GinkgoHelper()
	file := filepath.Join(GinkgoT().TempDir(), "manifests.yaml")
	Expect(os.WriteFile(file, []byte(text), 0o600)).To(Succeed())
	kubectl := func(ctx context.Context, words ...string) {
		GinkgoHelper()
		_, err := playground.Run(ctx, "kubectl", append(words, "--filename="+file, "--kubeconfig="+playground.Root.Kubeconfig(framework.Hub))...)
		Expect(err).NotTo(HaveOccurred())
	}
	DeferCleanup(func(ctx SpecContext) { kubectl(ctx, "delete", "--ignore-not-found") })
	kubectl(ctx, "apply")
}
