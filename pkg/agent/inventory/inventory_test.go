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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

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
	r := &Reconciler{Cluster: "dr1", Hub: hub, Local: local, Clock: clocktesting.NewFakePassiveClock(now.Time)}
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
