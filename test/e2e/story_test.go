// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var _ = Describe("A tenant's application", Serial, func() {
	It("survives the loss of its cluster and comes back to it, losing only what the plan said and never running twice",
		func(ctx SpecContext) {
			admin := deployed(ctx)
			tenant := asTenant(ctx, admin)
			objects := objectsOf(ctx, admin, framework.DR1)

			By("protecting it as the tenant")
			Expect(tenant.Protect(ctx)).To(Succeed())
			settled(ctx, tenant, framework.DR1)
			tenantSeesThePlan(ctx, tenant)
			_, err := tenant.Failover(ctx, toDR2)
			Expect(framework.RefusedOnly(err, http.StatusConflict, action.CheckSourceUnhealthy)).To(Succeed())

			disrupt(ctx, []string{"kill", framework.DR1}, []string{"start", framework.DR1})
			awaitDRCluster(ctx, framework.DR1, framework.False[*v1alpha1.DRCluster](v1alpha1.ConditionConnected))
			_, err = tenant.Failover(ctx, toDR2)
			Expect(framework.RefusedOnly(err, http.StatusConflict, action.CheckSourceStopped)).To(Succeed())
			failover := failedOver(ctx, tenant, acknowledged)
			Expect(objectsOf(ctx, admin, framework.DR2)).To(Equal(objects), "ConfigMap and Secret came along")
			itStillWrites(ctx, admin, framework.DR2)

			do(ctx, "start", framework.DR1)
			By("waiting until dr1 gives way")
			Expect(admin.AwaitStopped(ctx, framework.DR1, framework.Replication)).To(Succeed())
			settled(ctx, tenant, framework.DR2)
			atFailover := nothingLostBefore(admin, failover)

			relocated(ctx, tenant, toDR1)
			itStillWrites(ctx, admin, framework.DR1)
			settled(ctx, tenant, framework.DR1)
			nothingLostSince(admin, atFailover)
			Expect(admin.AwaitStopped(ctx, framework.DR2, framework.Soon)).To(Succeed())
		}, SpecTimeout(specTimeout))
})

// asTenant lets the tenant, who is nobody in the application's namespace, administer it, and returns the application as
// the tenant reaches it.
func asTenant(ctx context.Context, app *framework.App) *framework.App {
	GinkgoHelper()
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "tenant", Namespace: app.Namespace},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "tenant"}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "admin"},
	}
	_, err := playground.Hub.Kube.RbacV1().RoleBindings(app.Namespace).Create(ctx, binding, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	return app.As(playground.Tenant)
}

// tenantSeesThePlan checks what a dry run of a failover tells.
func tenantSeesThePlan(ctx context.Context, tenant *framework.App) {
	GinkgoHelper()
	By("trying a dry run")
	plan, err := tenant.Failover(ctx, forced, framework.DryRun)
	Expect(err).NotTo(HaveOccurred())
	var steps []v1alpha1.StepName
	for _, step := range plan.Status.Steps {
		steps = append(steps, step.Name)
		Expect(step.PointOfNoReturn).To(Equal(step.Name == v1alpha1.StepPromote))
	}
	Expect(steps).To(Equal([]v1alpha1.StepName{v1alpha1.StepStopSource, v1alpha1.StepPromote, v1alpha1.StepRestore}))
	Expect(plan.Status.DataLossWindow).NotTo(BeNil())
	Expect(plan.Status.Checks).To(ContainElement(And(
		HaveField("Name", action.CheckSourceUnhealthy), HaveField("Result", v1alpha1.CheckOverridden), HaveField("OverriddenBy", "force"))))
}
