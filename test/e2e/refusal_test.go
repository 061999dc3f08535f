// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var _ = Describe("A request is refused at once, with causes and nothing changed,", func() {
	It("for an unknown target, for the cluster it runs on, and for a healthy source without force", func(ctx SpecContext) {
		app := protected(ctx)
		before, err := app.Get(ctx)
		Expect(err).NotTo(HaveOccurred())

		_, err = app.Failover(ctx, v1alpha1.DRActionSpec{TargetCluster: "mars", Force: true})
		Expect(framework.RefusedOnly(err, http.StatusUnprocessableEntity, action.CheckTargetKnown)).To(Succeed())
		Expect(err).To(MatchError(ContainSubstring("mars")))
		_, err = app.Failover(ctx, v1alpha1.DRActionSpec{TargetCluster: framework.DR1, Force: true})
		Expect(framework.RefusedOnly(err, http.StatusUnprocessableEntity, action.CheckTargetNotCurrent)).To(Succeed())
		_, err = app.Relocate(ctx, v1alpha1.DRActionSpec{})
		Expect(framework.RefusedOnly(err, http.StatusUnprocessableEntity, action.CheckTargetNotCurrent)).To(Succeed(),
			"the default target of a relocate is the preferred cluster")
		_, err = app.Failover(ctx, v1alpha1.DRActionSpec{})
		Expect(framework.RefusedOnly(err, http.StatusConflict, action.CheckSourceUnhealthy)).To(Succeed())
		Expect(err).To(MatchError(ContainSubstring("force")))
		_, err = app.Abort(ctx)
		Expect(framework.RefusedOnly(err, http.StatusConflict, string(action.CauseNothingToAbort))).To(Succeed())

		after, err := app.Get(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(after.Status.Epoch).To(Equal(before.Status.Epoch))
		Expect(after.Status.CurrentAction).To(BeNil())
		Expect(actionsOf(ctx, app)).To(BeEmpty())
	}, SpecTimeout(specTimeout))

	It("for an application that was never protected", func(ctx SpecContext) {
		app := deployed(ctx)
		fault(ctx, app, "hang=ship")
		Expect(app.Protect(ctx)).To(Succeed())
		By("waiting until it is placed")
		_, err := app.Await(ctx, framework.Replication, framework.True[*v1alpha1.DRPlacementControl](v1alpha1.ConditionAvailable))
		Expect(err).NotTo(HaveOccurred())
		_, err = app.Failover(ctx, forced)
		Expect(framework.Refused(err, http.StatusConflict, action.CheckProtected)).To(Succeed())
		_, err = app.Relocate(ctx, toDR2)
		Expect(framework.Refused(err, http.StatusConflict, action.CheckProtected, action.CheckSourceProtected)).To(Succeed())
	}, SpecTimeout(specTimeout))

	It("for a copy older than twice the policy's interval, unless it is forced", func(ctx SpecContext) {
		app := protected(ctx)
		fault(ctx, app, "hang=ship")
		By("waiting until the copy is too old")
		Eventually(func(g Gomega, ctx context.Context) {
			_, err := app.Failover(ctx, toDR2)
			g.Expect(framework.Refused(err, http.StatusConflict, action.CheckCopyFresh)).To(Succeed())
		}).WithContext(ctx).WithTimeout(framework.Replication).WithPolling(framework.Soon / 20).Should(Succeed())
		plan, err := app.Failover(ctx, forced, framework.DryRun)
		Expect(err).NotTo(HaveOccurred())
		Expect(plan.Status.Checks).To(ContainElement(And(
			HaveField("Name", action.CheckCopyFresh), HaveField("Result", v1alpha1.CheckOverridden))))
		By("waiting until that shows")
		_, err = app.Await(ctx, framework.Soon, framework.False[*v1alpha1.DRPlacementControl](v1alpha1.ConditionProtected))
		Expect(err).NotTo(HaveOccurred())
	}, SpecTimeout(specTimeout))

	It("while another action is under way", func(ctx SpecContext) {
		app := protected(ctx)
		relocate, err := app.Relocate(ctx, toDR2)
		Expect(err).NotTo(HaveOccurred())
		_, err = app.Failover(ctx, forced)
		Expect(framework.Refused(err, http.StatusConflict, action.CheckNoActionInProgress)).To(Succeed())
		Expect(err).To(MatchError(ContainSubstring(relocate.Name)))
		_, err = app.Relocate(ctx, toDR2, framework.Named("another"))
		Expect(framework.Refused(err, http.StatusConflict, action.CheckNoActionInProgress)).To(Succeed())
		succeeded(ctx, app, relocate.Name)
		Expect(actionsOf(ctx, app)).To(ConsistOf(relocate.Name))
	}, SpecTimeout(specTimeout))

	It("to whoever was not granted the verb", func(ctx SpecContext) {
		app := deployed(ctx)
		Expect(app.Protect(ctx)).To(Succeed())
		By("asking as another tenant")
		stranger := app.As(playground.Tenant)
		_, err := stranger.Failover(ctx, forced)
		Expect(framework.Refused(err, http.StatusForbidden)).To(Succeed())
		_, err = stranger.Failover(ctx, forced, framework.DryRun)
		Expect(framework.Refused(err, http.StatusForbidden)).To(Succeed())
		_, err = stranger.Get(ctx)
		Expect(framework.Refused(err, http.StatusForbidden)).To(Succeed())

		By("asking as somebody who may view, and fail over, but not relocate or abort")
		operator := operatorOf(ctx, app)
		settled(ctx, operator, framework.DR1)
		_, err = operator.Relocate(ctx, toDR2)
		Expect(framework.Refused(err, http.StatusForbidden)).To(Succeed())
		_, err = operator.Abort(ctx)
		Expect(framework.Refused(err, http.StatusForbidden)).To(Succeed())
		Expect(operator.Placements().Delete(ctx, app.Name, metav1.DeleteOptions{})).NotTo(Succeed())
		plan, err := operator.Failover(ctx, forced, framework.DryRun)
		Expect(err).NotTo(HaveOccurred())
		Expect(plan.Spec.RequestedBy).To(Equal(operatorName(app)))
	}, SpecTimeout(specTimeout))
})

// actionsOf are the names of the application's DRActions.
func actionsOf(ctx context.Context, app *framework.App) []string {
	GinkgoHelper()
	list, err := app.Actions().List(ctx, metav1.ListOptions{})
	Expect(err).NotTo(HaveOccurred())
	names := []string{}
	for _, item := range list.Items {
		names = append(names, item.Name)
	}
	return names
}

func operatorName(app *framework.App) string {
	return "operator-of-" + app.Namespace
}

// operatorOf returns the application as somebody reaches it who may view DRPlacementControls in its namespace and fail
// them over, and nothing else.
func operatorOf(ctx context.Context, app *framework.App) *framework.App {
	GinkgoHelper()
	name := operatorName(app)
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: app.Namespace},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"drplacementcontrols"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"drplacementcontrols/failover"}, Verbs: []string{"create"}},
		},
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: app.Namespace},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
	}
	rbac := playground.Hub.Kube.RbacV1()
	_, err := rbac.Roles(app.Namespace).Create(ctx, role, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	_, err = rbac.RoleBindings(app.Namespace).Create(ctx, binding, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	identity, err := playground.Hub.As(name)
	Expect(err).NotTo(HaveOccurred(), fmt.Sprintf("impersonate %s", name))
	return app.As(identity)
}
