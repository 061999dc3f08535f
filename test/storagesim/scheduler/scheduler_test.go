// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package scheduler

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

func node(name string, ready corev1.ConditionStatus) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}},
		Status:     corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}}},
	}
}

func class(name string, mode storagev1.VolumeBindingMode) *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name}, VolumeBindingMode: &mode}
}

func claim(class string, phase corev1.PersistentVolumeClaimPhase) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "data"},
		Spec:       corev1.PersistentVolumeClaimSpec{StorageClassName: ptr.To(class)},
		Status:     corev1.PersistentVolumeClaimStatus{Phase: phase},
	}
}

func going(claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolumeClaim {
	claim.DeletionTimestamp, claim.Finalizers = &metav1.Time{Time: time.Now()}, []string{"kubernetes.io/pvc-protection"}
	return claim
}

func pod(change func(*corev1.PodSpec)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop-0"}, Spec: corev1.PodSpec{
		SchedulerName: corev1.DefaultSchedulerName,
		Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"},
		}}},
	}}
	change(&p.Spec)
	return p
}

func TestPodsGetANodeOnceTheirVolumesAreThere(t *testing.T) {
	any := func(*corev1.PodSpec) {}
	for name, c := range map[string]struct {
		pod      func(*corev1.PodSpec)
		claim    *corev1.PersistentVolumeClaim
		nodes    []client.Object
		node     string
		selected string
	}{
		"its claim is bound":                 {pod: any, claim: claim("now", corev1.ClaimBound), node: "node-0"},
		"its claim is not bound yet":         {pod: any, claim: claim("now", corev1.ClaimPending)},
		"its claim waits for a consumer":     {pod: any, claim: claim("late", corev1.ClaimPending), selected: "node-0"},
		"its claim is not there":             {pod: any},
		"its claim is being deleted":         {pod: any, claim: going(claim("now", corev1.ClaimBound))},
		"it is another scheduler's":          {pod: func(s *corev1.PodSpec) { s.SchedulerName = "another" }, claim: claim("now", corev1.ClaimBound)},
		"no node is ready":                   {pod: any, claim: claim("late", corev1.ClaimPending), nodes: []client.Object{node("node-0", corev1.ConditionUnknown)}},
		"it selects a node that is not here": {pod: func(s *corev1.PodSpec) { s.NodeSelector = map[string]string{corev1.LabelHostname: "x"} }, claim: claim("now", corev1.ClaimBound)},
		"it names its node, and the claim waits for a consumer": {
			pod: func(s *corev1.PodSpec) { s.NodeName = "node-7" }, claim: claim("late", corev1.ClaimPending), selected: "node-7",
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects := []client.Object{pod(c.pod), class("now", storagev1.VolumeBindingImmediate), class("late", storagev1.VolumeBindingWaitForFirstConsumer)}
			if c.nodes == nil {
				c.nodes = []client.Object{node("node-0", corev1.ConditionTrue), node("node-1", corev1.ConditionFalse)}
			}
			if c.claim != nil {
				objects = append(objects, c.claim)
			}
			bound := ""
			cluster := fake.NewClientBuilder().WithObjects(append(objects, c.nodes...)...).WithInterceptorFuncs(interceptor.Funcs{
				SubResourceCreate: func(_ context.Context, _ client.Client, _ string, _, to client.Object, _ ...client.SubResourceCreateOption) error {
					bound = to.(*corev1.Binding).Target.Name
					return nil
				},
			}).Build()
			s := &Scheduler{client: cluster}
			request := ctrl.Request{NamespacedName: client.ObjectKeyFromObject(objects[0])}
			for range 2 {
				if _, err := s.Reconcile(t.Context(), request); err != nil {
					t.Fatal(err)
				}
			}
			if bound != c.node {
				t.Errorf("bound to %q, want %q", bound, c.node)
			}
			var now corev1.PersistentVolumeClaim
			if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "data"}, &now); client.IgnoreNotFound(err) != nil {
				t.Fatal(err)
			}
			if now.Annotations[selectedNode] != c.selected {
				t.Errorf("node %q is selected for the claim, want %q", now.Annotations[selectedNode], c.selected)
			}
		})
	}
}
