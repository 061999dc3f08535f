// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// copiedGroup is an application that writes each record to its three volumes at once, which VolSync copies as one.
func copiedGroup(ctx context.Context) *framework.App {
	GinkgoHelper()
	app := newApp()
	By("deploying the application " + app.Namespace + " with volumes that are snapshotted as one")
	Expect(app.Deploy(ctx, framework.DR1, 3, "--storage-class", groupCopiedClass, "--together")).To(Succeed())
	By("protecting it")
	Expect(app.Protect(ctx)).To(Succeed())
	settled(ctx, app, framework.DR1)
	group, err := app.Groups().Get(ctx, app.Group(framework.DR1), metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	Expect(group.Status.ProtectedPVCs).To(HaveLen(3))
	Expect(group.Status.ProtectedPVCs).To(HaveEach(HaveField("ReplicationMethod", v1alpha1.MethodVolSyncGroup)))
	return app
}

// receiving is the volume of a cluster that one of the application's volumes is copied to.
func receiving(ctx context.Context, app *framework.App, cluster string) string {
	GinkgoHelper()
	kube := playground.Managed[cluster].Kube.CoreV1()
	claims, err := kube.PersistentVolumeClaims(app.Namespace).List(ctx, metav1.ListOptions{})
	Expect(err).NotTo(HaveOccurred())
	for _, claim := range claims.Items {
		if strings.HasPrefix(claim.Name, "volsync-") && strings.HasSuffix(claim.Name, "-dst") {
			volume, err := kube.PersistentVolumes().Get(ctx, claim.Spec.VolumeName, metav1.GetOptions{})
			Expect(err).NotTo(HaveOccurred())
			return volume.Spec.CSI.VolumeHandle
		}
	}
	Fail("nothing receives on " + cluster)
	return ""
}

// arrived says how many of a cycle's volumes the cluster has received, and how many there are.
func arrived(ctx context.Context, app *framework.App, cluster string) (have, want int, err error) {
	list, err := objectsThere(app, cluster, framework.ReplicationDestinations).List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, 0, err
	}
	for _, destination := range list.Items {
		trigger, _, _ := unstructured.NestedString(destination.Object, "spec", "trigger", "manual")
		last, _, _ := unstructured.NestedString(destination.Object, "status", "lastManualSync")
		if trigger == last {
			have++
		}
	}
	return have, len(list.Items), nil
}

var _ = Describe("A consistency group of volumes that VolSync copies", func() {
	It("is failed over to one point in time when some of its volumes had arrived only, and comes back without losing a record", func(ctx SpecContext) {
		app := copiedGroup(ctx)
		By("breaking off what is copied to one of the volumes")
		handle := receiving(ctx, app, framework.DR2)
		disrupt(ctx, []string{"fault", "hang=mover-piece.after", "volume=" + handle}, []string{"fault", "clear", "volume=" + handle})
		itStillWrites(ctx, app, framework.DR1)
		By("waiting until the others have arrived")
		Eventually(func(g Gomega, ctx context.Context) {
			have, want, err := arrived(ctx, app, framework.DR2)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(want).To(Equal(3))
			g.Expect(have).To(Equal(2))
			movers, err := moversAt(ctx, app, framework.DR1)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(movers).To(Equal(1), "the last one is under way")
		}).WithContext(ctx).WithTimeout(framework.Replication).Should(Succeed())
		there := failedOver(ctx, app, forced)
		lossIsAsPlanned(app, there)
		nothingTorn(app)
		do(ctx, "fault", "clear", "volume="+handle)
		settled(ctx, app, framework.DR2)
		start := nothingLostBefore(app, there)

		relocated(ctx, app, toDR1)
		itStillWrites(ctx, app, framework.DR1)
		nothingLostSince(app, start)
		nothingTorn(app)
	}, SpecTimeout(specTimeout))
})
