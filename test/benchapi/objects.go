// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

const (
	// namespaces that the objects are spread over.
	namespaces = 100
	// preparedAtOnce is how many requests prepare at a time.
	preparedAtOnce = 8
)

func namespace(i int) string { return fmt.Sprintf("bench-%02d", i%namespaces) }

// key of the i-th object.
func key(i int) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace(i), Name: fmt.Sprintf("app-%05d", i)}
}

// placement is an object as a user writes it.
func placement(key types.NamespacedName) *v1alpha1.DRPlacementControl {
	p := framework.Placement(key.Namespace, key.Name)
	p.Spec.PVCSelector.MatchLabels["app"] = key.Name
	p.Spec.KubeObjectProtection = &v1alpha1.KubeObjectProtection{CaptureInterval: &metav1.Duration{Duration: v1alpha1.DefaultCaptureInterval}}
	return p
}

// status is what an application has after a failover.
func status(now time.Time) v1alpha1.DRPlacementControlStatus {
	seconds, micros := metav1.NewTime(now), metav1.NewMicroTime(now)
	conditions := func(types ...string) []metav1.Condition {
		var all []metav1.Condition
		for _, name := range types {
			all = append(all, metav1.Condition{Type: name, Status: metav1.ConditionTrue, Reason: "Succeeded",
				Message: "As it should be, which is said in a sentence of about this length.", ObservedGeneration: 1, LastTransitionTime: seconds})
		}
		return all
	}
	var checks []v1alpha1.PreflightCheck
	for _, name := range []string{
		v1alpha1.CheckTargetKnown, v1alpha1.CheckTargetNotCurrent, v1alpha1.CheckNoActionInProgress, v1alpha1.CheckTargetConnected,
		v1alpha1.CheckPeerReady, v1alpha1.CheckProtected, v1alpha1.CheckSourceUnhealthy, v1alpha1.CheckCopyFresh, v1alpha1.CheckSourceStopped,
	} {
		checks = append(checks, v1alpha1.PreflightCheck{Name: name, Result: v1alpha1.CheckPassed, Message: "dr2 is as the check wants it to be"})
	}
	var steps []v1alpha1.ActionStep
	for _, name := range []v1alpha1.StepName{v1alpha1.StepStopSource, v1alpha1.StepPromote, v1alpha1.StepRestore} {
		steps = append(steps, v1alpha1.ActionStep{Name: name, Cluster: framework.DR2, State: v1alpha1.StepDone,
			Description: "What the step does, in a sentence of about this length.", StartTime: &micros, CompletionTime: &micros})
	}
	var clusters []v1alpha1.ClusterView
	for _, name := range []string{framework.DR1, framework.DR2} {
		clusters = append(clusters, v1alpha1.ClusterView{Name: name, State: v1alpha1.SecondaryState, Epoch: 2, Message: "in sync", ObservedAt: &seconds})
	}
	return v1alpha1.DRPlacementControlStatus{
		ObservedGeneration: 1, Phase: v1alpha1.PhaseFailedOver, Epoch: 2, PrimaryCluster: framework.DR2,
		Conditions: conditions(v1alpha1.ConditionAvailable, v1alpha1.ConditionPeerReady, v1alpha1.ConditionProtected),
		Clusters:   clusters, LastGroupSyncTime: &seconds, LastKubeObjectProtectionTime: &seconds,
		CurrentAction: &v1alpha1.ActionRecord{
			Name: "failover-2",
			Spec: v1alpha1.DRActionSpec{Type: v1alpha1.ActionFailover, SourceCluster: framework.DR1, TargetCluster: framework.DR2, Epoch: 2,
				RequestedBy: "somebody", Reason: "dr1 is gone", Acknowledgements: []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite}},
			Status: v1alpha1.DRActionStatus{Conditions: conditions(v1alpha1.ConditionComplete), Checks: checks, Steps: steps,
				AcceptedTime: &micros, CompletionTime: &micros, WorkloadReadyTime: &micros},
		},
	}
}

// prepare makes what the objects need.
func prepare(ctx context.Context, hub *framework.Identity) error {
	for i := range namespaces {
		object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace(i)}}
		if _, err := hub.Kube.CoreV1().Namespaces().Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	dr := hub.DR.DrV1alpha1()
	for _, name := range []string{framework.DR1, framework.DR2} {
		cluster := &v1alpha1.DRCluster{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.DRClusterSpec{S3ProfileName: "s3-" + name}}
		if _, err := dr.DRClusters().Create(ctx, cluster, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	policy := &v1alpha1.DRPolicy{ObjectMeta: metav1.ObjectMeta{Name: framework.Policy},
		Spec: v1alpha1.DRPolicySpec{DRClusters: []string{framework.DR1, framework.DR2}, SchedulingInterval: "1m"}}
	_, err := dr.DRPolicies().Create(ctx, policy, metav1.CreateOptions{})
	return err
}

// fill creates objects with their status.
func (s *side) fill(ctx context.Context, count int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(preparedAtOnce)
	for i := range count {
		group.Go(func() error { return s.createWithStatus(ctx, key(i)) })
	}
	return group.Wait()
}

func (s *side) createWithStatus(ctx context.Context, key types.NamespacedName) error {
	answer, err := s.create(ctx, placement(key))
	if err != nil {
		return fmt.Errorf("create %s %s: %w", s.name, key, err)
	}
	var created v1alpha1.DRPlacementControl
	if err := json.Unmarshal(answer, &created); err != nil {
		return err
	}
	created.Status = status(time.Now())
	if _, err := s.update(ctx, key, "status", s.body(&created)); err != nil {
		return fmt.Errorf("status of %s %s: %w", s.name, key, err)
	}
	return nil
}
