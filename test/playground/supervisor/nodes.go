// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"

	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// agentHeadStart is how much longer than its agent a cluster's nodes take to boot, at most.
const agentHeadStart = 15 * time.Second

var vrgs = schema.GroupVersionResource{Group: "dr.ramen.io", Version: "v1alpha1", Resource: "volumereplicationgroups"}

// stopContainers reports what every kubelet finds after a power cut: no container of its pods runs any more. Without
// it pods would pass for running until their nodes are back.
func stopContainers(ctx context.Context, c *cluster) error {
	client, err := c.kubernetes()
	if err != nil {
		return err
	}
	pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "status.phase=Running"})
	if err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for _, pod := range pods.Items {
		if pod.Spec.NodeName == "" {
			continue
		}
		group.Go(func() error {
			pod.Status = corev1.PodStatus{Phase: corev1.PodPending}
			_, err := client.CoreV1().Pods(pod.Namespace).UpdateStatus(groupCtx, &pod, metav1.UpdateOptions{})
			return err
		})
	}
	return group.Wait()
}

// startNodes brings the nodes up, which takes longer than the start of the agent: what the hub wants stopped on this
// cluster, the agent stops before.
func (s *Supervisor) startNodes(ctx context.Context, report Progress, c *cluster) error {
	if err := s.awaitGivingWay(ctx, c); err != nil {
		report("%-4s %v; its nodes start all the same", c.Name, err)
	}
	kubelets, err := c.Kubelets()
	if err != nil {
		return err
	}
	return c.start(ctx, report, kubelets)
}

// awaitGivingWay waits until no pod is left to run in the namespaces of which the cluster is not the primary any more. If the
// hub can't be reached, nobody says so, and there is nothing to wait for.
func (s *Supervisor) awaitGivingWay(ctx context.Context, c *cluster) error {
	if !s.clusters[hub].runs(component.APIServer) || s.links.isCut(c.Name, hub) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, agentHeadStart)
	defer cancel()
	namespaces, err := s.secondaryNamespaces(ctx, c.Name)
	if err != nil || len(namespaces) == 0 {
		return err
	}
	client, err := c.kubernetes()
	if err != nil {
		return err
	}
	for _, namespace := range namespaces {
		err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
			pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
			return err == nil && !anyToRun(pods.Items), nil
		})
		if err != nil {
			return fmt.Errorf("the agent has not stopped the application in namespace %s", namespace)
		}
	}
	return nil
}

// secondaryNamespaces returns the namespaces whose VolumeReplicationGroup wants the cluster to be secondary.
func (s *Supervisor) secondaryNamespaces(ctx context.Context, cluster string) ([]string, error) {
	config, err := s.clusters[hub].client()
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	list, err := client.Resource(vrgs).List(ctx, metav1.ListOptions{FieldSelector: "spec.clusterName=" + cluster})
	if err != nil {
		return nil, fmt.Errorf("list the VolumeReplicationGroups of %s: %w", cluster, err)
	}
	var namespaces []string
	for _, vrg := range list.Items {
		if role, _, _ := unstructured.NestedString(vrg.Object, "spec", "replicationState"); role == "secondary" {
			namespaces = append(namespaces, vrg.GetNamespace())
		}
	}
	return namespaces, nil
}

func anyToRun(pods []corev1.Pod) bool {
	for _, pod := range pods {
		if pod.DeletionTimestamp == nil {
			return true
		}
	}
	return false
}
