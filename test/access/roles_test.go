// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/pkg/admission/plugin/policyuse"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/access/document"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// Columns of the matrix that are no roles.
const (
	notSignedIn = "not signed in"
	signedIn    = "signed in"
)

var (
	rolesTable  = must(page.Table("Roles"))
	matrixTable = must(page.Table("Matrix"))
	matrix      = must(matrixTable.Matrix())
)

// subject is somebody with what the page lets them do.
type subject struct {
	// clusterRole is bound to them; none if empty.
	clusterRole string
	everywhere  bool
	// columns of the matrix that are theirs, within the namespace of the binding unless it is bound everywhere.
	columns []string
}

// subjects are those with a column in the matrix, and the holders of the roles that ours are part of.
func subjects() map[string]subject {
	all := map[string]subject{notSignedIn: {}, signedIn: {}}
	for _, role := range rolesTable.Rows {
		all[role] = subject{
			clusterRole: rolesTable.Cell(role, "ClusterRole"),
			everywhere:  rolesTable.Cell(role, "bound in a") == "cluster",
			columns:     []string{role},
		}
		for _, whole := range strings.Split(rolesTable.Cell(role, "part of"), ", ") {
			if whole != "–" {
				name := "Kubernetes' " + whole
				all[name] = subject{clusterRole: whole, columns: append(all[name].columns, role)}
			}
		}
	}
	return all
}

// may says what the page says.
func (s subject) may(name string, c call, bound string) bool {
	if name == notSignedIn {
		return matrix.Allows(notSignedIn, c.resource.name, c.verb)
	}
	if matrix.Allows(signedIn, c.resource.name, c.verb) {
		return true
	}
	return (s.everywhere || c.namespace == bound) && slices.ContainsFunc(s.columns, func(column string) bool {
		return matrix.Allows(column, c.resource.name, c.verb)
	})
}

// calls are every verb on every resource in the namespaces.
func calls(resources []resource, namespaces ...string) []call {
	var all []call
	for _, r := range resources {
		for _, verb := range document.Verbs {
			for _, namespace := range namespaces {
				all = append(all, call{verb: verb, resource: r, namespace: namespace, name: "probe"})
			}
		}
	}
	return all
}

var _ = Describe("The matrix of permissions", func() {
	It("has a row for every resource and a column for every role", func(SpecContext) {
		var names []string
		for _, r := range served() {
			names = append(names, r.name)
		}
		Expect(matrixTable.Rows).To(ConsistOf(names))
		Expect(matrixTable.Columns).To(ConsistOf(append([]string{notSignedIn, signedIn}, rolesTable.Rows...)))
	}, SpecTimeout(specTimeout))

	for name, s := range subjects() {
		It("is what "+name+" may do, no more and no less", func(ctx SpecContext) {
			bound := newNamespace(ctx)
			user, groups := identity(ctx, name, s, bound)
			By("asking the hub about every verb on every resource in every namespace")
			Expect(differences(calls(served(), bound, bound+"-other", ""), func(c call) (string, error) {
				return review(ctx, c, user, groups, s.may(name, c, bound))
			})).To(BeEmpty())
			for _, way := range bothWays(ctx, credentials(name, user, groups)) {
				By("requesting it " + way.server)
				Expect(differences(calls(served(), bound), func(c call) (string, error) {
					return try(ctx, way, c, s.may(name, c, bound))
				})).To(BeEmpty())
			}
		}, SpecTimeout(specTimeout))
	}

	It("lets a role fail over and neither relocate, abort nor change", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		user := "on-call-" + namespace
		applyRecipe(ctx, "Only failovers", namespace)
		bindIn(ctx, namespace, user, "Role", "on-call")
		groups := []string{"system:authenticated"}
		may := func(c call) bool {
			return matrix.Allows(signedIn, c.resource.name, c.verb) ||
				c.resource.name == "drplacementcontrols/failover" && c.verb == "create" && c.namespace == namespace
		}
		awaitPermission(ctx, call{verb: "create", resource: resource{name: "drplacementcontrols/failover", namespaced: true}, namespace: namespace}, user, groups)
		for subresource, answer := range map[string]string{"failover": "yes", "relocate": "no"} {
			Expect(canI(ctx, user, namespace, subresource)).To(Equal(answer), subresource)
		}
		for _, way := range bothWays(ctx, impersonating(user, groups...)) {
			Expect(differences(calls(served(), namespace, "default"), func(c call) (string, error) {
				return try(ctx, way, c, may(c))
			})).To(BeEmpty())
		}
	}, SpecTimeout(specTimeout))
})

var _ = Describe("The use of a DRPolicy", func() {
	It("is a permission besides that to make a DRPlacementControl, and can be given for one policy", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		user := "editor-" + namespace
		bindIn(ctx, namespace, user, "ClusterRole", "dr-editor")
		editor, err := playground.Hub.As(user)
		Expect(err).NotTo(HaveOccurred())
		protect := func() error {
			placements := editor.DR.DrV1alpha1().DRPlacementControls(namespace)
			_, err := placements.Create(ctx, framework.Placement(namespace, "shop"), dryRun)
			return err
		}
		Eventually(protect).WithContext(ctx).Should(MatchError(ContainSubstring("may not use that DRPolicy in namespace " + namespace)))
		applyRecipe(ctx, "Some policies only", namespace)
		bindIn(ctx, namespace, user, "Role", "gold-user")
		By("waiting until dr-apiserver no longer remembers what the hub said before")
		Eventually(protect).WithContext(ctx).Should(Succeed())
	}, SpecTimeout(specTimeout))
})

var _ = Describe("A DRPlacementControl", func() {
	It("reaches into no namespace in which its writer may not make one", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		user := "tenant-" + namespace
		bindIn(ctx, namespace, user, "ClusterRole", "edit")
		tenant, err := playground.Hub.As(user)
		Expect(err).NotTo(HaveOccurred())
		for _, options := range bothKinds {
			Eventually(func() error {
				placement := framework.Placement(namespace, "shop")
				placement.Spec.ProtectedNamespaces = []string{"default"}
				_, err := tenant.DR.DrV1alpha1().DRPlacementControls(namespace).Create(ctx, placement, options)
				return err
			}).WithContext(ctx).Should(MatchError(ContainSubstring("may not create drplacementcontrols in that namespace")))
		}
	}, SpecTimeout(specTimeout))
})

// identity gives a user of the spec's own the role of the subject.
func identity(ctx context.Context, name string, s subject, namespace string) (user string, groups []string) {
	GinkgoHelper()
	if name == notSignedIn {
		return "system:anonymous", []string{"system:unauthenticated"}
	}
	user, groups = "user-"+namespace, []string{"system:authenticated"}
	switch {
	case s.clusterRole == "":
		return user, groups
	case s.everywhere:
		bindEverywhere(ctx, user, s.clusterRole)
	default:
		bindIn(ctx, namespace, user, "ClusterRole", s.clusterRole)
	}
	for _, c := range calls(served(), namespace) {
		if s.may(name, c, namespace) && !matrix.Allows(signedIn, c.resource.name, c.verb) {
			awaitPermission(ctx, c, user, groups)
			break
		}
	}
	return user, groups
}

// canI asks as the page says.
func canI(ctx context.Context, user, namespace, subresource string) string {
	// kubectl says no with an exit status too.
	output, _ := playground.Run(ctx, "kubectl", "auth", "can-i", "create", "drplacementcontrols", "--subresource="+subresource,
		"--namespace="+namespace, "--as="+user, "--kubeconfig="+playground.Root.Kubeconfig(framework.Hub))
	return strings.TrimSpace(string(output))
}

// credentials are those of the user; who is not signed in has none.
func credentials(name, user string, groups []string) *rest.Config {
	if name == notSignedIn {
		return withoutCredentials()
	}
	return impersonating(user, groups...)
}

// awaitPermission waits until the hub knows of a binding.
func awaitPermission(ctx context.Context, c call, user string, groups []string) {
	GinkgoHelper()
	Eventually(func() (string, error) { return review(ctx, c, user, groups, true) }).WithContext(ctx).Should(BeEmpty())
}

// differences tries the calls, several at a time, and returns what is otherwise than expected.
func differences(calls []call, try func(call) (string, error)) ([]string, error) {
	found := make([]string, len(calls))
	group := errgroup.Group{}
	group.SetLimit(8)
	for i, c := range calls {
		group.Go(func() (err error) {
			found[i], err = try(c)
			return err
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(found, func(s string) bool { return s == "" }), err
}

// review asks the hub whether the user may do what the call does, and says if the answer is otherwise than expected.
func review(ctx context.Context, c call, user string, groups []string, expected bool) (string, error) {
	main, sub := c.resource.split()
	attributes := &authorizationv1.ResourceAttributes{
		Group: v1alpha1.GroupName, Version: v1alpha1.SchemeGroupVersion.Version, Resource: main, Subresource: sub,
		Verb: c.verb, Name: c.name,
	}
	if c.resource.namespaced || c.verb == policyuse.Verb {
		attributes.Namespace = c.namespace
	}
	asked, err := playground.Hub.Kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{User: user, Groups: groups, ResourceAttributes: attributes},
	}, metav1.CreateOptions{})
	if err != nil || asked.Status.Allowed == expected {
		return "", err
	}
	return fmt.Sprintf("%s: allowed is %v, the page says %v (%s)", c, asked.Status.Allowed, expected, asked.Status.Reason), nil
}

// try sends the call and says if it is authorized otherwise than expected. What becomes of it after that does not matter.
func try(ctx context.Context, way caller, c call, expected bool) (string, error) {
	if !c.expressible() {
		return "", nil
	}
	c.body = map[string]any{}
	a, err := way.send(ctx, c)
	if err != nil || a.notAuthorized(c.verb) != expected {
		return "", err
	}
	return fmt.Sprintf("%s %s: the answer is %s, the page says allowed is %v", c, way.server, a, expected), nil
}
