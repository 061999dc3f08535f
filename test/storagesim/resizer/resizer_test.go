// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package resizer

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func TestVolumesGrowWithTheirClaimsAndNeverShrink(t *testing.T) {
	for name, c := range map[string]struct {
		asks, has, driver string
		phase             corev1.PersistentVolumeClaimPhase
		want              string
	}{
		"a claim that asks for more":     {"2Gi", "1Gi", "sim", corev1.ClaimBound, "2Gi"},
		"one that asks for less":         {"1Gi", "2Gi", "sim", corev1.ClaimBound, "2Gi"},
		"one that is not bound":          {"2Gi", "1Gi", "sim", corev1.ClaimPending, "1Gi"},
		"one of another driver's volume": {"2Gi", "1Gi", "other", corev1.ClaimBound, "1Gi"},
		"one that has what it asks for":  {"1Gi", "1Gi", "sim", corev1.ClaimBound, "1Gi"},
	} {
		t.Run(name, func(t *testing.T) {
			key := types.NamespacedName{Namespace: "shop", Name: "data"}
			claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
			claim.Spec.VolumeName = "pv"
			claim.Spec.Resources.Requests = storage(c.asks)
			claim.Status = corev1.PersistentVolumeClaimStatus{Phase: c.phase, Capacity: storage(c.has)}
			volume := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pv"}}
			volume.Spec.Capacity = storage(c.has)
			volume.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: c.driver}
			cluster := fake.NewClientBuilder().WithObjects(claim, volume).WithStatusSubresource(claim).Build()
			r := &resizer{client: cluster, driver: "sim"}
			if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
				t.Fatal(err)
			}
			if err := cluster.Get(t.Context(), key, claim); err != nil {
				t.Fatal(err)
			}
			if err := cluster.Get(t.Context(), types.NamespacedName{Name: "pv"}, volume); err != nil {
				t.Fatal(err)
			}
			if got := claim.Status.Capacity.Storage().String(); got != c.want {
				t.Errorf("the claim has %s, want %s", got, c.want)
			}
			if got := volume.Spec.Capacity.Storage().String(); got != c.want {
				t.Errorf("the volume has %s, want %s", got, c.want)
			}
		})
	}
}

func storage(size string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}
}
