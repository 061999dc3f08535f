// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"fmt"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func TestServicesGetAnAddressEachOfTheirOwn(t *testing.T) {
	within := netip.MustParsePrefix("198.18.0.0/28")
	cluster := fake.NewClientBuilder().WithStatusSubresource(&corev1.Service{}).Build()
	l := &LoadBalancer{client: cluster, within: within, given: map[types.NamespacedName]netip.Addr{}}
	given := map[string]bool{}
	addressOf := func(name string, kind corev1.ServiceType) string {
		s := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name)}, Spec: corev1.ServiceSpec{Type: kind},
		}
		if err := cluster.Create(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := l.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(s)}); err != nil {
				return err.Error()
			}
		}
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(s), s); err != nil {
			t.Fatal(err)
		}
		if len(s.Status.LoadBalancer.Ingress) == 0 {
			return ""
		}
		return s.Status.LoadBalancer.Ingress[0].IP
	}
	if got := addressOf("internal", corev1.ServiceTypeClusterIP); got != "" {
		t.Errorf("a Service of another type got %s", got)
	}
	for n := range 14 {
		address := addressOf(fmt.Sprint("s", n), corev1.ServiceTypeLoadBalancer)
		parsed, err := netip.ParseAddr(address)
		if err != nil || !within.Contains(parsed) || given[address] {
			t.Fatalf("Service %d got %s after %v", n, address, given)
		}
		given[address] = true
	}
	if got := addressOf("one-too-many", corev1.ServiceTypeLoadBalancer); got != "no address is left in 198.18.0.0/28" {
		t.Errorf("got %s", got)
	}
}
