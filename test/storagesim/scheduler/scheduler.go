// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package scheduler gives pods that name no node one, once the volumes of their claims are there, and has the volumes
// made that wait for their first consumer.
package scheduler

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/ramendr/dr-apiserver/test/storagesim/claims"
)

const (
	// indexClaims finds the pods that mount a claim, indexWaiting those that have no node yet.
	indexClaims  = "scheduler-claims"
	indexWaiting = "scheduler-waiting"
	yes          = "yes"

	// selectedNode tells a provisioner that a claim has its first consumer.
	selectedNode = "volume.kubernetes.io/selected-node"
	workers      = 8
)

// Scheduler is the scheduler of one cluster.
type Scheduler struct{ client client.Client }

// Setup makes the manager schedule pods.
func Setup(ctx context.Context, mgr manager.Manager) error {
	s := &Scheduler{client: mgr.GetClient()}
	index := mgr.GetFieldIndexer()
	if err := index.IndexField(ctx, &corev1.Pod{}, indexClaims, func(o client.Object) []string {
		return claims.Mounted(o.(*corev1.Pod))
	}); err != nil {
		return err
	}
	if err := index.IndexField(ctx, &corev1.Pod{}, indexWaiting, func(o client.Object) []string {
		if waits(o.(*corev1.Pod)) {
			return []string{yes}
		}
		return nil
	}); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).Named("scheduler").
		For(&corev1.Pod{}).
		Watches(&corev1.PersistentVolumeClaim{}, handler.EnqueueRequestsFromMapFunc(s.podsOfClaim)).
		Watches(&corev1.Node{}, handler.EnqueueRequestsFromMapFunc(s.waitingPods)).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(s)
}

// waits says whether a pod wants a node from this scheduler.
func waits(pod *corev1.Pod) bool {
	return pod.Spec.NodeName == "" && pod.DeletionTimestamp == nil &&
		(pod.Spec.SchedulerName == "" || pod.Spec.SchedulerName == corev1.DefaultSchedulerName)
}

func (s *Scheduler) podsOfClaim(ctx context.Context, o client.Object) []ctrl.Request {
	return s.pods(ctx, client.InNamespace(o.GetNamespace()), client.MatchingFields{indexClaims: o.GetName()})
}

func (s *Scheduler) waitingPods(ctx context.Context, _ client.Object) []ctrl.Request {
	return s.pods(ctx, client.MatchingFields{indexWaiting: yes})
}

func (s *Scheduler) pods(ctx context.Context, options ...client.ListOption) []ctrl.Request {
	var list corev1.PodList
	if err := s.client.List(ctx, &list, options...); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Pods not listed")
		return nil
	}
	var requests []ctrl.Request
	for i := range list.Items {
		requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}

// Reconcile binds a pod to a node. The watches call again once a claim is bound or there is a node.
func (s *Scheduler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var pod corev1.Pod
	if err := s.client.Get(ctx, req.NamespacedName, &pod); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if pod.DeletionTimestamp != nil || pod.Spec.NodeName == "" && !waits(&pod) {
		return ctrl.Result{}, nil
	}
	node, err := s.nodeFor(ctx, &pod)
	if err != nil || node == "" {
		return ctrl.Result{}, err
	}
	bound, err := s.prepare(ctx, &pod, node)
	if err != nil || !bound || pod.Spec.NodeName != "" {
		return ctrl.Result{}, err
	}
	binding := &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: node},
	}
	err = s.client.SubResource("binding").Create(ctx, &pod, binding)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return ctrl.Result{}, nil // it has one meanwhile, or is gone
	}
	return ctrl.Result{}, err
}

func (s *Scheduler) nodeFor(ctx context.Context, pod *corev1.Pod) (string, error) {
	if pod.Spec.NodeName != "" {
		return pod.Spec.NodeName, nil
	}
	var nodes corev1.NodeList
	if err := s.client.List(ctx, &nodes); err != nil {
		return "", err
	}
	return choose(pod, nodes.Items), nil
}

// choose spreads pods over the nodes that they may run on; none if there is no such node.
func choose(pod *corev1.Pod, nodes []corev1.Node) string {
	selector := labels.SelectorFromSet(pod.Spec.NodeSelector)
	var fitting []string
	for i := range nodes {
		if n := &nodes[i]; !n.Spec.Unschedulable && ready(n) && selector.Matches(labels.Set(n.Labels)) {
			fitting = append(fitting, n.Name)
		}
	}
	if len(fitting) == 0 {
		return ""
	}
	slices.SortFunc(fitting, strings.Compare)
	h := fnv.New32a()
	_, _ = h.Write([]byte(pod.UID))
	return fitting[int(h.Sum32())%len(fitting)]
}

func ready(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// prepare says whether all claims of a pod are bound, and has the volumes made that wait for a consumer. As with Kubernetes' own
// scheduler, a pod whose claim is being deleted waits for another of that name.
func (s *Scheduler) prepare(ctx context.Context, pod *corev1.Pod, node string) (bound bool, err error) {
	bound = true
	for _, name := range claims.Mounted(pod) {
		var pvc corev1.PersistentVolumeClaim
		err := s.client.Get(ctx, types.NamespacedName{Namespace: pod.Namespace, Name: name}, &pvc)
		if apierrors.IsNotFound(err) {
			bound = false
			continue
		}
		if err != nil {
			return false, err
		}
		if pvc.DeletionTimestamp != nil {
			bound = false
			continue
		}
		if pvc.Status.Phase == corev1.ClaimBound {
			continue
		}
		bound = false
		if err := s.selectNode(ctx, &pvc, node); err != nil {
			return false, err
		}
	}
	return bound, nil
}

// selectNode tells the provisioner for which node a claim needs its volume, if it waits to be told.
func (s *Scheduler) selectNode(ctx context.Context, pvc *corev1.PersistentVolumeClaim, node string) error {
	if pvc.Spec.VolumeName != "" || pvc.Spec.StorageClassName == nil || pvc.Annotations[selectedNode] != "" {
		return nil
	}
	var class storagev1.StorageClass
	err := s.client.Get(ctx, types.NamespacedName{Name: *pvc.Spec.StorageClassName}, &class)
	if err != nil {
		return client.IgnoreNotFound(err)
	}
	if class.VolumeBindingMode == nil || *class.VolumeBindingMode != storagev1.VolumeBindingWaitForFirstConsumer {
		return nil
	}
	patch := client.MergeFrom(pvc.DeepCopy())
	metav1.SetMetaDataAnnotation(&pvc.ObjectMeta, selectedNode, node)
	if err := s.client.Patch(ctx, pvc, patch); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("select node %s for claim %s/%s: %w", node, pvc.Namespace, pvc.Name, err)
	}
	return nil
}
