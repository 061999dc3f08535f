// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var replicationClassKind = schema.GroupVersionResource{
	Group: "replication.storage.openshift.io", Version: "v1alpha1", Resource: "volumereplicationclasses",
}

var _ = Describe("Storage that has to be told before its copies are promoted", func() {
	It("is told by the first failover that needs it, promotes nothing before it says that it may, and is let go after the last", func(ctx SpecContext) {
		class := askingStorage(ctx)
		policy := policyFor(ctx, class)
		operator := storageOperator(ctx)
		first, second := newApp(), newApp()
		for _, app := range []*framework.App{first, second} {
			By("deploying the application " + app.Namespace)
			Expect(app.Deploy(ctx, framework.DR1, 1, "--storage-class", class)).To(Succeed())
			protectBy(ctx, app, policy)
		}
		settled(ctx, first, framework.DR1)
		settled(ctx, second, framework.DR1)

		disrupt(ctx, []string{"fault", "hang=promote.before", "namespace=" + second.Namespace},
			[]string{"fault", "clear", "namespace=" + second.Namespace})
		failovers := map[*framework.App]*v1alpha1.DRAction{}
		var mode string
		for _, app := range []*framework.App{first, second} {
			By("failing " + app.Namespace + " over")
			failover := accepted(ctx, app.Failover, forced)
			failovers[app] = failover
			inStep(ctx, app, failover.Name, v1alpha1.StepMaintenanceMode)
			itIsSaid(ctx, app, failover.Name, "operator", "MaintenanceMode")
			mode = theMode(ctx, class)
			placement, err := app.Get(ctx)
			Expect(err).NotTo(HaveOccurred())
			Expect(placement.Status.PrimaryCluster).To(Equal(framework.DR1), "nothing is promoted")
		}

		By("reporting for the storage that copies may be promoted")
		activate(ctx, operator, mode)
		succeeded(ctx, first, failovers[first].Name)
		settled(ctx, first, framework.DR2)
		inStep(ctx, second, failovers[second].Name, v1alpha1.StepPromote)
		Expect(theMode(ctx, class)).To(Equal(mode), "the second failover needs it yet")
		letGoOn(ctx, second)
		succeeded(ctx, second, failovers[second].Name)
		Expect(framework.AwaitGone(ctx, playground.Hub.DR.DrV1alpha1().MaintenanceModes(), mode, framework.Soon)).To(Succeed())
		for app, failover := range failovers {
			nothingLostBefore(app, failover)
		}
	}, SpecTimeout(specTimeout))
})

// askedInterval is at which the storage that has to be told replicates; it is no other policy's, whose failovers would wait too.
const askedInterval = "2m"

// askingStorage makes a class of storage, on both clusters, that asks to be told before its copies are promoted.
func askingStorage(ctx context.Context) (class string) {
	GinkgoHelper()
	class = "asking-" + utilrand.String(5)
	By("having storage of class " + class)
	for cluster, identity := range playground.Managed {
		classes, replication := identity.Kube.StorageV1().StorageClasses(), identity.Dynamic.Resource(replicationClassKind)
		DeferCleanup(func(ctx SpecContext) {
			Expect(classes.Delete(ctx, class, metav1.DeleteOptions{})).To(Succeed())
			Expect(replication.Delete(ctx, class, metav1.DeleteOptions{})).To(Succeed())
		})
		like, err := classes.Get(ctx, replicatedClass, metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		storage := class + "-" + cluster
		_, err = classes.Create(ctx, &storagev1.StorageClass{
			ObjectMeta: metav1.ObjectMeta{Name: class, Labels: map[string]string{
				v1alpha1.LabelStorageID: storage, v1alpha1.LabelMaintenanceModes: string(v1alpha1.MaintenanceModeFailover),
			}},
			Provisioner: like.Provisioner, ReclaimPolicy: like.ReclaimPolicy, VolumeBindingMode: like.VolumeBindingMode,
			AllowVolumeExpansion: ptr.To(true),
		}, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		_, err = replication.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": replicationClassKind.GroupVersion().String(), "kind": "VolumeReplicationClass",
			"metadata": map[string]any{"name": class, "labels": map[string]any{v1alpha1.LabelStorageID: storage, v1alpha1.LabelReplicationID: class}},
			"spec": map[string]any{"provisioner": like.Provisioner, "parameters": map[string]any{
				"schedulingInterval": askedInterval, "syncInterval": "1s",
			}},
		}}, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
	}
	return class
}

// policyFor is a DRPolicy by which volumes of the class are replicated.
func policyFor(ctx context.Context, class string) string {
	GinkgoHelper()
	policies := playground.Hub.DR.DrV1alpha1().DRPolicies()
	DeferCleanup(func(ctx SpecContext) {
		if !keep() {
			Expect(policies.Delete(ctx, class, metav1.DeleteOptions{})).To(Succeed())
		}
	})
	_, err := policies.Create(ctx, &v1alpha1.DRPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: class},
		Spec:       v1alpha1.DRPolicySpec{DRClusters: []string{framework.DR1, framework.DR2}, SchedulingInterval: askedInterval},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	_, err = framework.Await(ctx, policies, class, framework.Soon, framework.Wanted[*v1alpha1.DRPolicy]{
		What: "paired", Reached: func(p *v1alpha1.DRPolicy) (bool, string, error) {
			seen := fmt.Sprintf("%+v", p.Status)
			if p.Status.Async == nil {
				return false, seen, nil
			}
			for _, peer := range p.Status.Async.PeerClasses {
				if peer.StorageClassName == class {
					return true, seen, nil
				}
			}
			return false, seen, nil
		},
	})
	Expect(err).NotTo(HaveOccurred())
	return class
}

// storageOperator is somebody on the hub who may do what a storage's operator has to.
func storageOperator(ctx context.Context) *framework.Identity {
	GinkgoHelper()
	name := "storage-operator-" + utilrand.String(5)
	bindings := playground.Hub.Kube.RbacV1().ClusterRoleBindings()
	_, err := bindings.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "dr-storage-operator"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) { Expect(bindings.Delete(ctx, name, metav1.DeleteOptions{})).To(Succeed()) })
	operator, err := playground.Hub.As(name)
	Expect(err).NotTo(HaveOccurred())
	return operator
}

// theMode is the one MaintenanceMode by which the storage of dr2 is told.
func theMode(ctx context.Context, class string) string {
	GinkgoHelper()
	modes, err := playground.Hub.DR.DrV1alpha1().MaintenanceModes().List(ctx, metav1.ListOptions{})
	Expect(err).NotTo(HaveOccurred())
	var told []string
	for _, mode := range modes.Items {
		if mode.Spec.TargetID == class && mode.Spec.ClusterName == framework.DR2 && mode.DeletionTimestamp == nil {
			told = append(told, mode.Name)
		}
	}
	Expect(told).To(HaveLen(1), "%+v", modes.Items)
	return told[0]
}

// activate reports, as the storage's operator, that copies may be promoted.
func activate(ctx context.Context, operator *framework.Identity, name string) {
	GinkgoHelper()
	modes := operator.DR.DrV1alpha1().MaintenanceModes()
	mode, err := modes.Get(ctx, name, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	mode.Status = v1alpha1.MaintenanceModeStatus{
		State: v1alpha1.MaintenanceModeCompleted, ObservedGeneration: mode.Generation,
		Conditions: []metav1.Condition{{
			Type: v1alpha1.ConditionFailoverActivated, Status: metav1.ConditionTrue, Reason: "Activated", LastTransitionTime: metav1.Now(),
		}},
	}
	_, err = modes.UpdateStatus(ctx, mode, metav1.UpdateOptions{})
	Expect(err).NotTo(HaveOccurred())
}
