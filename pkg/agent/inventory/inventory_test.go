// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"context"
	"testing"
	"time"

	replicationv1alpha1 "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ramendr/dr-apiserver/pkg/agent/served"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func scheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, replicationv1alpha1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestTheHubLearnsEachClassOnceAndOnlyWhatChanged(t *testing.T) {
	ctx := context.Background()
	s := scheme(t)
	storageID := map[string]string{v1alpha1.LabelStorageID: "s1"}
	local := fake.NewClientBuilder().WithScheme(s).WithObjects(
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "cluster-uid"}},
		&storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "slow"}, Provisioner: "driver"},
		&storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "fast", Labels: storageID}, Provisioner: "driver"},
		&replicationv1alpha1.VolumeReplicationClass{
			ObjectMeta: metav1.ObjectMeta{Name: "hourly", Labels: map[string]string{v1alpha1.LabelReplicationIDCamel: "r1"}},
			Spec: replicationv1alpha1.VolumeReplicationClassSpec{Provisioner: "driver", Parameters: map[string]string{
				"schedulingInterval": "1h", "replication.storage.openshift.io/replication-secret-name": "do-not-tell",
			}},
		},
	).Build()
	patches := 0
	hub := fake.NewClientBuilder().WithScheme(s).WithStatusSubresource(&v1alpha1.DRClusterConfig{}).
		WithInterceptorFuncs(interceptor.Funcs{SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			patches++
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		}}).Build()
	now := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local))
	r := &Reconciler{Cluster: "dr1", Hub: hub, Local: local, Kinds: kindsOf(t, local), Clock: clocktesting.NewFakePassiveClock(now.Time)}
	if err := r.watch(func(client.Object) {}); err != nil {
		t.Fatal(err)
	}
	go r.Kinds.Run(t.Context())
	for range 2 {
		if _, err := r.Reconcile(ctx, reconcile.Request{}); err != nil {
			t.Fatal(err)
		}
	}
	if patches != 1 {
		t.Errorf("reported %d times, want once", patches)
	}
	var got v1alpha1.DRClusterConfig
	if err := hub.Get(ctx, client.ObjectKey{Name: "dr1"}, &got); err != nil {
		t.Fatal(err)
	}
	if got.Spec.ClusterID != "cluster-uid" {
		t.Errorf("clusterID is %q", got.Spec.ClusterID)
	}
	want := v1alpha1.DRClusterConfigStatus{
		StorageClasses: []v1alpha1.ClassInfo{
			{Name: "fast", Provisioner: "driver", StorageID: "s1", Labels: storageID},
			{Name: "slow", Provisioner: "driver"},
		},
		VolumeReplicationClasses: []v1alpha1.ClassInfo{{
			Name: "hourly", Provisioner: "driver", ReplicationID: "r1", SchedulingInterval: "1h",
			Labels: map[string]string{v1alpha1.LabelReplicationIDCamel: "r1"},
		}},
		LastUpdateTime: &now,
	}
	if diff := gocmp.Diff(want, got.Status); diff != "" {
		t.Error("status (-want +got):", diff)
	}

	if err := local.Delete(ctx, &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "slow"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Reconcile(ctx, reconcile.Request{}); err != nil {
		t.Fatal(err)
	}
	if err := hub.Get(ctx, client.ObjectKey{Name: "dr1"}, &got); err != nil {
		t.Fatal(err)
	}
	if patches != 2 || len(got.Status.StorageClasses) != 1 {
		t.Errorf("after a class went: %d reports, classes %v", patches, got.Status.StorageClasses)
	}
}

// servedCache reads what a client has, as the agent's cache does, and pretends to watch.
type servedCache struct {
	client.Reader
	informertest.FakeInformers
}

func (c *servedCache) Get(ctx context.Context, key client.ObjectKey, o client.Object, options ...client.GetOption) error {
	return c.Reader.Get(ctx, key, o, options...)
}

func (c *servedCache) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	return c.Reader.List(ctx, list, options...)
}

func kindsOf(t *testing.T, local client.Client) *served.Kinds {
	t.Helper()
	return served.NewKinds(&servedCache{Reader: local}, local, local.Scheme())
}

// class is an object of a kind that this module has no type of.
func class(apiVersion, kind, name string, content map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{
		"name": name, "labels": map[string]any{v1alpha1.LabelStorageID: "s1"}}}}
	for key, value := range content {
		u.Object[key] = value
	}
	return u
}

func TestTheHubLearnsWhatStorageBroughtAlong(t *testing.T) {
	clients := func(node, driver string, cidrs ...any) *unstructured.Unstructured {
		return class("csiaddons.openshift.io/v1alpha1", "CSIAddonsNode", node, map[string]any{
			"spec": map[string]any{"driver": map[string]any{"name": driver}},
			"status": map[string]any{"networkFenceClientStatus": []any{map[string]any{"networkFenceClassName": "fence",
				"ClientDetails": []any{map[string]any{"id": "a", "cidrs": cidrs}}}}},
		})
	}
	group := class("replication.storage.openshift.io/v1alpha1", "VolumeGroupReplicationClass", "group", map[string]any{
		"spec": map[string]any{"provisioner": "driver", "parameters": map[string]any{"schedulingInterval": "5m", "secret": "do-not-tell"}}})
	group.SetLabels(map[string]string{v1alpha1.LabelGroupReplicationID: "g1", v1alpha1.LabelReplicationID: "r1", v1alpha1.LabelGlobal: "true", v1alpha1.LabelOffloaded: "false"})
	objects := []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "cluster-uid"}}, group,
		class("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", "snap", map[string]any{"driver": "driver"}),
		class("groupsnapshot.storage.k8s.io/v1beta1", "VolumeGroupSnapshotClass", "group-snap", map[string]any{"driver": "driver"}),
		class("csiaddons.openshift.io/v1alpha1", "NetworkFenceClass", "fence", map[string]any{"spec": map[string]any{"provisioner": "driver"}}),
		clients("a", "driver", "10.0.2.0/24", "10.0.1.0/24"), clients("b", "driver", "10.0.1.0/24"), clients("c", "another", "10.9.0.0/16"),
	}
	all := fake.NewClientBuilder().WithScheme(scheme(t)).WithObjects(objects...)
	local := all.WithInterceptorFuncs(interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
		kind := list.GetObjectKind().GroupVersionKind()
		if kind.Group == "groupsnapshot.storage.k8s.io" && kind.Version != "v1beta1" {
			return &meta.NoKindMatchError{GroupKind: kind.GroupKind()}
		}
		return c.List(ctx, list, options...)
	}}).Build()
	r := &Reconciler{Kinds: kindsOf(t, local), Local: local}
	if err := r.watch(func(client.Object) {}); err != nil {
		t.Fatal(err)
	}
	go r.Kinds.Run(t.Context())
	r.Kinds.WaitForSync(t.Context())
	found, err := r.find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s1 := map[string]string{v1alpha1.LabelStorageID: "s1"}
	want := &v1alpha1.DRClusterConfigStatus{
		VolumeGroupReplicationClasses: []v1alpha1.ClassInfo{{
			Name: "group", Provisioner: "driver", ReplicationID: "r1", GroupReplicationID: "g1", Global: true, SchedulingInterval: "5m", Labels: group.GetLabels(),
		}},
		VolumeSnapshotClasses:      []v1alpha1.ClassInfo{{Name: "snap", Provisioner: "driver", StorageID: "s1", Labels: s1}},
		VolumeGroupSnapshotClasses: []v1alpha1.ClassInfo{{Name: "group-snap", Provisioner: "driver", StorageID: "s1", Labels: s1}},
		NetworkFenceClasses:        []v1alpha1.ClassInfo{{Name: "fence", Provisioner: "driver", StorageID: "s1", Labels: s1}},
		StorageAccessDetails: []v1alpha1.StorageAccessDetail{
			{StorageProvisioner: "another", CIDRs: []string{"10.9.0.0/16"}},
			{StorageProvisioner: "driver", CIDRs: []string{"10.0.1.0/24", "10.0.2.0/24"}},
		},
	}
	if diff := gocmp.Diff(want, found); diff != "" {
		t.Error("found (-want +got):", diff)
	}
}
