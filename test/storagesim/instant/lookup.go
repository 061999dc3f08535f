// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package instant

import (
	"context"

	replicationv1alpha1 "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

type queue = workqueue.TypedRateLimitingInterface[ctrl.Request]

const claimKind = "PersistentVolumeClaim"

func claimOf(o client.Object) []string {
	source := o.(*replicationv1alpha1.VolumeReplication).Spec.DataSource
	if source.Kind != claimKind {
		return nil
	}
	return []string{source.Name}
}

// replicationsOf are those that wait for a claim to be bound.
func (c *Controller) replicationsOf(ctx context.Context, o client.Object) []ctrl.Request {
	pvc := o.(*corev1.PersistentVolumeClaim)
	if pvc.Status.Phase != corev1.ClaimBound {
		return nil
	}
	var list replicationv1alpha1.VolumeReplicationList
	err := c.client.List(ctx, &list, client.InNamespace(pvc.Namespace), client.MatchingFields{indexClaim: pvc.Name})
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "VolumeReplications not listed", "claim", pvc.Name)
		return nil
	}
	var requests []ctrl.Request
	for i := range list.Items {
		if vr := &list.Items[i]; vr.Status.ObservedGeneration != vr.Generation {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(vr)})
		}
	}
	return requests
}

// handleOf finds the volume that is replicated; ok is false while its claim is not bound to a volume of the driver.
func (c *Controller) handleOf(ctx context.Context, vr *replicationv1alpha1.VolumeReplication) (_ string, ok bool, _ error) {
	if vr.Spec.DataSource.Kind != claimKind {
		return "", false, nil
	}
	var pvc corev1.PersistentVolumeClaim
	name := types.NamespacedName{Namespace: vr.Namespace, Name: vr.Spec.DataSource.Name}
	if err := c.client.Get(ctx, name, &pvc); err != nil {
		return "", false, client.IgnoreNotFound(err)
	}
	if pvc.Status.Phase != corev1.ClaimBound || pvc.Spec.VolumeName == "" {
		return "", false, nil
	}
	var pv corev1.PersistentVolume
	if err := c.client.Get(ctx, types.NamespacedName{Name: pvc.Spec.VolumeName}, &pv); err != nil {
		return "", false, err
	}
	if pv.Spec.CSI == nil || pv.Spec.CSI.Driver != c.driver {
		return "", false, nil
	}
	return pv.Spec.CSI.VolumeHandle, true, nil
}
