// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// Volume returns what a capture holds of a claim and its volume. The volume's reclaim policy is the one it had before it
// was protected.
func Volume(pvc *corev1.PersistentVolumeClaim, pv *corev1.PersistentVolume) archive.Volume {
	v := archive.Volume{
		PVC: corev1.PersistentVolumeClaim{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
			ObjectMeta: cleanMeta(pvc.ObjectMeta),
			Spec:       *pvc.Spec.DeepCopy(),
		},
		PV: corev1.PersistentVolume{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolume"},
			ObjectMeta: cleanMeta(pv.ObjectMeta),
			Spec:       *pv.Spec.DeepCopy(),
		},
	}
	// What the volume was first filled from is long in it, and may not exist elsewhere.
	v.PVC.Spec.DataSource, v.PVC.Spec.DataSourceRef = nil, nil
	v.PV.Spec.ClaimRef = &corev1.ObjectReference{
		APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: pvc.Namespace, Name: pvc.Name,
	}
	if original := pv.Annotations[mark.ReclaimPolicy]; original != "" {
		v.PV.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimPolicy(original)
	}
	return v
}

func cleanMeta(m metav1.ObjectMeta) metav1.ObjectMeta {
	annotations := maps.Clone(m.Annotations)
	maps.DeleteFunc(annotations, func(key, _ string) bool {
		return mark.IsOurs(key) || bindingAnnotations[key] || strings.HasPrefix(key, "replication.storage.openshift.io/")
	})
	labels := maps.Clone(m.Labels)
	maps.DeleteFunc(labels, func(key, _ string) bool { return mark.IsOurs(key) })
	return metav1.ObjectMeta{Namespace: m.Namespace, Name: m.Name, Labels: labels, Annotations: annotations}
}

// bindingAnnotations are notes of controllers about a binding that is made anew elsewhere.
var bindingAnnotations = map[string]bool{
	"pv.kubernetes.io/bind-completed":      true,
	"pv.kubernetes.io/bound-by-controller": true,
	"volume.kubernetes.io/selected-node":   true,
	"pv.kubernetes.io/migrated-to":         true,
}
