// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package mover

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// route finds out where an address leads: to a Service of this cluster, or else to the peer.
func (m *Movers) route(ctx context.Context, t task) (base string, local bool, err error) {
	service, err := m.at(ctx, t.address, true)
	if err != nil {
		return "", false, err
	}
	if service != nil {
		return "http://" + m.Own, true, nil
	}
	return "http://" + m.Peer, false, nil
}

// at is the Service of this cluster at an address; nil if there is none. A name of the cluster set is one on every cluster
// that exports a Service of it.
func (m *Movers) at(ctx context.Context, address string, local bool) (*corev1.Service, error) {
	var all corev1.ServiceList
	if err := m.client.List(ctx, &all); err != nil {
		return nil, err
	}
	for i := range all.Items {
		s := &all.Items[i]
		if hasAddress(s, address, local) {
			return s, nil
		}
		if address == strings.Join([]string{s.Name, s.Namespace, clusterSet}, ".") {
			exported, err := m.exported(ctx, s)
			if err != nil || !exported {
				return nil, err
			}
			return s, nil
		}
	}
	return nil, nil
}

// clusterSet is where the names of exported Services are.
const clusterSet = "svc.clusterset.local"

// exported tells whether a Service is made known to other clusters.
func (m *Movers) exported(ctx context.Context, s *corev1.Service) (bool, error) {
	export := &unstructured.Unstructured{}
	export.SetAPIVersion("multicluster.x-k8s.io/v1alpha1")
	export.SetKind("ServiceExport")
	err := m.direct.Get(ctx, client.ObjectKeyFromObject(s), export)
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return false, nil
	}
	return err == nil, err
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
	return address == s.Spec.ClusterIP || address == name || strings.HasPrefix(address, name+".cluster.")
}

// behind finds the destination that an address and port lead to.
func (m *Movers) behind(ctx context.Context, hello greeting) (*listener, error) {
	service, err := m.at(ctx, hello.Address, hello.Local)
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
