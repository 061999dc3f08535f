// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// spare is the claim of an application that a failover goes on without; no pod uses it.
const spare = "spare"

// protectedWithSpare is an application with volumes of a class, which it writes to, and the claim that it could do without.
func protectedWithSpare(ctx context.Context, volumes int, class string) (app *framework.App, spareVolume *corev1.PersistentVolume) {
	GinkgoHelper()
	app = newApp()
	By("deploying the application " + app.Namespace)
	Expect(app.Deploy(ctx, framework.DR1, volumes, "--storage-class", class)).To(Succeed())
	addClaim(ctx, app, spare, class)
	core := playground.Managed[framework.DR1].Kube.CoreV1()
	claim, err := framework.Await(ctx, core.PersistentVolumeClaims(app.Namespace), spare, framework.Soon, bound)
	Expect(err).NotTo(HaveOccurred())
	spareVolume, err = core.PersistentVolumes().Get(ctx, claim.Spec.VolumeName, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	By("protecting it")
	Expect(app.Protect(ctx)).To(Succeed())
	settled(ctx, app, framework.DR1)
	return app, spareVolume
}

var bound = framework.Wanted[*corev1.PersistentVolumeClaim]{
	What: "bound", Reached: func(claim *corev1.PersistentVolumeClaim) (bool, string, error) {
		return claim.Status.Phase == corev1.ClaimBound, string(claim.Status.Phase), nil
	},
}

// asksForIt requests a failover that is under way again as whoever waits for it is told to.
func asksForIt(ctx context.Context, app *framework.App, failover *v1alpha1.DRAction) {
	GinkgoHelper()
	itIsSaid(ctx, app, failover.Name, spare, "go on without", "kubectl drpc failover "+app.Name+" -n "+app.Namespace+" --leave-behind="+spare)
	Expect(kubectl(ctx, app, "drpc", "status", app.Name)).To(ContainSubstring("--leave-behind=" + spare))
	_, err := app.Failover(ctx, v1alpha1.DRActionSpec{LeaveBehind: []string{"spair"}})
	Expect(framework.RefusedOnly(err, http.StatusUnprocessableEntity, action.CheckLeaveBehindKnown)).To(Succeed())
	Expect(kubectl(ctx, app, "drpc", "failover", app.Name, "--leave-behind="+spare)).To(ContainSubstring(failover.Name))
}

// goesOnWithoutSpare has a failover that is under way go on without a volume, and waits until the application runs with the others.
func goesOnWithoutSpare(ctx context.Context, app *framework.App, failover *v1alpha1.DRAction) {
	GinkgoHelper()
	asksForIt(ctx, app, failover)
	ended := succeeded(ctx, app, failover.Name)
	Expect(ended.Spec.LeaveBehind).To(Equal([]string{spare}))
	keptOnDR1(ctx, app)
}

// keptOnDR1 checks that the former primary has its claim of what was left behind, perhaps of the last good copy.
func keptOnDR1(ctx context.Context, app *framework.App) {
	GinkgoHelper()
	claim, err := playground.Managed[framework.DR1].Kube.CoreV1().PersistentVolumeClaims(app.Namespace).Get(ctx, spare, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	Expect(claim.DeletionTimestamp).To(BeNil())
}

// goneFrom waits until the claim that was left behind is gone from a cluster.
func goneFrom(ctx context.Context, app *framework.App, cluster string) {
	GinkgoHelper()
	By("waiting until what was left behind is gone from " + cluster)
	Expect(framework.AwaitGone(ctx, playground.Managed[cluster].Kube.CoreV1().PersistentVolumeClaims(app.Namespace), spare, framework.Soon)).To(Succeed())
}

// imagesLeft are the claims of which VolSync's images on a cluster are nobody's.
func imagesLeft(ctx context.Context, app *framework.App, cluster string) ([]string, error) {
	snapshots, err := playground.Managed[cluster].Dynamic.Resource(snapshotKind).Namespace(app.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var claims []string
	for i := range snapshots.Items {
		if a := snapshots.Items[i].GetAnnotations(); a["dr.ramen.io/left-behind"] != "" {
			claims = append(claims, a["dr.ramen.io/claim"])
		}
	}
	return claims, nil
}

var _ = Describe("A volume that can't be recovered", func() {
	It("is left behind when its storage does not promote it, once somebody says so, and the application runs with the others", func(ctx SpecContext) {
		app, volume := protectedWithSpare(ctx, 2, replicatedClass)
		handle := volume.Spec.CSI.VolumeHandle
		disrupt(ctx, []string{"fault", "fail=promote.before", "volume=" + handle, "cluster=" + framework.DR2},
			[]string{"fault", "clear", "volume=" + handle, "cluster=" + framework.DR2})
		By("failing " + app.Namespace + " over")
		failover := accepted(ctx, app.Failover, forced)
		goesOnWithoutSpare(ctx, app, failover)
		goneFrom(ctx, app, framework.DR2)
		itStillWrites(ctx, app, framework.DR2)
		do(ctx, "fault", "clear", "volume="+handle, "cluster="+framework.DR2)
		settled(ctx, app, framework.DR2)
		nothingLostBefore(app, failover)
		left, err := playground.Managed[framework.DR2].Kube.CoreV1().PersistentVolumes().Get(ctx, volume.Name, metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(left.Spec.PersistentVolumeReclaimPolicy).To(Equal(corev1.PersistentVolumeReclaimRetain))
	}, SpecTimeout(specTimeout))

	It("is left behind when something is in its place, and the rest of its group is promoted without it", func(ctx SpecContext) {
		app, volume := protectedWithSpare(ctx, 2, groupClass)
		By("putting another volume in the place of " + volume.Name)
		volumes := playground.Managed[framework.DR2].Kube.CoreV1().PersistentVolumes()
		other := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: volume.Name}, Spec: *volume.Spec.DeepCopy()}
		other.Spec.CSI.VolumeHandle, other.Spec.ClaimRef.Name, other.Spec.ClaimRef.UID = "another", "nobody", ""
		other.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimRetain
		_, err := volumes.Create(ctx, other, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx SpecContext) { Expect(volumes.Delete(ctx, volume.Name, metav1.DeleteOptions{})).To(Succeed()) })
		By("failing " + app.Namespace + " over")
		failover := accepted(ctx, app.Failover, forced)
		goesOnWithoutSpare(ctx, app, failover)
		goneFrom(ctx, app, framework.DR2)
		itStillWrites(ctx, app, framework.DR2)
		settled(ctx, app, framework.DR2)
		nothingLostBefore(app, failover)
	}, SpecTimeout(specTimeout))

	It("is left behind when somebody else's claim is in its place, and the rest of what VolSync copies with it is of one point in time", func(ctx SpecContext) {
		app, _ := protectedWithSpare(ctx, 2, groupCopiedClass)
		By("putting a claim in its place that is not the application's")
		createClaim(ctx, app, framework.DR2, spare, plainClass)
		unlabel := []byte(`{"metadata":{"labels":null}}`)
		claims := playground.Managed[framework.DR2].Kube.CoreV1().PersistentVolumeClaims(app.Namespace)
		_, err := claims.Patch(ctx, spare, types.MergePatchType, unlabel, metav1.PatchOptions{})
		Expect(err).NotTo(HaveOccurred())
		settled(ctx, app, framework.DR1)
		By("failing " + app.Namespace + " over")
		failover := accepted(ctx, app.Failover, forced)
		goesOnWithoutSpare(ctx, app, failover)
		itStillWrites(ctx, app, framework.DR2)
		Expect(imagesLeft(ctx, app, framework.DR2)).To(Equal([]string{spare}))
		_, err = claims.Get(ctx, spare, metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred(), "what is somebody else's stays")
		settled(ctx, app, framework.DR2)
		nothingLostBefore(app, failover)
		Expect(imagesLeft(ctx, app, framework.DR2)).To(Equal([]string{spare}))
	}, SpecTimeout(specTimeout))

	DescribeTable("is left behind from the start, and what a StatefulSet makes in its place is empty, protected like any other, and destroys nothing",
		func(ctx SpecContext, class string, images ...string) {
			app := newApp()
			By("deploying the application " + app.Namespace)
			Expect(app.Deploy(ctx, framework.DR1, 2, "--storage-class", class)).To(Succeed())
			By("protecting it")
			Expect(app.Protect(ctx)).To(Succeed())
			settled(ctx, app, framework.DR1)
			claim := "data-1-" + app.Namespace + "-0"
			plan := forced
			plan.LeaveBehind = []string{claim}
			dry, err := app.Failover(ctx, plan, framework.DryRun)
			Expect(err).NotTo(HaveOccurred())
			Expect(dry.Status.Steps).To(ContainElement(HaveField("Description", ContainSubstring(claim+" is left behind"))))
			claims := playground.Managed[framework.DR1].Kube.CoreV1().PersistentVolumeClaims(app.Namespace)
			before, err := claims.Get(ctx, claim, metav1.GetOptions{})
			Expect(err).NotTo(HaveOccurred())
			failedOver(ctx, app, plan)
			settled(ctx, app, framework.DR2)
			Eventually(rowOf).WithContext(ctx).WithArguments(app, framework.DR2, claim).WithTimeout(framework.Soon).Should(
				HaveValue(HaveField("LastSyncTime", Not(BeNil()))))
			made, err := playground.Managed[framework.DR2].Kube.CoreV1().PersistentVolumeClaims(app.Namespace).Get(ctx, claim, metav1.GetOptions{})
			Expect(err).NotTo(HaveOccurred())
			Expect(made.Spec.VolumeName).NotTo(Equal(before.Spec.VolumeName))
			kept, err := claims.Get(ctx, claim, metav1.GetOptions{})
			Expect(err).NotTo(HaveOccurred())
			Expect(kept.UID).To(Equal(before.UID))
			for _, cluster := range images {
				Expect(imagesLeft(ctx, app, cluster)).To(Equal([]string{claim}), "on "+cluster)
			}
		},
		Entry("where storage replicates volumes", SpecTimeout(specTimeout), replicatedClass),
		Entry("where VolSync copies them, into the former claims too", SpecTimeout(specTimeout), copiedClass, framework.DR1, framework.DR2))
})

var _ = Describe("A volume that can't be recovered while its own cluster is dead", Serial, func() {
	It("is left behind, and its claim, which may be the last good copy, is there when the cluster returns", func(ctx SpecContext) {
		app, volume := protectedWithSpare(ctx, 1, replicatedClass)
		narrowed := []string{"volume=" + volume.Spec.CSI.VolumeHandle, "cluster=" + framework.DR2}
		disrupt(ctx, append([]string{"fault", "fail=promote.before"}, narrowed...), append([]string{"fault", "clear"}, narrowed...))
		disrupt(ctx, []string{"kill", framework.DR1}, []string{"start", framework.DR1})
		awaitDRCluster(ctx, framework.DR1, framework.False[*v1alpha1.DRCluster](v1alpha1.ConditionConnected))
		By("failing " + app.Namespace + " over")
		failover := accepted(ctx, app.Failover, acknowledged)
		asksForIt(ctx, app, failover)
		succeeded(ctx, app, failover.Name)
		do(ctx, append([]string{"fault", "clear"}, narrowed...)...)
		goneFrom(ctx, app, framework.DR2)
		do(ctx, "start", framework.DR1)
		awaitDRCluster(ctx, framework.DR1, framework.True[*v1alpha1.DRCluster](v1alpha1.ConditionConnected))
		settled(ctx, app, framework.DR2)
		keptOnDR1(ctx, app)
		lossIsAsPlanned(app, failover)
	}, SpecTimeout(specTimeout))
})
