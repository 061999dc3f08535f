// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// growClaim has a claim that was there ask for as much as the captured one did, which has grown where the application ran. A claim that
// may not grow here stays as it is: what it says of its size matters less than that the application runs.
func (r *Restorer) growClaim(ctx context.Context, claim, captured *corev1.PersistentVolumeClaim) error {
	size, grown := larger(captured.Spec.Resources.Requests, claim.Spec.Resources.Requests)
	if !grown {
		return nil
	}
	patch := fmt.Appendf(nil, `{"spec":{"resources":{"requests":{"storage":%q}}}}`, size)
	err := r.Client.Patch(ctx, claim.DeepCopy(), client.RawPatch(types.MergePatchType, patch))
	if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
		return nil
	}
	return wrap(err, "expanding PersistentVolumeClaim %s/%s to %s", claim.Namespace, claim.Name, size)
}

// growVolume has a volume that was there say how large its storage, which is the captured one's, has grown.
func (r *Restorer) growVolume(ctx context.Context, volume, captured *corev1.PersistentVolume) error {
	size, grown := larger(captured.Spec.Capacity, volume.Spec.Capacity)
	if !grown {
		return nil
	}
	patch := fmt.Appendf(nil, `{"spec":{"capacity":{"storage":%q}}}`, size)
	err := r.Client.Patch(ctx, volume, client.RawPatch(types.MergePatchType, patch))
	return wrap(err, "noting that PersistentVolume %s has %s", volume.Name, size)
}

// larger is the storage of a list, if it is more than that of another.
func larger(list, than corev1.ResourceList) (size string, is bool) {
	wanted := list[corev1.ResourceStorage]
	had := than[corev1.ResourceStorage]
	return wanted.String(), wanted.Cmp(had) > 0
}
