// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// Classes of storage that can take snapshots and no more. Volumes of the second are made when a pod wants them.
const (
	copiedClass     = "sim-snapshot"
	copiedLateClass = "sim-snapshot-late"
)

var snapshotKind = schema.GroupVersionResource{Group: "snapshot.storage.k8s.io", Version: "v1", Resource: "volumesnapshots"}

func objectsThere(app *framework.App, cluster string, kind schema.GroupVersionResource) dynamic.ResourceInterface {
	return playground.Managed[cluster].Dynamic.Resource(kind).Namespace(app.Namespace)
}

// copied is an application whose volumes VolSync copies.
func copied(ctx context.Context, class string) *framework.App {
	GinkgoHelper()
	app := newApp()
	By("deploying the application " + app.Namespace + " with volumes of class " + class)
	Expect(app.Deploy(ctx, framework.DR1, 2, "--storage-class", class)).To(Succeed())
	By("protecting it")
	Expect(app.Protect(ctx)).To(Succeed())
	settled(ctx, app, framework.DR1)
	group, err := app.Groups().Get(ctx, app.Group(framework.DR1), metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	Expect(group.Status.ProtectedPVCs).To(HaveLen(2))
	Expect(group.Status.ProtectedPVCs).To(HaveEach(HaveField("ReplicationMethod", v1alpha1.MethodVolSync)))
	return app
}

// claimsOf are the UIDs of the application's claims on a cluster, by name.
func claimsOf(ctx context.Context, app *framework.App, cluster string) map[string]types.UID {
	GinkgoHelper()
	list, err := playground.Managed[cluster].Kube.CoreV1().PersistentVolumeClaims(app.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + app.Namespace})
	Expect(err).NotTo(HaveOccurred())
	claims := map[string]types.UID{}
	for _, claim := range list.Items {
		claims[claim.Name] = claim.UID
	}
	return claims
}

// sentTo are the addresses to which a cluster sends the application's volumes.
func sentTo(ctx context.Context, app *framework.App, cluster string) []string {
	GinkgoHelper()
	list, err := objectsThere(app, cluster, framework.ReplicationSources).List(ctx, metav1.ListOptions{})
	Expect(err).NotTo(HaveOccurred())
	Expect(list.Items).NotTo(BeEmpty())
	var addresses []string
	for i := range list.Items {
		addresses = append(addresses, framework.Field(&list.Items[i], "spec", "rsyncTLS", "address"))
	}
	return addresses
}

// sync has every volume that the cluster sends synced now.
func sync(ctx context.Context, app *framework.App, cluster, trigger string) {
	GinkgoHelper()
	sources := objectsThere(app, cluster, framework.ReplicationSources)
	list, err := sources.List(ctx, metav1.ListOptions{})
	Expect(err).NotTo(HaveOccurred())
	for _, rs := range list.Items {
		patch := fmt.Appendf(nil, `{"spec":{"trigger":{"manual":%q}}}`, trigger)
		_, err := sources.Patch(ctx, rs.GetName(), types.MergePatchType, patch, metav1.PatchOptions{})
		Expect(err).NotTo(HaveOccurred())
	}
}

// halfWay has transfers from a cluster break off after their first piece, and begins one of each volume.
func halfWay(ctx context.Context, app *framework.App, cluster string) {
	GinkgoHelper()
	disrupt(ctx, []string{"fault", "hang=mover-piece.after", "namespace=" + app.Namespace}, []string{"fault", "clear", "namespace=" + app.Namespace})
	itStillWrites(ctx, app, cluster)
	const byHand = "by-hand"
	sync(ctx, app, cluster, byHand)
	By("waiting until transfers are under way, as cycles of the agent's")
	Eventually(func(g Gomega, ctx context.Context) {
		list, err := objectsThere(app, cluster, framework.ReplicationSources).List(ctx, metav1.ListOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		for i := range list.Items {
			g.Expect(framework.Field(&list.Items[i], "spec", "trigger", "manual")).NotTo(Equal(byHand))
		}
		movers, err := moversAt(ctx, app, cluster)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(movers).To(Equal(2))
	}).WithContext(ctx).WithTimeout(framework.Replication).Should(Succeed())
	itStillWrites(ctx, app, cluster)
}

// moverSelector finds the pods of VolSync's movers.
const moverSelector = "app.kubernetes.io/component=rsync-tls-mover"

// moversAt is how many of the application's volumes a cluster sends or receives now.
func moversAt(ctx context.Context, app *framework.App, cluster string) (int, error) {
	pods, err := playground.Managed[cluster].Kube.CoreV1().Pods(app.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: moverSelector, FieldSelector: "status.phase=Running",
	})
	if err != nil {
		return 0, err
	}
	return len(pods.Items), nil
}

// sentFrom are the claims that VolSync has made of snapshots of the application's volumes, to send them.
func sentFrom(ctx context.Context, app *framework.App, cluster string) []corev1.PersistentVolumeClaim {
	GinkgoHelper()
	list, err := playground.Managed[cluster].Kube.CoreV1().PersistentVolumeClaims(app.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/created-by=volsync"})
	Expect(err).NotTo(HaveOccurred())
	return slices.DeleteFunc(list.Items, func(c corev1.PersistentVolumeClaim) bool { return !strings.HasSuffix(c.Name, "-src") })
}

// finalized gives claims finalizers, until the spec ends at the latest.
func finalized(ctx context.Context, app *framework.App, cluster string, held []corev1.PersistentVolumeClaim, finalizers string) {
	GinkgoHelper()
	claims := playground.Managed[cluster].Kube.CoreV1().PersistentVolumeClaims(app.Namespace)
	set := func(ctx context.Context, finalizers string) {
		for _, claim := range held {
			_, err := claims.Patch(ctx, claim.Name, types.MergePatchType, fmt.Appendf(nil, `{"metadata":{"uid":%q,"finalizers":%s}}`, claim.UID, finalizers), metav1.PatchOptions{})
			Expect(client.IgnoreNotFound(err)).To(Or(Succeed(), Satisfy(apierrors.IsConflict)))
		}
	}
	DeferCleanup(func(ctx SpecContext) { set(ctx, "null") })
	set(ctx, finalizers)
}

// latestIsReady tells whether the last image of a volume that the cluster receives can be used.
func latestIsReady(ctx context.Context, app *framework.App, cluster string) (bool, error) {
	list, err := objectsThere(app, cluster, framework.ReplicationDestinations).List(ctx, metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 {
		return true, err
	}
	image, err := objectsThere(app, cluster, snapshotKind).Get(ctx, framework.Field(&list.Items[0], "status", "latestImage", "name"), metav1.GetOptions{})
	if err != nil {
		return true, err
	}
	ready, _, err := unstructured.NestedBool(image.Object, "status", "readyToUse")
	return ready, err
}

// imagesBehind waits until a cluster has been sent a volume so many times as it has images of it, and once more, and tells how often,
// and up to when the last time.
func imagesBehind(ctx context.Context, app *framework.App, after int64) (cycle int64, upTo metav1.Time) {
	GinkgoHelper()
	Eventually(func(g Gomega, ctx context.Context) {
		from, err := app.Groups().Get(ctx, app.Group(framework.DR1), metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		to, err := app.Groups().Get(ctx, app.Group(framework.DR2), metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect([]*v1alpha1.VRGVolSyncStatus{from.Status.VolSync, to.Status.VolSync}).To(HaveEach(HaveField("Groups", HaveLen(1))))
		sent, received := from.Status.VolSync.Groups[0], to.Status.VolSync.Groups[0]
		g.Expect(sent.Stream).To(Equal(received.Stream))
		g.Expect(sent.Cycle).To(And(BeNumerically(">", after), Equal(received.Cycle+1)))
		g.Expect(from.Status.ProtectedPVCs).To(ConsistOf(HaveField("LastSyncTime", Not(BeNil()))))
		cycle, upTo = sent.Cycle, *from.Status.ProtectedPVCs[0].LastSyncTime
	}).WithContext(ctx).WithTimeout(framework.Replication).Should(Succeed())
	return cycle, upTo
}

// nothingOfOurs checks that nothing is left on a cluster that was made for VolSync.
func nothingOfOurs(ctx context.Context, app *framework.App, cluster string) {
	GinkgoHelper()
	By("looking for what was left on " + cluster)
	for _, kind := range []schema.GroupVersionResource{framework.ReplicationSources, framework.ReplicationDestinations, snapshotKind} {
		Eventually(func(ctx context.Context) ([]unstructured.Unstructured, error) {
			list, err := objectsThere(app, cluster, kind).List(ctx, metav1.ListOptions{})
			return list.Items, err
		}).WithContext(ctx).WithTimeout(framework.Soon).Should(BeEmpty(), kind.Resource)
	}
	secrets, err := playground.Managed[cluster].Kube.CoreV1().Secrets(app.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=dr-agent"})
	Expect(err).NotTo(HaveOccurred())
	Expect(secrets.Items).To(BeEmpty())
}

var _ = Describe("An application whose volumes VolSync copies", func() {
	for _, class := range []string{copiedClass, copiedLateClass} {
		It("is relocated there and back without losing a record and without copying everything again, of class "+class, func(ctx SpecContext) {
			app := copied(ctx, class)
			Expect(sentTo(ctx, app, framework.DR1)).To(HaveEach(HaveSuffix("."+app.Namespace+".svc.clusterset.local")), "dr2 exports its Services")
			start, claims := countRecords(app), claimsOf(ctx, app, framework.DR1)
			relocated(ctx, app, toDR2)
			itStillWrites(ctx, app, framework.DR2)
			settled(ctx, app, framework.DR2)
			Expect(sentTo(ctx, app, framework.DR2)).To(HaveEach(WithTransform(net.ParseIP, Not(BeNil()))), "dr1 can't, and has load balancers")
			relocated(ctx, app, toDR1)
			itStillWrites(ctx, app, framework.DR1)
			nothingLostSince(app, start)
			Expect(claimsOf(ctx, app, framework.DR1)).To(Equal(claims), "the claims are those that there were, and received only what differs")
			settled(ctx, app, framework.DR1)

			By("taking protection off")
			Expect(app.Placements().Delete(ctx, app.Name, metav1.DeleteOptions{})).To(Succeed())
			Expect(framework.AwaitGone(ctx, app.Placements(), app.Name, framework.Replication)).To(Succeed())
			nothingOfOurs(ctx, app, framework.DR1)
			nothingOfOurs(ctx, app, framework.DR2)
			itStillWrites(ctx, app, framework.DR1)
		}, SpecTimeout(specTimeout))
	}

	It("is failed over to the copy before while the storage is not done with the snapshot of the last one", func(ctx SpecContext) {
		app := newApp()
		By("deploying the application " + app.Namespace)
		Expect(app.Deploy(ctx, framework.DR1, 1, "--storage-class", copiedClass)).To(Succeed())
		before := countRecords(app).Acknowledged
		By("protecting it")
		Expect(app.Protect(ctx)).To(Succeed())
		settled(ctx, app, framework.DR1)
		disrupt(ctx, []string{"fault", "hang=create-snapshot.before", "cluster=" + framework.DR2, "namespace=" + app.Namespace},
			[]string{"fault", "clear", "namespace=" + app.Namespace})
		sync(ctx, app, framework.DR1, "by-hand")
		By("waiting until dr2 has received the volume again")
		Eventually(latestIsReady).WithContext(ctx).WithArguments(app, framework.DR2).WithTimeout(framework.Replication).Should(BeFalse())
		settled(ctx, app, framework.DR1)
		failedOver(ctx, app, forced)
		report := countRecords(app)
		Expect(report.Volumes).To(HaveLen(1))
		Expect(report.Volumes[0].Copies).To(ContainElement(SatisfyAll(
			HaveField("Cluster", framework.DR2), HaveField("Surviving", BeNumerically(">=", before)))))
		itStillWrites(ctx, app, framework.DR2)
	}, SpecTimeout(specTimeout))

	It("is not said to have on the other cluster what that has no image of yet, though it was begun before the image was made of what came before", func(ctx SpecContext) {
		app := newApp()
		By("deploying the application " + app.Namespace)
		Expect(app.Deploy(ctx, framework.DR1, 1, "--storage-class", copiedClass)).To(Succeed())
		By("protecting it")
		Expect(app.Protect(ctx)).To(Succeed())
		settled(ctx, app, framework.DR1)
		hang := []string{"fault", "hang=create-snapshot.before", "cluster=" + framework.DR2, "namespace=" + app.Namespace}
		letGo := []string{"fault", "clear", "namespace=" + app.Namespace}
		disrupt(ctx, hang, letGo)
		sync(ctx, app, framework.DR1, "by-hand")
		By("waiting until dr2 has received the volume, and has no image of that")
		before, _ := imagesBehind(ctx, app, 0)
		itStillWrites(ctx, app, framework.DR1)
		sync(ctx, app, framework.DR1, "by-hand-again")
		By("waiting until it is sent again")
		Eventually(moversAt).WithContext(ctx).WithArguments(app, framework.DR1).WithTimeout(framework.Replication).Should(Equal(1))
		do(ctx, letGo...)
		do(ctx, hang...)
		By("waiting until dr2 has the image, and has received the volume again")
		_, upTo := imagesBehind(ctx, app, before)
		plan, err := app.Failover(ctx, forced, framework.DryRun)
		Expect(err).NotTo(HaveOccurred())
		Expect(plan.Status.DataLossWindow).NotTo(BeNil())
		Expect(plan.Status.DataLossWindow.SyncPoint.Time).To(BeTemporally("<", upTo.Time))
		lossIsAsPlanned(app, failedOver(ctx, app, forced))
		itStillWrites(ctx, app, framework.DR2)
	}, SpecTimeout(specTimeout))

	It("is failed over to the last complete copy, also where a transfer has half overwritten its own former claims", func(ctx SpecContext) {
		app := copied(ctx, copiedClass)
		claims := claimsOf(ctx, app, framework.DR1)
		halfWay(ctx, app, framework.DR1)
		there := failedOver(ctx, app, forced)
		lossIsAsPlanned(app, there)
		letGoOn(ctx, app)
		settled(ctx, app, framework.DR2)
		lost := nothingLostBefore(app, there)

		halfWay(ctx, app, framework.DR2)
		back := failedOver(ctx, app, v1alpha1.DRActionSpec{TargetCluster: framework.DR1, Force: true, Reason: "and back"})
		furtherLossIsAsPlanned(app, lost, back)
		for name, uid := range claimsOf(ctx, app, framework.DR1) {
			Expect(uid).NotTo(Equal(claims[name]), "%s was half overwritten", name)
		}
	}, SpecTimeout(specTimeout))

	It("is relocated without losing a record while the claim does not go from which VolSync sent what was synced before", func(ctx SpecContext) {
		app := copied(ctx, copiedClass)
		halfWay(ctx, app, framework.DR1)
		By("holding the claims from which VolSync sends")
		held := sentFrom(ctx, app, framework.DR1)
		Expect(held).To(HaveLen(2))
		finalized(ctx, app, framework.DR1, held, `["e2e.dr.ramen.io/held"]`)
		letGoOn(ctx, app)
		By("waiting until they are to go")
		Eventually(sentFrom).WithContext(ctx).WithArguments(app, framework.DR1).WithTimeout(framework.Replication).
			Should(HaveEach(HaveField("DeletionTimestamp", Not(BeNil()))))
		itStillWrites(ctx, app, framework.DR1)
		start := countRecords(app)
		relocate := accepted(ctx, app.Relocate, toDR2)
		Expect(app.AwaitStopped(ctx, framework.DR1, framework.Soon)).To(Succeed())
		Consistently(moversAt).WithContext(ctx).WithArguments(app, framework.DR1).WithTimeout(3*time.Second).Should(BeZero(), "nothing is sent from them once more")
		By("letting them go")
		finalized(ctx, app, framework.DR1, held, `null`)
		succeeded(ctx, app, relocate.Name)
		itStillWrites(ctx, app, framework.DR2)
		nothingLostSince(app, start)
	}, SpecTimeout(specTimeout))
})
