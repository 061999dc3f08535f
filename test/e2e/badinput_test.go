// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilrand "k8s.io/apimachinery/pkg/util/rand"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var _ = Describe("Bad input gets an answer that names what is wrong", func() {
	It("when a second DRPlacementControl wants the same volumes", func(ctx SpecContext) {
		app := protected(ctx)
		second := framework.Placement(app.Namespace, "second")
		_, err := app.Placements().Create(ctx, second, metav1.CreateOptions{})
		Expect(framework.Refused(err, http.StatusUnprocessableEntity)).To(Succeed())
		Expect(err).To(MatchError(And(ContainSubstring("spec.pvcSelector"), ContainSubstring(app.Name))))
		settled(ctx, app, framework.DR1)
	}, SpecTimeout(specTimeout))

	It("when a policy names a cluster that does not exist", func(ctx SpecContext) {
		policy := newPolicy(ctx, framework.DR1, "mars")
		policyIs(ctx, policy, framework.False[*v1alpha1.DRPolicy](v1alpha1.ConditionValidated, "mars"))

		app := deployed(ctx)
		placement := framework.Placement(app.Namespace, app.Name)
		placement.Spec.DRPolicyRef.Name, placement.Spec.FailoverCluster = policy, "mars"
		_, err := app.Placements().Create(ctx, placement, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		_, err = app.Await(ctx, framework.Soon, framework.False[*v1alpha1.DRPlacementControl](v1alpha1.ConditionPeerReady, "mars"))
		Expect(err).NotTo(HaveOccurred())
		_, err = app.Failover(ctx, v1alpha1.DRActionSpec{Force: true})
		Expect(framework.Refused(err, http.StatusConflict, action.CheckTargetKnown)).To(Succeed())
		itStillRuns(ctx, app, framework.DR1)
	}, SpecTimeout(specTimeout))

	It("when a cluster's object store is not configured", func(ctx SpecContext) {
		cluster := &v1alpha1.DRCluster{
			ObjectMeta: metav1.ObjectMeta{Name: "e2e-" + utilrand.String(5)},
			Spec:       v1alpha1.DRClusterSpec{Region: "moon", S3ProfileName: "s3-of-mars"},
		}
		_, err := playground.Hub.DR.DrV1alpha1().DRClusters().Create(ctx, cluster, metav1.CreateOptions{})
		Expect(framework.Refused(err, http.StatusUnprocessableEntity)).To(Succeed())
		Expect(err).To(MatchError(And(ContainSubstring("spec.s3ProfileName"), ContainSubstring("s3-of-mars"), ContainSubstring("which has s3-dr1"))))
	}, SpecTimeout(specTimeout))

	It("when a cluster's object store has no bucket", func(ctx SpecContext) {
		noBucket := newDRCluster(ctx, "s3-without-bucket")
		awaitDRCluster(ctx, noBucket, framework.False[*v1alpha1.DRCluster](v1alpha1.ConditionValidated,
			"s3-without-bucket", "nobody-made-this-bucket"))
		By("a policy over such a cluster says so too")
		policyIs(ctx, newPolicy(ctx, framework.DR1, noBucket), framework.False[*v1alpha1.DRPolicy](v1alpha1.ConditionValidated, noBucket))
	}, SpecTimeout(specTimeout))

	It("when a selector matches no volume", func(ctx SpecContext) {
		app := deployed(ctx)
		placement := framework.Placement(app.Namespace, app.Name)
		placement.Spec.PVCSelector.MatchLabels["app"] = "misspelt"
		_, err := app.Placements().Create(ctx, placement, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		_, err = app.Await(ctx, framework.Soon, framework.False[*v1alpha1.DRPlacementControl](v1alpha1.ConditionProtected, "app=misspelt"))
		Expect(err).NotTo(HaveOccurred())
		_, err = app.Failover(ctx, forced)
		Expect(framework.Refused(err, http.StatusConflict, action.CheckNoActionInProgress)).To(Succeed(),
			"there is nothing to fail over before the first placement has ended")
		itStillRuns(ctx, app, framework.DR1)
	}, SpecTimeout(specTimeout))

	It("when a volume's class can't be replicated, and the other volumes are protected", func(ctx SpecContext) {
		app := deployed(ctx)
		plainVolume(ctx, app, "plain")
		Expect(app.Protect(ctx)).To(Succeed())
		_, err := app.Await(ctx, framework.Replication,
			framework.False[*v1alpha1.DRPlacementControl](v1alpha1.ConditionProtected, "plain", "sim-plain"))
		Expect(err).NotTo(HaveOccurred())
		By("waiting until the others are replicated")
		_, err = framework.Await(ctx, app.Groups(), app.Group(framework.DR1), framework.Replication, othersProtected("plain"))
		Expect(err).NotTo(HaveOccurred())
		itStillWrites(ctx, app, framework.DR1)
	}, SpecTimeout(specTimeout))
})

// newPolicy is a DRPolicy between two clusters that goes when the spec ends.
func newPolicy(ctx context.Context, clusters ...string) string {
	GinkgoHelper()
	policies := playground.Hub.DR.DrV1alpha1().DRPolicies()
	policy := &v1alpha1.DRPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "e2e-" + utilrand.String(5)},
		Spec:       v1alpha1.DRPolicySpec{DRClusters: clusters, SchedulingInterval: "1m"},
	}
	_, err := policies.Create(ctx, policy, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) {
		Expect(policies.Delete(ctx, policy.Name, metav1.DeleteOptions{})).To(Succeed())
	}, NodeTimeout(cleanupTimeout))
	return policy.Name
}

func policyIs(ctx context.Context, name string, wanted framework.Wanted[*v1alpha1.DRPolicy]) {
	GinkgoHelper()
	By("waiting until DRPolicy " + name + " is " + wanted.What)
	_, err := framework.Await(ctx, playground.Hub.DR.DrV1alpha1().DRPolicies(), name, framework.Soon, wanted)
	Expect(err).NotTo(HaveOccurred())
}

// newDRCluster is a DRCluster with an object store that goes when the spec ends. No agent acts for it.
func newDRCluster(ctx context.Context, profile string) string {
	GinkgoHelper()
	clusters := playground.Hub.DR.DrV1alpha1().DRClusters()
	cluster := &v1alpha1.DRCluster{
		ObjectMeta: metav1.ObjectMeta{Name: "e2e-" + utilrand.String(5)},
		Spec:       v1alpha1.DRClusterSpec{Region: "moon", S3ProfileName: profile},
	}
	_, err := clusters.Create(ctx, cluster, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) {
		Expect(clusters.Delete(ctx, cluster.Name, metav1.DeleteOptions{})).To(Succeed())
	}, NodeTimeout(cleanupTimeout))
	return cluster.Name
}

// plainVolume gives the application one more volume, of a class that can't be replicated.
func plainVolume(ctx context.Context, app *framework.App, name string) {
	GinkgoHelper()
	class := "sim-plain"
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": app.Namespace}},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: &class,
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
	_, err := playground.Managed[framework.DR1].Kube.CoreV1().PersistentVolumeClaims(app.Namespace).Create(ctx, claim, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
}

// othersProtected is the state in which all volumes but the one of the name are protected, and that one is not.
func othersProtected(name string) framework.Wanted[*v1alpha1.VolumeReplicationGroup] {
	return framework.Wanted[*v1alpha1.VolumeReplicationGroup]{
		What: "protecting all volumes but " + name,
		Reached: func(group *v1alpha1.VolumeReplicationGroup) (bool, string, error) {
			right := len(group.Status.ProtectedPVCs) == 3
			for _, pvc := range group.Status.ProtectedPVCs {
				isProtected := meta.IsStatusConditionTrue(pvc.Conditions, v1alpha1.ConditionDataProtected)
				right = right && isProtected == (pvc.Name != name)
			}
			return right, framework.Describe(group), nil
		},
	}
}
