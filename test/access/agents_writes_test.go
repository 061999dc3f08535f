// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	drclient "github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned/typed/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// agent is a signed-in agent's clients of one of the two ways.
type agent struct {
	fleet
	way string
	*framework.Identity
}

func (f fleet) agents(ctx context.Context) []agent {
	GinkgoHelper()
	hub, err := framework.NewIdentity(f.agent)
	Expect(err).NotTo(HaveOccurred())
	server, err := framework.NewIdentity(direct(ctx, f.agent))
	Expect(err).NotTo(HaveOccurred())
	return []agent{{f, throughHub, hub}, {f, straight, server}}
}

func (a agent) groups() drclient.VolumeReplicationGroupInterface {
	return a.DR.DrV1alpha1().VolumeReplicationGroups(a.namespace)
}

func (a agent) configs() drclient.DRClusterConfigInterface {
	return a.DR.DrV1alpha1().DRClusterConfigs()
}

// patch patches the group of a cluster.
func (a agent) patch(ctx context.Context, cluster, patch string, subresources ...string) error {
	_, err := a.groups().Patch(ctx, v1alpha1.GroupNameFor(placementName, cluster), types.MergePatchType, []byte(patch), metav1.PatchOptions{}, subresources...)
	return err
}

// group reads the group of a cluster as an administrator.
func (f fleet) group(ctx context.Context, cluster string) *v1alpha1.VolumeReplicationGroup {
	GinkgoHelper()
	group, err := playground.Hub.DR.DrV1alpha1().VolumeReplicationGroups(f.namespace).
		Get(ctx, v1alpha1.GroupNameFor(placementName, cluster), metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	return group
}

var _ = Describe("The agent of a cluster writes", func() {
	It("the status of its groups, takes off its finalizer, and describes its cluster", func(ctx SpecContext) {
		f := newFleet(ctx)
		finalizer := []byte(`{"metadata":{"finalizers":["` + v1alpha1.AgentFinalizer + `"]}}`)
		for _, a := range f.agents(ctx) {
			By(a.way)
			Expect(a.patch(ctx, f.own, `{"status":{"state":"Secondary","epoch":1}}`, "status")).To(Succeed())
			group, err := a.groups().Get(ctx, v1alpha1.GroupNameFor(placementName, f.own), metav1.GetOptions{})
			Expect(err).NotTo(HaveOccurred())
			Expect(group.Status.State).To(Equal(v1alpha1.SecondaryState))

			group, err = playground.Hub.DR.DrV1alpha1().VolumeReplicationGroups(f.namespace).
				Patch(ctx, group.Name, types.MergePatchType, finalizer, metav1.PatchOptions{})
			Expect(err).NotTo(HaveOccurred())
			group.Finalizers = nil
			_, err = a.groups().Update(ctx, group, metav1.UpdateOptions{})
			Expect(err).NotTo(HaveOccurred())

			config := &v1alpha1.DRClusterConfig{ObjectMeta: metav1.ObjectMeta{Name: f.own}, Spec: v1alpha1.DRClusterConfigSpec{ClusterID: "1"}}
			config, err = a.configs().Create(ctx, config, metav1.CreateOptions{})
			Expect(err).NotTo(HaveOccurred())
			config.Status.StorageClasses = []v1alpha1.ClassInfo{{Name: "fast", Provisioner: "csi"}}
			_, err = a.configs().UpdateStatus(ctx, config, metav1.UpdateOptions{})
			Expect(err).NotTo(HaveOccurred())
			Expect(playground.Hub.DR.DrV1alpha1().DRClusterConfigs().Delete(ctx, f.own, metav1.DeleteOptions{})).To(Succeed())
		}
	}, SpecTimeout(specTimeout))

	It("nothing into its groups that the hub decides", func(ctx SpecContext) {
		f := newFleet(ctx)
		before := f.group(ctx, f.own)
		for _, a := range f.agents(ctx) {
			for what, patch := range map[string]string{
				"whose it is":         `{"spec":{"clusterName":"` + f.another + `"}}`,
				"its role":            `{"spec":{"replicationState":"primary"}}`,
				"its epoch":           `{"spec":{"epoch":9}}`,
				"a handover token":    `{"spec":{"action":"Relocate","handoverToken":{"epoch":1,"digest":"x"}}}`,
				"a label":             `{"metadata":{"labels":{"` + v1alpha1.LabelCluster + `":"` + f.another + `"}}}`,
				"an annotation":       `{"metadata":{"annotations":{"a":"b"}}}`,
				"a finalizer":         `{"metadata":{"finalizers":["keep.it/here"]}}`,
				"its own finalizer":   `{"metadata":{"finalizers":["` + v1alpha1.AgentFinalizer + `"]}}`,
				"an owner":            `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"a","uid":"b"}]}}`,
				"another's own group": `{"metadata":{"name":"` + v1alpha1.GroupNameFor(placementName, f.another) + `"}}`,
			} {
				err := a.patch(ctx, f.own, patch)
				Expect(apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)).To(BeTrue(), "%s, %s: %v", what, a.way, err)
			}
			By("a status with a spec changes the status")
			Expect(a.patch(ctx, f.own, `{"metadata":{"labels":{"a":"b"}},"spec":{"epoch":9},"status":{"epoch":1}}`, "status")).To(Succeed())
		}
		after := f.group(ctx, f.own)
		Expect(after.Spec).To(Equal(before.Spec))
		Expect(after.Labels).To(Equal(before.Labels))
		Expect(after.Finalizers).To(BeEmpty())
	}, SpecTimeout(specTimeout))

	It("no status of another cluster's group, and makes and deletes none", func(ctx SpecContext) {
		f := newFleet(ctx)
		before := f.group(ctx, f.another)
		for _, a := range f.agents(ctx) {
			spoofed := f.group(ctx, f.own)
			spoofed.Name = v1alpha1.GroupNameFor(placementName, f.another)
			_, err := a.groups().UpdateStatus(ctx, spoofed, metav1.UpdateOptions{})
			Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%s: %v", a.way, err)
			Expect(apierrors.IsForbidden(a.patch(ctx, f.another, `{"status":{"state":"Primary"}}`, "status"))).To(BeTrue())

			made := f.group(ctx, f.own)
			made.ResourceVersion, made.UID, made.Name = "", "", v1alpha1.GroupNameFor("new", f.own)
			_, err = a.groups().Create(ctx, made, metav1.CreateOptions{})
			Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%s: %v", a.way, err)
			_, err = a.groups().Patch(ctx, made.Name, types.ApplyPatchType,
				[]byte(`{"apiVersion":"dr.ramen.io/v1alpha1","kind":"VolumeReplicationGroup","metadata":{"name":"`+made.Name+`"},"spec":{"clusterName":"`+f.own+`","replicationState":"primary","s3Profiles":["s3-dr1"]}}`),
				metav1.PatchOptions{FieldManager: "agent"})
			Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%s: %v", a.way, err)
			_, err = a.groups().Update(ctx, made, metav1.UpdateOptions{})
			Expect(err).To(HaveOccurred(), a.way)
			Expect(apierrors.IsForbidden(a.groups().Delete(ctx, v1alpha1.GroupNameFor(placementName, f.own), metav1.DeleteOptions{}))).To(BeTrue())
		}
		Expect(f.group(ctx, f.another)).To(Equal(before))
	}, SpecTimeout(specTimeout))

	It("no other cluster's description, whatever the body says", func(ctx SpecContext) {
		f := newFleet(ctx)
		for _, a := range f.agents(ctx) {
			for what, meta := range map[string]metav1.ObjectMeta{
				"another's name":                  {Name: f.another},
				"a name that begins like its own": {GenerateName: f.own},
			} {
				config := &v1alpha1.DRClusterConfig{ObjectMeta: meta, Spec: v1alpha1.DRClusterConfigSpec{ClusterID: "1"}}
				_, err := a.configs().Create(ctx, config, metav1.CreateOptions{})
				Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%s, %s: %v", what, a.way, err)
			}
			_, err := a.configs().Patch(ctx, f.another, types.ApplyPatchType,
				[]byte(`{"apiVersion":"dr.ramen.io/v1alpha1","kind":"DRClusterConfig","metadata":{"name":"`+f.another+`"},"spec":{"clusterID":"1"}}`), metav1.PatchOptions{FieldManager: "agent"})
			Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%s: %v", a.way, err)
		}
	}, SpecTimeout(specTimeout))

	It("the Lease of its own cluster and of no other", func(ctx SpecContext) {
		f := newFleet(ctx)
		hub := f.agents(ctx)[0]
		admin := playground.Hub.Kube.CoordinationV1().Leases(component.AgentNamespace)
		leases := hub.Kube.CoordinationV1().Leases(component.AgentNamespace)
		lease := func(name string) *coordinationv1.Lease {
			return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}}
		}
		_, err := leases.Create(ctx, lease(f.own), metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx SpecContext) { Expect(admin.Delete(ctx, f.own, metav1.DeleteOptions{})).To(Succeed()) })
		_, err = leases.Patch(ctx, f.own, types.MergePatchType, []byte(`{"spec":{"holderIdentity":"me"}}`), metav1.PatchOptions{})
		Expect(err).NotTo(HaveOccurred())

		for _, create := range []*coordinationv1.Lease{lease(f.another), {ObjectMeta: metav1.ObjectMeta{GenerateName: f.own}}} {
			_, err = leases.Create(ctx, create, metav1.CreateOptions{})
			Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		}
		others := newLease(ctx, f.another)
		_, err = leases.Patch(ctx, f.another, types.MergePatchType, []byte(`{"spec":{"holderIdentity":"me"}}`), metav1.PatchOptions{})
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		_, err = leases.Update(ctx, others, metav1.UpdateOptions{})
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		_, err = leases.Get(ctx, f.another, metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred(), "reading another's is harmless, and RBAC has no way to forbid it")
		_, err = leases.List(ctx, metav1.ListOptions{})
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		Expect(apierrors.IsForbidden(leases.Delete(ctx, f.own, metav1.DeleteOptions{}))).To(BeTrue())
		_, err = hub.Kube.CoordinationV1().Leases(f.namespace).Create(ctx, lease(f.own), metav1.CreateOptions{})
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
	}, SpecTimeout(specTimeout))

	It("no token but its own, and none for long", func(ctx SpecContext) {
		f := newFleet(ctx)
		accounts := f.agents(ctx)[0].Kube.CoreV1().ServiceAccounts(component.AgentNamespace)
		request := func(cluster string, lifetime time.Duration) error {
			seconds := int64(lifetime.Seconds())
			_, err := accounts.CreateToken(ctx, cluster, &authenticationv1.TokenRequest{
				Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds},
			}, metav1.CreateOptions{})
			return err
		}
		const day = 24 * time.Hour
		Expect(request(f.own, 7*day)).To(Succeed())
		Expect(apierrors.IsForbidden(request(f.another, time.Hour))).To(BeTrue())
		Expect(apierrors.IsForbidden(request(f.own, 31*day))).To(BeTrue())
		_, err := f.agents(ctx)[0].Kube.CoreV1().ServiceAccounts(f.namespace).
			CreateToken(ctx, "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
	}, SpecTimeout(specTimeout))
})
