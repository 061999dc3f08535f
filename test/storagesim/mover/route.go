// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package mover

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// route finds out where an address leads: to a Service of this cluster, or else to the peer.
func (m *Movers) route(ctx context.Context, t task) (base string, local bool, err error) {
	service, err := m.service(ctx, func(s *corev1.Service) bool { return hasAddress(s, t.address, true) })
	if err != nil {
		return "", false, err
	}
	if service != nil {
		return "http://" + m.Own, true, nil
	}
	return "http://" + m.Peer, false, nil
}

func (m *Movers) service(ctx context.Context, wanted func(*corev1.Service) bool) (*corev1.Service, error) {
	var all corev1.ServiceList
	if err := m.client.List(ctx, &all); err != nil {
		return nil, err
	}
	for i := range all.Items {
		if wanted(&all.Items[i]) {
			return &all.Items[i], nil
		}
	}
	return nil, nil
}

// hasAddress says whether an address leads to a Service, from within its cluster or from outside.
func hasAddress(s *corev1.Service, address string, local bool) bool {
	for _, ingress := range s.Status.LoadBalancer.Ingress {
		if address == ingress.IP || address == ingress.Hostname && address != "" {
			return true
		}
	}
	if !local {
		return false
	}
	name := s.Name + "." + s.Namespace + ".svc"
	return address == s.Spec.ClusterIP || address == name || strings.HasPrefix(address, name+".cluster")
}

// behind finds the destination that an address and port lead to.
func (m *Movers) behind(ctx context.Context, hello greeting) (*listener, error) {
	service, err := m.service(ctx, func(s *corev1.Service) bool { return hasAddress(s, hello.Address, hello.Local) })
	if err != nil {
		return nil, err
	}
	if service == nil {
		return nil, fmt.Errorf("no route to host %s on cluster %s", hello.Address, m.Cluster)
	}
	if !hasPort(service, hello.Port) {
		return nil, fmt.Errorf("connection refused: Service %s/%s has no port %d", service.Namespace, service.Name, hello.Port)
	}
	if l := m.listening(service); l != nil {
		return l, nil
	}
	return nil, fmt.Errorf("connection refused: no mover listens behind Service %s/%s", service.Namespace, service.Name)
}

func hasPort(s *corev1.Service, port int) bool {
	for _, p := range s.Spec.Ports {
		if int(p.Port) == port {
			return true
		}
	}
	return false
}

// listening finds the destination that a Service selects.
func (m *Movers) listening(service *corev1.Service) *listener {
	selector := labels.SelectorFromSet(service.Spec.Selector)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.listeners {
		if l.pod.Namespace == service.Namespace && selector.Matches(labels.Set(l.pod.Labels)) {
			return l
		}
	}
	return nil
}
