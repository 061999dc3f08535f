// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// groupClass is the class of volumes that their storage replicates as one.
const groupClass = "sim-replicated-group"

// protectedGroup is an application that writes each record to its three volumes at once, which are replicated as one.
func protectedGroup(ctx context.Context) *framework.App {
	GinkgoHelper()
	app := newApp()
	By("deploying the application " + app.Namespace + " with a consistency group of volumes")
	Expect(app.Deploy(ctx, framework.DR1, 3, "--storage-class", groupClass, "--together")).To(Succeed())
	By("protecting it")
	Expect(app.Protect(ctx)).To(Succeed())
	settled(ctx, app, framework.DR1)
	return app
}

// nothingTorn checks that each record that was written to all volumes at once is on all or on none.
func nothingTorn(app *framework.App) {
	GinkgoHelper()
	report := countRecords(app)
	Expect(report.Volumes).To(HaveLen(3))
	Expect(report.Torn).To(BeZero(), "records that survive on some volumes only")
}

// rowOf is what the group of the cluster says of a claim; nil if nothing.
func rowOf(ctx context.Context, app *framework.App, cluster, claim string) (*v1alpha1.ProtectedPVC, error) {
	group, err := app.Groups().Get(ctx, app.Group(cluster), metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	for i := range group.Status.ProtectedPVCs {
		if row := &group.Status.ProtectedPVCs[i]; row.Name == claim {
			return row, nil
		}
	}
	return nil, nil
}

var _ = Describe("A consistency group of volumes that their storage replicates as one", func() {
	It("is relocated there and back without losing or tearing a record", func(ctx SpecContext) {
		app := protectedGroup(ctx)
		start := countRecords(app)
		relocated(ctx, app, toDR2)
		itStillWrites(ctx, app, framework.DR2)
		settled(ctx, app, framework.DR2)
		relocated(ctx, app, toDR1)
		itStillWrites(ctx, app, framework.DR1)
		nothingLostSince(app, start)
		nothingTorn(app)
	}, SpecTimeout(specTimeout))

	It("is failed over to one point in time when what was on its way had arrived for some volumes only", func(ctx SpecContext) {
		app := protectedGroup(ctx)
		By("making the storage hang while it takes in one of the volumes")
		handle := countRecords(app).Volumes[1].Handle
		disrupt(ctx, []string{"fault", "hang=commit.before", "volume=" + handle}, []string{"fault", "clear", "volume=" + handle})
		itStillWrites(ctx, app, framework.DR1)
		failover := failedOver(ctx, app, forced)
		lossIsAsPlanned(app, failover)
		nothingTorn(app)
		By("letting the storage go on")
		do(ctx, "fault", "clear", "volume="+handle)
		itStillWrites(ctx, app, framework.DR2)
		settled(ctx, app, framework.DR2)
		nothingLostBefore(app, failover)
		nothingTorn(app)
	}, SpecTimeout(specTimeout))

	It("takes volumes in and lets volumes go while it is protected, and can be failed over at that moment", func(ctx SpecContext) {
		app := protectedGroup(ctx)
		for _, name := range []string{"late", "brief"} {
			addClaim(ctx, app, name, groupClass)
		}
		for _, name := range []string{"late", "brief"} {
			By("waiting until " + name + " is protected with the others")
			Eventually(func(ctx context.Context) (bool, error) {
				row, err := rowOf(ctx, app, framework.DR1, name)
				return row != nil && row.ReplicationMethod == v1alpha1.MethodVolumeGroupReplication && row.ConsistencyGroup != "" &&
					row.LastSyncTime != nil && meta.IsStatusConditionTrue(row.Conditions, v1alpha1.ConditionDataProtected), err
			}).WithContext(ctx).WithTimeout(framework.Replication).Should(BeTrue())
		}
		By("taking brief out")
		claims := playground.Managed[framework.DR1].Kube.CoreV1().PersistentVolumeClaims(app.Namespace)
		_, err := claims.Patch(ctx, "brief", types.MergePatchType, []byte(`{"metadata":{"labels":{"app":null}}}`), metav1.PatchOptions{})
		Expect(err).NotTo(HaveOccurred())
		Eventually(func(ctx context.Context) (map[string]string, error) {
			claim, err := claims.Get(ctx, "brief", metav1.GetOptions{})
			if err != nil {
				return nil, err
			}
			return claim.Annotations, nil
		}).WithContext(ctx).WithTimeout(framework.Replication).ShouldNot(
			HaveKey("replication.storage.openshift.io/volume-group-replication-name"), "csi-addons has let it go")
		failedOver(ctx, app, forced)
		there, err := playground.Managed[framework.DR2].Kube.CoreV1().PersistentVolumeClaims(app.Namespace).List(ctx, metav1.ListOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(there.Items).To(HaveLen(4))
		Expect(there.Items).To(ContainElement(HaveField("Name", "late")))
		Expect(there.Items).To(HaveEach(HaveField("Status.Phase", corev1.ClaimBound)))
		nothingTorn(app)
	}, SpecTimeout(specTimeout))
})
