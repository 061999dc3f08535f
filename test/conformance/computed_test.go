// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic/dynamicinformer"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

var _ = Describe("Computed objects", func() {
	for _, k := range computed {
		Context(k.name, func() {
			It("are read like any other: one, all, by labels and fields, as metadata and as tables", func(ctx SpecContext) {
				group := reportingGroup(ctx, namespace)
				list := k.list(ctx, metav1.ListOptions{LabelSelector: label + "=" + group})
				Expect(list.Items).To(HaveLen(2))
				name := list.Items[0].GetName()
				one := k.get(ctx, name)
				Expect(one.GetNamespace()).To(Equal(namespace))
				Expect(one.GetUID()).NotTo(BeEmpty())
				Expect(names(k.list(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name}))).To(ConsistOf(name))
				Expect(names(k.list(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name + ",metadata.namespace=default"}))).To(BeEmpty())
				_, err := k.objects().List(ctx, metav1.ListOptions{FieldSelector: "spec.colour=red"})
				Expect(err).To(refused(http.StatusBadRequest, "spec.colour", "metadata.name"))
				_, err = k.objects().Get(ctx, "missing", metav1.GetOptions{})
				Expect(err).To(refused(http.StatusNotFound, `"missing"`))
				metadata, err := k.metadatas().List(ctx, metav1.ListOptions{LabelSelector: label + "=" + group})
				Expect(err).NotTo(HaveOccurred())
				Expect(metadata.Items).To(HaveLen(2))
				table := as[metav1.Table](send(ctx, request{path: k.path(name), accept: asTable}))
				Expect(table.Rows).To(HaveLen(1))
			}, SpecTimeout(specTimeout))

			It("have the version of what they are computed from", func(ctx SpecContext) {
				before := k.list(ctx, metav1.ListOptions{}).GetResourceVersion()
				reportingGroup(ctx, namespace)
				after := k.list(ctx, metav1.ListOptions{})
				Expect(number(after.GetResourceVersion())).To(BeNumerically(">", number(before)))
				notOlder := metav1.ListOptions{ResourceVersion: after.GetResourceVersion(), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan}
				Expect(k.list(ctx, notOlder).Items).NotTo(BeEmpty())
			}, SpecTimeout(specTimeout))

			It("can be neither watched nor written, and say so at once", func(ctx SpecContext) {
				_, err := k.objects().Watch(ctx, metav1.ListOptions{})
				Expect(err).To(refused(http.StatusMethodNotAllowed, "watch", k.resource))
				for method, path := range map[string]string{
					http.MethodPost: k.path(), http.MethodPut: k.path("x"), http.MethodPatch: k.path("x"), http.MethodDelete: k.path("x"),
				} {
					Expect(send(ctx, request{method: method, path: path, body: []byte("{}")}).code).To(Equal(http.StatusMethodNotAllowed), method)
				}
				Expect(send(ctx, request{method: http.MethodDelete, path: k.path()}).code).To(Equal(http.StatusMethodNotAllowed))
			}, SpecTimeout(specTimeout))

			It("are had by an informer all the same: it lists them again and again", func(ctx SpecContext) {
				group := reportingGroup(ctx, namespace)
				factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(hub.Dynamic, time.Hour, namespace,
					func(o *metav1.ListOptions) { o.LabelSelector = label + "=" + group })
				informer := factory.ForResource(k.gvr()).Informer()
				running, stop := context.WithCancel(context.WithoutCancel(ctx))
				DeferCleanup(stop)
				go informer.RunWithContext(running)
				Eventually(informer.HasSynced).WithContext(ctx).WithTimeout(await).Should(BeTrue())
				Expect(keys(informer)).To(HaveLen(2))
			}, SpecTimeout(specTimeout))
		})
	}
})

// reportingGroup makes a VolumeReplicationGroup, labelled with its name, that reports two volumes, hands two consistency
// groups of them over, and receives them.
func reportingGroup(ctx context.Context, namespace string) string {
	GinkgoHelper()
	name := unique()
	groups := hub.DR.DrV1alpha1().VolumeReplicationGroups(namespace)
	group, err := groups.Create(ctx, &v1alpha1.VolumeReplicationGroup{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{label: name}},
		Spec: v1alpha1.VolumeReplicationGroupSpec{
			ClusterName: east, ReplicationState: v1alpha1.Secondary, S3Profiles: []string{"one"},
			VolSync: &v1alpha1.VRGVolSyncSpec{Groups: []v1alpha1.VolSyncGroup{{Name: "one", Stream: "1"}, {Name: "two", Stream: "2"}}},
		},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	for _, claim := range []string{"data-0", "data-1"} {
		group.Status.ProtectedPVCs = append(group.Status.ProtectedPVCs, v1alpha1.ProtectedPVC{Namespace: namespace, Name: claim})
	}
	group.Status.VolSync = &v1alpha1.VRGVolSyncStatus{}
	for _, sent := range group.Spec.VolSync.Groups {
		group.Status.VolSync.Groups = append(group.Status.VolSync.Groups,
			v1alpha1.VolSyncGroupStatus{VolSyncGroup: sent, Source: &v1alpha1.VolSyncGroupSource{Step: v1alpha1.ReplicationGroupWaiting}})
	}
	_, err = groups.UpdateStatus(ctx, group, metav1.UpdateOptions{})
	Expect(err).NotTo(HaveOccurred())
	return name
}
