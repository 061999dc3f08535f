// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package writer

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

const (
	// indexClaims finds the pods that mount a claim.
	indexClaims = "claims"
	workers     = 16
)

// pods makes the pods of a cluster write.
type pods struct {
	client  client.Reader
	writers *Writers
	driver  string
	// running is the context of the writers: they outlive a reconcile.
	running context.Context
}

// Setup makes the manager watch pods, and have those that run write to the volumes of the driver.
func (w *Writers) Setup(ctx context.Context, mgr manager.Manager, driver string) error {
	p := &pods{client: mgr.GetClient(), writers: w, driver: driver, running: ctx}
	if err := mgr.GetFieldIndexer().IndexField(ctx, &corev1.Pod{}, indexClaims, mountedClaims); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).Named("writers").
		For(&corev1.Pod{}).
		Watches(&corev1.PersistentVolumeClaim{}, handler.EnqueueRequestsFromMapFunc(p.podsOfClaim)).
		Watches(&corev1.PersistentVolume{}, handler.EnqueueRequestsFromMapFunc(p.podsOfVolume)).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(p)
}

func mountedClaims(o client.Object) []string {
	var names []string
	for _, v := range o.(*corev1.Pod).Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			names = append(names, v.PersistentVolumeClaim.ClaimName)
		}
	}
	return names
}

func (p *pods) podsOfClaim(ctx context.Context, o client.Object) []ctrl.Request {
	return p.podsMounting(ctx, o.GetNamespace(), o.GetName())
}

func (p *pods) podsOfVolume(ctx context.Context, o client.Object) []ctrl.Request {
	ref := o.(*corev1.PersistentVolume).Spec.ClaimRef
	if ref == nil {
		return nil
	}
	return p.podsMounting(ctx, ref.Namespace, ref.Name)
}

func (p *pods) podsMounting(ctx context.Context, namespace, claim string) []ctrl.Request {
	var list corev1.PodList
	err := p.client.List(ctx, &list, client.InNamespace(namespace), client.MatchingFields{indexClaims: claim})
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Pods not listed", "namespace", namespace, "claim", claim)
		return nil
	}
	requests := make([]ctrl.Request, 0, len(list.Items))
	for i := range list.Items {
		requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}

// Reconcile makes a pod write to the volumes it mounts, or stop.
func (p *pods) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var pod corev1.Pod
	err := p.client.Get(ctx, req.NamespacedName, &pod)
	if apierrors.IsNotFound(err) {
		p.writers.set(p.running, req.NamespacedName, nil)
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	var wanted []mount
	for _, name := range claims(&pod) {
		handle, ok, err := p.handleOf(ctx, pod.Namespace, name)
		if err != nil {
			return ctrl.Result{}, err
		}
		if ok {
			claim := layout.Claim{Namespace: pod.Namespace, Name: name}
			wanted = append(wanted, mount{pod: pod.UID, claim: claim, handle: handle})
		}
	}
	p.writers.set(p.running, req.NamespacedName, wanted)
	return ctrl.Result{}, nil
}

// handleOf finds the volume of a claim; the watches call again once there is one.
func (p *pods) handleOf(ctx context.Context, namespace, name string) (string, bool, error) {
	var pvc corev1.PersistentVolumeClaim
	var pv corev1.PersistentVolume
	err := p.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &pvc)
	if err == nil && pvc.Spec.VolumeName == "" {
		return "", false, nil
	}
	if err == nil {
		err = p.client.Get(ctx, types.NamespacedName{Name: pvc.Spec.VolumeName}, &pv)
	}
	if apierrors.IsNotFound(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("volume of claim %s/%s: %w", namespace, name, err)
	}
	h, ok := handle(&pvc, &pv, p.driver)
	return h, ok, nil
}
