// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package mover

import (
	"context"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// pods makes the pods of movers work while they run.
type pods struct {
	movers *Movers
	// running is the context of the movers: they outlive a reconcile.
	running context.Context
	// known are the pods by name; only the one worker uses it.
	known map[types.NamespacedName]types.UID
}

// Setup makes the manager watch the pods of movers. Register serves the other clusters'.
func (m *Movers) Setup(ctx context.Context, mgr manager.Manager) error {
	m.init(mgr.GetClient(), mgr.GetAPIReader())
	p := &pods{movers: m, running: ctx, known: map[types.NamespacedName]types.UID{}}
	return ctrl.NewControllerManagedBy(mgr).Named("movers").
		For(&corev1.Pod{}, builder.WithPredicates(predicate.NewPredicateFuncs(func(o client.Object) bool {
			return o.GetLabels()[label] == labelled
		}))).
		Complete(p)
}

func (m *Movers) init(cached client.Client, direct client.Reader) {
	m.client, m.direct = cached, direct
	m.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: idlePerHost, IdleConnTimeout: time.Minute}}
	m.running = map[types.UID]context.CancelFunc{}
	m.listeners = map[types.UID]*listener{}
	m.sessions = map[string]*session{}
	m.logs = map[types.NamespacedName]string{}
}

// Reconcile makes a pod work while it runs.
func (p *pods) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var pod corev1.Pod
	err := p.movers.client.Get(ctx, req.NamespacedName, &pod)
	if err != nil && !apierrors.IsNotFound(err) {
		return ctrl.Result{}, err
	}
	if before, ok := p.known[req.NamespacedName]; ok && (err != nil || before != pod.UID) {
		p.movers.set(p.running, before, nil)
		p.movers.forgetLog(req.NamespacedName)
		delete(p.known, req.NamespacedName)
	}
	if err != nil {
		return ctrl.Result{}, nil
	}
	p.known[req.NamespacedName] = pod.UID
	if pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil {
		p.movers.set(p.running, pod.UID, &pod)
	} else {
		p.movers.set(p.running, pod.UID, nil)
	}
	return ctrl.Result{}, nil
}
