// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

const driver = "sim.example"

func TestHandleIsThatOfTheVolumeTheClaimIsBoundTo(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*corev1.PersistentVolumeClaim, *corev1.PersistentVolume)
		ok     bool
	}{
		"bound":                         {func(*corev1.PersistentVolumeClaim, *corev1.PersistentVolume) {}, true},
		"not bound yet":                 {func(c *corev1.PersistentVolumeClaim, _ *corev1.PersistentVolume) { c.Spec.VolumeName = "" }, false},
		"lost":                          {func(c *corev1.PersistentVolumeClaim, _ *corev1.PersistentVolume) { c.Status.Phase = corev1.ClaimLost }, false},
		"to a claim that was deleted":   {func(_ *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) { v.Spec.ClaimRef.UID = "another" }, false},
		"to a volume of another driver": {func(_ *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) { v.Spec.CSI.Driver = "another" }, false},
		"to a volume that is gone":      {func(c *corev1.PersistentVolumeClaim, _ *corev1.PersistentVolume) { c.Spec.VolumeName = "pv-gone" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			pvc := &corev1.PersistentVolumeClaim{
				ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "data", UID: "claim"},
				Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: "pv"},
				Status:     corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
			}
			pv := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pv"}, Spec: corev1.PersistentVolumeSpec{
				ClaimRef: &corev1.ObjectReference{Namespace: "shop", Name: "data", UID: "claim"},
				PersistentVolumeSource: corev1.PersistentVolumeSource{
					CSI: &corev1.CSIPersistentVolumeSource{Driver: driver, VolumeHandle: "v"},
				},
			}}
			c.change(pvc, pv)
			reader := fake.NewClientBuilder().WithObjects(pvc, pv).Build()
			handle, ok, err := Handle(t.Context(), reader, driver, types.NamespacedName{Namespace: "shop", Name: "data"})
			if err != nil || ok != c.ok || ok && handle != "v" {
				t.Errorf("handle %q, %v, %v", handle, ok, err)
			}
		})
	}
}
