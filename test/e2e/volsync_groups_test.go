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

// seesCost waits until users of the hub see how long the last cycle took and how much it was, of the group and of its volumes.
func seesCost(ctx context.Context, app *framework.App) {
	GinkgoHelper()
	By("waiting until it is told what a cycle costs")
	api := app.Hub.DR.DrV1alpha1()
	took := HaveValue(HaveField("Duration", BeNumerically(">", 0)))
	sent := HaveValue(BeNumerically(">", 0))
	Eventually(func(g Gomega, ctx context.Context) {
		sources, err := api.ReplicationGroupSources(app.Namespace).List(ctx, metav1.ListOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(sources.Items).To(HaveExactElements(HaveField("Status.Last", HaveValue(And(HaveField("Duration", took), HaveField("Bytes", sent))))))
		group, err := app.Groups().Get(ctx, app.Group(framework.DR1), metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(group.Status.ProtectedPVCs).To(HaveEach(And(HaveField("LastSyncDuration", took), HaveField("LastSyncBytes", sent))))
	}).WithContext(ctx).WithTimeout(framework.Replication).Should(Succeed())
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

// seesCycleHalfWay waits until users of the hub see that two of three volumes have been sent, have arrived and are not committed
// without the third.
func seesCycleHalfWay(ctx context.Context, app *framework.App) {
	GinkgoHelper()
	api := app.Hub.DR.DrV1alpha1()
	Eventually(func(g Gomega, ctx context.Context) {
		sources, err := api.ReplicationGroupSources(app.Namespace).List(ctx, metav1.ListOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(sources.Items).To(HaveLen(1))
		destinations, err := api.ReplicationGroupDestinations(app.Namespace).List(ctx, metav1.ListOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(destinations.Items).To(HaveLen(1))
		from, to := sources.Items[0], destinations.Items[0]
		g.Expect(from.Spec.Members).To(HaveLen(3))
		g.Expect(to.Spec.Members).To(Equal(from.Spec.Members))
		g.Expect([]string{from.Spec.ClusterName, from.Spec.Peer}).To(Equal([]string{framework.DR1, framework.DR2}))
		g.Expect([]string{to.Spec.ClusterName, to.Spec.Peer}).To(Equal([]string{framework.DR2, framework.DR1}))
		g.Expect(from.Status.Step).To(Equal(v1alpha1.ReplicationGroupSending))
		g.Expect(to.Status.Step).To(Equal(v1alpha1.ReplicationGroupReceiving))
		g.Expect(from.Status.Current).NotTo(BeNil())
		g.Expect(to.Status.Current).To(Equal(from.Status.Current.ID))
		g.Expect(from.Status.Sent).To(HaveLen(2))
		g.Expect(to.Status.Arrived).To(Equal(from.Status.Sent))
		g.Expect(from.Status.Last).NotTo(BeNil())
		g.Expect(to.Status.Committed).To(HaveValue(And(HaveField("Cycle", from.Status.Last.ID), HaveField("Images", HaveLen(3)))))
		g.Expect(to.Status.LastSyncTime).To(Equal(from.Status.Last.Time))
	}).WithContext(ctx).WithTimeout(framework.Replication).Should(Succeed())
}

var _ = Describe("A consistency group of volumes that VolSync copies", func() {
	It("is failed over to one point in time when some of its volumes had arrived only, and comes back without losing a record", func(ctx SpecContext) {
		app := copiedGroup(ctx)
		seesCost(ctx, app)
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
		By("seeing that on the hub")
		seesCycleHalfWay(ctx, app)
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
		Eventually(runKubectl).WithContext(ctx).WithArguments(app, "get", "replicationgroupsources").WithTimeout(framework.Replication).Should(
			MatchRegexp(`%s\.%s\.\S+ +%s +%s +3 `, framework.DR1, app.Group(framework.DR1), framework.DR1, framework.DR2))
	}, SpecTimeout(specTimeout))
})
