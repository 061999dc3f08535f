// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package resizer plays CSI's external-resizer and the kubelet's part of it: a claim that asks for more than its volume has gets it.
package resizer

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

type resizer struct {
	client client.Client
	driver string
}

// Setup makes the manager give volumes of the driver the sizes that their claims ask for.
func Setup(mgr manager.Manager, driver string) error {
	r := &resizer{client: mgr.GetClient(), driver: driver}
	return ctrl.NewControllerManagedBy(mgr).Named("resizer").For(&corev1.PersistentVolumeClaim{}).Complete(r)
}

// Reconcile gives one claim's volume the size that the claim asks for, if that is more than it has.
func (r *resizer) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	claim, volume := &corev1.PersistentVolumeClaim{}, &corev1.PersistentVolume{}
	if err := r.client.Get(ctx, req.NamespacedName, claim); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	wanted, more := growth(claim)
	if !more {
		return ctrl.Result{}, nil
	}
	if err := r.client.Get(ctx, types.NamespacedName{Name: claim.Spec.VolumeName}, volume); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if volume.Spec.CSI == nil || volume.Spec.CSI.Driver != r.driver {
		return ctrl.Result{}, nil
	}
	if has := volume.Spec.Capacity[corev1.ResourceStorage]; has.Cmp(wanted) < 0 {
		grown := volume.DeepCopy()
		grown.Spec.Capacity = corev1.ResourceList{corev1.ResourceStorage: wanted}
		if err := r.client.Patch(ctx, grown, client.MergeFrom(volume)); err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(err)
		}
	}
	grown := claim.DeepCopy()
	grown.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: wanted}
	return ctrl.Result{}, client.IgnoreNotFound(r.client.Status().Patch(ctx, grown, client.MergeFrom(claim)))
}

// growth is the size that a bound claim asks for, if it has less.
func growth(claim *corev1.PersistentVolumeClaim) (wanted resource.Quantity, more bool) {
	wanted = claim.Spec.Resources.Requests[corev1.ResourceStorage]
	has := claim.Status.Capacity[corev1.ResourceStorage]
	return wanted, claim.Status.Phase == corev1.ClaimBound && has.Cmp(wanted) < 0
}
