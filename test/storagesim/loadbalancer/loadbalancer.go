// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package loadbalancer gives Services of type LoadBalancer an address out of the cluster's range. Only movers know what is
// behind it.
package loadbalancer

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// LoadBalancer hands addresses out.
type LoadBalancer struct {
	client client.Client
	within netip.Prefix
	// given are the addresses of the Services, also those that the cache does not show yet.
	given map[types.NamespacedName]netip.Addr
}

// Setup makes the manager give Services addresses within a range.
func Setup(mgr manager.Manager, within netip.Prefix) error {
	l := &LoadBalancer{client: mgr.GetClient(), within: within, given: map[types.NamespacedName]netip.Addr{}}
	return ctrl.NewControllerManagedBy(mgr).Named("load-balancer").For(&corev1.Service{}).Complete(l)
}

// Reconcile gives a Service an address; one worker does so.
func (l *LoadBalancer) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var service corev1.Service
	err := l.client.Get(ctx, req.NamespacedName, &service)
	if apierrors.IsNotFound(err) || err == nil && service.Spec.Type != corev1.ServiceTypeLoadBalancer {
		delete(l.given, req.NamespacedName)
		return ctrl.Result{}, nil
	}
	if err != nil || len(service.Status.LoadBalancer.Ingress) > 0 {
		return ctrl.Result{}, err
	}
	var all corev1.ServiceList
	if err := l.client.List(ctx, &all); err != nil {
		return ctrl.Result{}, err
	}
	address, err := choose(string(service.UID), l.within, l.taken(all.Items))
	if err != nil {
		return ctrl.Result{}, err
	}
	l.given[req.NamespacedName] = address
	mode := corev1.LoadBalancerIPModeVIP
	service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: address.String(), IPMode: &mode}}
	return ctrl.Result{}, client.IgnoreNotFound(l.client.Status().Update(ctx, &service))
}

// taken are the addresses that Services have.
func (l *LoadBalancer) taken(services []corev1.Service) map[netip.Addr]bool {
	taken := map[netip.Addr]bool{}
	for _, address := range l.given {
		taken[address] = true
	}
	for i := range services {
		for _, ingress := range services[i].Status.LoadBalancer.Ingress {
			if address, err := netip.ParseAddr(ingress.IP); err == nil {
				taken[address] = true
			}
		}
	}
	return taken
}

// choose finds a free address, most often the same one for a Service.
func choose(uid string, within netip.Prefix, taken map[netip.Addr]bool) (netip.Addr, error) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(uid))
	size := uint32(1) << (32 - within.Bits())
	for n := range size - 2 {
		address := nth(within, 1+(h.Sum32()+n)%(size-2))
		if !taken[address] {
			return address, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no address is left in %s", within)
}

// nth address of a range of IPv4 addresses.
func nth(within netip.Prefix, n uint32) netip.Addr {
	raw := within.Masked().Addr().As4()
	base := uint32(raw[0])<<24 | uint32(raw[1])<<16 | uint32(raw[2])<<8 | uint32(raw[3])
	base += n
	return netip.AddrFrom4([4]byte{byte(base >> 24), byte(base >> 16), byte(base >> 8), byte(base)})
}
