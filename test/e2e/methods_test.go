// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

const (
	replicatedClass = "sim-replicated"
	// groupCopiedClass is of storage that can take snapshots of several volumes at one point in time.
	groupCopiedClass = "sim-snapshot-group"
	plainClass       = "sim-plain"
)

// methods are how the policy has volumes of each class replicated.
func methods(ctx context.Context) map[string]v1alpha1.ReplicationMethod {
	GinkgoHelper()
	policy, err := playground.Hub.DR.DrV1alpha1().DRPolicies().Get(ctx, framework.Policy, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	found := map[string]v1alpha1.ReplicationMethod{}
	for _, class := range policy.Status.Async.PeerClasses {
		found[class.StorageClassName] = class.Method
	}
	Expect(found).To(And(
		HaveKeyWithValue(replicatedClass, v1alpha1.MethodVolumeReplication), HaveKeyWithValue(groupClass, v1alpha1.MethodVolumeGroupReplication),
		HaveKeyWithValue(copiedClass, v1alpha1.MethodVolSync), HaveKey(groupCopiedClass)))
	return found
}

// eachItsOwnWay checks that each of the application's volumes is replicated by the method of its class.
func eachItsOwnWay(ctx context.Context, app *framework.App, cluster string) {
	GinkgoHelper()
	methods := methods(ctx)
	group, err := app.Groups().Get(ctx, app.Group(cluster), metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	Expect(group.Status.ProtectedPVCs).To(HaveLen(4))
	for _, row := range group.Status.ProtectedPVCs {
		Expect(row.ReplicationMethod).To(Equal(methods[row.StorageClassName]), "volume %s of class %s", row.Name, row.StorageClassName)
		Expect(row.Peer).To(Equal(framework.Other(cluster)))
		Expect(row.LastSyncTime).NotTo(BeNil())
		Expect(group.Status.LastGroupSyncTime.After(row.LastSyncTime.Time)).To(BeFalse(), "the group is as old as its oldest volume")
	}
}

// addClaim adds a claim to the application on dr1, which nothing mounts.
func addClaim(ctx context.Context, app *framework.App, name, class string) {
	GinkgoHelper()
	By("adding a claim " + name + " of class " + class)
	createClaim(ctx, app, framework.DR1, name, class)
}

var _ = Describe("An application whose volumes are on different storage", func() {
	It("is failed over and comes back as one thing, and each volume stays replicated in its own way", func(ctx SpecContext) {
		app := newApp()
		By("deploying the application " + app.Namespace + " with volumes of several classes")
		classes := strings.Join([]string{replicatedClass, groupClass, copiedClass, groupCopiedClass}, ",")
		Expect(app.Deploy(ctx, framework.DR1, 4, "--storage-class", classes)).To(Succeed())
		By("protecting it")
		Expect(app.Protect(ctx)).To(Succeed())
		settled(ctx, app, framework.DR1)
		eachItsOwnWay(ctx, app, framework.DR1)

		failover := failedOver(ctx, app, forced)
		lossIsAsPlanned(app, failover)
		itStillWrites(ctx, app, framework.DR2)
		settled(ctx, app, framework.DR2)
		eachItsOwnWay(ctx, app, framework.DR2)
		before := nothingLostBefore(app, failover)

		relocated(ctx, app, toDR1)
		itStillWrites(ctx, app, framework.DR1)
		settled(ctx, app, framework.DR1)
		eachItsOwnWay(ctx, app, framework.DR1)
		nothingLostSince(app, before)
	}, SpecTimeout(specTimeout))

	It("is protected but for the volumes that can't be, which are named, with the reason, and left behind only by force", func(ctx SpecContext) {
		app := protected(ctx)
		addClaim(ctx, app, "scratch", plainClass)
		addClaim(ctx, app, "common", sharedClass)
		By("waiting until they are named")
		_, err := app.Await(ctx, framework.Soon, framework.False[*v1alpha1.DRPlacementControl](v1alpha1.ConditionProtected,
			app.Namespace+"/scratch", plainClass+": The StorageClass has no label",
			app.Namespace+"/common", sharedClass+": Both clusters use the same storage"))
		Expect(err).NotTo(HaveOccurred())
		row, err := rowOf(ctx, app, framework.DR1, "data-0-"+app.Namespace+"-0")
		Expect(err).NotTo(HaveOccurred())
		Expect(row.Conditions).To(ContainElement(And(HaveField("Type", v1alpha1.ConditionDataProtected), HaveField("Status", metav1.ConditionTrue))))

		_, err = app.Relocate(ctx, toDR2)
		Expect(framework.RefusedOnly(err, http.StatusConflict, action.CheckSourceProtected)).To(Succeed())
		plan, err := app.Failover(ctx, forced, framework.DryRun)
		Expect(err).NotTo(HaveOccurred())
		Expect(plan.Status.Checks).To(ContainElement(And(HaveField("Name", action.CheckVolumesProtected),
			HaveField("Result", v1alpha1.CheckOverridden), HaveField("Message", ContainSubstring(app.Namespace+"/scratch")))))

		By("taking them out of the selector")
		claims := playground.Managed[framework.DR1].Kube.CoreV1().PersistentVolumeClaims(app.Namespace)
		for _, claim := range []string{"scratch", "common"} {
			_, err = claims.Patch(ctx, claim, types.MergePatchType, []byte(`{"metadata":{"labels":{"app":null}}}`), metav1.PatchOptions{})
			Expect(err).NotTo(HaveOccurred())
		}
		settled(ctx, app, framework.DR1)

		By("adding one of them again")
		_, err = claims.Patch(ctx, "scratch", types.MergePatchType, []byte(`{"metadata":{"labels":{"app":"`+app.Namespace+`"}}}`), metav1.PatchOptions{})
		Expect(err).NotTo(HaveOccurred())
		_, err = app.Await(ctx, framework.Soon, framework.False[*v1alpha1.DRPlacementControl](v1alpha1.ConditionProtected, app.Namespace+"/scratch"))
		Expect(err).NotTo(HaveOccurred())
		failover := failedOver(ctx, app, forced)
		lossIsAsPlanned(app, failover)
		itStillWrites(ctx, app, framework.DR2)
	}, SpecTimeout(specTimeout))
})
