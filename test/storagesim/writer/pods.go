// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package writer

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/ramendr/dr-apiserver/test/storagesim/claims"
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

func mountedClaims(o client.Object) []string { return claims.Mounted(o.(*corev1.Pod)) }

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
	wanted, err := p.batches(ctx, &pod)
	if err != nil {
		return ctrl.Result{}, err
	}
	p.writers.set(p.running, req.NamespacedName, wanted)
	return ctrl.Result{}, nil
}

// annotationTogether of a pod makes it write to all its volumes at once, as soon as all are there.
const annotationTogether = "storagesim.dr.ramen.io/write-together"

// batches are what a pod writes to; the watches call again once there are more volumes.
func (p *pods) batches(ctx context.Context, pod *corev1.Pod) ([]batch, error) {
	names, all := claimsOf(pod), batch{}
	for _, name := range names {
		handle, ok, err := claims.Handle(ctx, p.client, p.driver, types.NamespacedName{Namespace: pod.Namespace, Name: name})
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, mount{pod: pod.UID, claim: layout.Claim{Namespace: pod.Namespace, Name: name}, handle: handle})
		}
	}
	if pod.Annotations[annotationTogether] == "" {
		wanted := make([]batch, 0, len(all))
		for _, m := range all {
			wanted = append(wanted, batch{m})
		}
		return wanted, nil
	}
	if len(all) == 0 || len(all) < len(names) {
		return nil, nil
	}
	slices.SortFunc(all, func(a, b mount) int { return strings.Compare(a.handle, b.handle) })
	return []batch{all}, nil
}
