// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// restored is a volume and its claim after a restore.
func restored(t *testing.T, v archive.Volume, existing ...client.Object) (corev1.PersistentVolume, corev1.PersistentVolumeClaim) {
	t.Helper()
	r, c := onVolumes(existing...)
	if err := r.Volumes(t.Context(), owner, []archive.Volume{v}, nil); err != nil {
		t.Fatal(err)
	}
	var pv corev1.PersistentVolume
	var pvc corev1.PersistentVolumeClaim
	if err := c.Get(t.Context(), client.ObjectKey{Name: "pv"}, &pv); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "data"}, &pvc); err != nil {
		t.Fatal(err)
	}
	return pv, pvc
}

func TestAVolumeNamesTheSecretsOfTheClusterThatItIsRestoredTo(t *testing.T) {
	v := captured()
	v.PV.Spec.StorageClassName = "fast"
	there := func(name string) *corev1.SecretReference {
		return &corev1.SecretReference{Namespace: "there", Name: name}
	}
	v.PV.Spec.CSI.NodeStageSecretRef, v.PV.Spec.CSI.NodePublishSecretRef, v.PV.Spec.CSI.ControllerExpandSecretRef = there("stage"), there("publish"), there("expand")
	parameters := map[string]string{
		"csi.storage.k8s.io/node-stage-secret-name": "key", "csi.storage.k8s.io/node-stage-secret-namespace": "here",
		"csi.storage.k8s.io/node-publish-secret-name": "key-of-${pvc.name}", "csi.storage.k8s.io/node-publish-secret-namespace": "${pvc.namespace}",
		"csi.storage.k8s.io/controller-expand-secret-name": "${pvc.annotations['team']}", "csi.storage.k8s.io/controller-expand-secret-namespace": "here",
		"csi.storage.k8s.io/controller-publish-secret-name": "attach", "csi.storage.k8s.io/controller-publish-secret-namespace": "here",
	}
	for name, tc := range map[string]struct {
		class                  *storagev1.StorageClass
		stage, publish, expand corev1.SecretReference
	}{
		"as its StorageClass names them here": {
			class: &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "fast"}, Parameters: parameters},
			stage: corev1.SecretReference{Namespace: "here", Name: "key"}, publish: corev1.SecretReference{Namespace: "shop", Name: "key-of-data"}, expand: *there("expand"),
		},
		"as captured, if the StorageClass is not here": {
			class: &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "slow"}, Parameters: parameters},
			stage: *there("stage"), publish: *there("publish"), expand: *there("expand"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			pv, _ := restored(t, v, tc.class)
			csi := pv.Spec.CSI
			if *csi.NodeStageSecretRef != tc.stage || *csi.NodePublishSecretRef != tc.publish || *csi.ControllerExpandSecretRef != tc.expand || csi.ControllerPublishSecretRef != nil {
				t.Errorf("stage %v, publish %v, expand %v, attach %v", csi.NodeStageSecretRef, csi.NodePublishSecretRef, csi.ControllerExpandSecretRef, csi.ControllerPublishSecretRef)
			}
		})
	}
}

func TestAClaimThatWasThereIsReplicatedAsTheCapturedOneWas(t *testing.T) {
	v := captured()
	v.PVC.Annotations = map[string]string{mark.Method: "VolumeGroupReplication"}
	existing := captured().PVC
	existing.UID, existing.Annotations = "claim", map[string]string{mark.Method: "VolumeReplication", mark.Owner: owner.String(), "mine": "x"}
	_, pvc := restored(t, v, &existing)
	if pvc.Annotations[mark.Method] != "VolumeGroupReplication" || pvc.Annotations[mark.Owner] != owner.String() || pvc.Annotations["mine"] != "x" {
		t.Errorf("annotated %v", pvc.Annotations)
	}
}

func TestBlockVolumesAndThoseOfManyWritersStayWhatTheyAre(t *testing.T) {
	v := captured()
	v.PVC.Spec.VolumeMode, v.PV.Spec.VolumeMode = ptr.To(corev1.PersistentVolumeBlock), ptr.To(corev1.PersistentVolumeBlock)
	v.PVC.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
	v.PV.Spec.AccessModes = v.PVC.Spec.AccessModes
	pv, pvc := restored(t, v)
	if *pv.Spec.VolumeMode != corev1.PersistentVolumeBlock || *pvc.Spec.VolumeMode != corev1.PersistentVolumeBlock ||
		pv.Spec.AccessModes[0] != corev1.ReadWriteMany || pvc.Spec.AccessModes[0] != corev1.ReadWriteMany {
		t.Errorf("restored %+v, %+v", pv.Spec, pvc.Spec)
	}
}

func TestAVolumeThatWasRetainedStaysSo(t *testing.T) {
	v := captured()
	v.PV.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimRetain
	pv, _ := restored(t, v)
	if before, marked := pv.Annotations[mark.ReclaimPolicy]; marked || pv.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
		t.Errorf("policy %s, before %q", pv.Spec.PersistentVolumeReclaimPolicy, before)
	}
}

func TestAVolumeThatGrewWhereTheApplicationRanIsAsLargeWhereItIsRestored(t *testing.T) {
	for name, c := range map[string]struct{ was, captured, want string }{
		"grown":              {"1Gi", "2Gi", "2Gi"},
		"as large as before": {"1Gi", "1Gi", "1Gi"},
		"larger here":        {"3Gi", "2Gi", "3Gi"},
	} {
		t.Run(name, func(t *testing.T) {
			there := captured()
			there.PVC.UID, there.PV.Spec.ClaimRef.UID = "claim", "claim"
			there.PVC.Spec.Resources.Requests, there.PV.Spec.Capacity = storage(c.was), storage(c.was)
			v := captured()
			v.PVC.Spec.Resources.Requests, v.PV.Spec.Capacity = storage(c.captured), storage(c.captured)
			pv, pvc := restored(t, v, &there.PV, &there.PVC)
			if got := pv.Spec.Capacity.Storage().String(); got != c.want {
				t.Errorf("the volume has %s, want %s", got, c.want)
			}
			if got := pvc.Spec.Resources.Requests.Storage().String(); got != c.want {
				t.Errorf("the claim asks for %s, want %s", got, c.want)
			}
		})
	}
}

func TestAClaimThatMayNotGrowIsRestoredAsItIs(t *testing.T) {
	there, v := captured(), captured()
	there.PVC.UID, there.PV.Spec.ClaimRef.UID = "claim", "claim"
	v.PVC.Spec.Resources.Requests = storage("2Gi")
	refusing := fake.NewClientBuilder().WithObjects(&there.PV, &there.PVC).WithInterceptorFuncs(interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, opts ...client.PatchOption) error {
			if raw, _ := patch.Data(object); strings.Contains(string(raw), "requests") {
				return apierrors.NewForbidden(corev1.Resource("persistentvolumeclaims"), object.GetName(), errors.New("the class does not support resize"))
			}
			return c.Patch(ctx, object, patch, opts...)
		},
	}).Build()
	r := &Restorer{Client: refusing, Live: refusing}
	if err := r.Volumes(t.Context(), owner, []archive.Volume{v}, nil); err != nil {
		t.Fatal(err)
	}
}

func storage(size string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}
}
