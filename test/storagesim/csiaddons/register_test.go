// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package csiaddons

import (
	"testing"

	csiaddonsv1alpha1 "github.com/csi-addons/kubernetes-csi-addons/api/csiaddons/v1alpha1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func TestRegistrationIsWhatTheManagerLooksFor(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	if err := csiaddonsv1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&corev1.Pod{}).Build()
	r := &Registration{Client: c, Driver: "sim.dr.ramen.io", Port: 1234}
	name := client.ObjectKey{Namespace: "storagesim", Name: "storagesim"}
	var node csiaddonsv1alpha1.CSIAddonsNode
	for n, started := range []string{"one", "one", "two"} {
		if n == 1 { // the manager gave up on a sidecar that did not answer
			if err := c.Delete(t.Context(), &node); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.register(t.Context(), started); err != nil {
			t.Fatal(err)
		}
		if err := c.Get(t.Context(), name, &node); err != nil {
			t.Fatal(err)
		}
		if node.Spec.Driver.EndPoint != "pod://storagesim.storagesim:1234" || node.Spec.Driver.Name != r.Driver ||
			node.Annotations[annotationStarted] != started {
			t.Errorf("%+v", node)
		}
	}
	var pod corev1.Pod
	if err := c.Get(t.Context(), name, &pod); err != nil || pod.Status.PodIP != "127.0.0.1" || pod.Spec.NodeName != "" {
		t.Errorf("%+v, %v", pod.Status, err)
	}
	var lease coordinationv1.Lease
	err := c.Get(t.Context(), client.ObjectKey{Namespace: "storagesim", Name: "sim-dr-ramen-io-csi-addons"}, &lease)
	if err != nil || *lease.Spec.HolderIdentity != "storagesim" {
		t.Errorf("%+v, %v", lease.Spec, err)
	}
}
