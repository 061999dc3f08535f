// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package claims finds the volumes that PersistentVolumeClaims are bound to.
package claims

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Handle finds the handle of the volume that a claim is bound to; ok is false while it is bound to none of the driver's.
func Handle(ctx context.Context, reader client.Reader, driver string, claim types.NamespacedName) (handle string, ok bool, err error) {
	var pvc corev1.PersistentVolumeClaim
	var pv corev1.PersistentVolume
	err = reader.Get(ctx, claim, &pvc)
	if err == nil && pvc.Spec.VolumeName == "" {
		return "", false, nil
	}
	if err == nil {
		err = reader.Get(ctx, types.NamespacedName{Name: pvc.Spec.VolumeName}, &pv)
	}
	if apierrors.IsNotFound(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("volume of claim %s: %w", claim, err)
	}
	handle, ok = of(&pvc, &pv, driver)
	return handle, ok, nil
}

func of(pvc *corev1.PersistentVolumeClaim, pv *corev1.PersistentVolume, driver string) (string, bool) {
	if pvc.Status.Phase != corev1.ClaimBound || pv.Spec.CSI == nil || pv.Spec.CSI.Driver != driver {
		return "", false
	}
	ref := pv.Spec.ClaimRef
	if ref == nil || ref.UID != pvc.UID {
		return "", false
	}
	return pv.Spec.CSI.VolumeHandle, true
}

// Mounted are the names of the claims that a pod mounts.
func Mounted(pod *corev1.Pod) []string {
	var names []string
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			names = append(names, v.PersistentVolumeClaim.ClaimName)
		}
	}
	return names
}
