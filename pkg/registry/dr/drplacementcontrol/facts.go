// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Heartbeats tells when clusters' agents were last heard of, and until when they count as connected.
type Heartbeats interface {
	Liveness
	Last(cluster string) (observedRenew time.Time, duration time.Duration, ok bool)
	Expires(cluster string) (expires time.Time, ok bool)
}

// Sources are where the facts come from that an action is judged by.
type Sources struct {
	// Policies, Clusters, Configs and Groups are the storages of DRPolicies, DRClusters, DRClusterConfigs and
	// VolumeReplicationGroups.
	Policies, Clusters, Configs, Groups rest.Getter
	// Heartbeats tells which clusters are connected.
	Heartbeats Heartbeats
}

// fromCache lets a Get be answered by the watch cache. Of policies only what never changes matters here.
var fromCache = &metav1.GetOptions{ResourceVersion: "0"}

// gather collects all facts about the placement. Groups and clusters are read from storage itself: an action must not be
// judged by what a group or a fence was a moment ago.
func (s Sources) gather(ctx context.Context, placement *v1alpha1.DRPlacementControl, now time.Time) (action.Facts, error) {
	facts := action.Facts{
		Now:       now,
		Placement: placement,
		Clusters:  map[string]action.ClusterFacts{},
		Groups:    map[string]*v1alpha1.VolumeReplicationGroup{},
	}
	policy, err := found(s.Policies.Get(ctx, placement.Spec.DRPolicyRef.Name, fromCache))
	if err != nil {
		return facts, fmt.Errorf("reading DRPolicy %s: %w", placement.Spec.DRPolicyRef.Name, err)
	}
	if policy != nil {
		facts.Policy = &v1alpha1.DRPolicy{}
		if err := v1alpha1.Convert_dr_DRPolicy_To_v1alpha1_DRPolicy(policy.(*dr.DRPolicy).DeepCopy(), facts.Policy, nil); err != nil {
			return facts, err
		}
	}
	for cluster := range clustersOf(facts.Policy, placement) {
		if err := s.gatherCluster(ctx, &facts, cluster); err != nil {
			return facts, err
		}
	}
	return facts, s.gatherMaintenance(ctx, &facts)
}

func (s Sources) gatherCluster(ctx context.Context, facts *action.Facts, cluster string) error {
	obj, err := found(s.Clusters.Get(ctx, cluster, &metav1.GetOptions{}))
	if err != nil {
		return fmt.Errorf("reading DRCluster %s: %w", cluster, err)
	}
	fence, err := fenceOf(obj)
	if err != nil {
		return err
	}
	last, _, _ := s.Heartbeats.Last(cluster)
	expires, _ := s.Heartbeats.Expires(cluster)
	facts.Clusters[cluster] = action.ClusterFacts{
		Exists:        obj != nil,
		Connected:     s.Heartbeats.Connected(cluster, facts.Now),
		LastHeartbeat: last,
		LeaseExpires:  expires,
		Fence:         fence,
	}
	name := v1alpha1.GroupNameFor(facts.Placement.Name, cluster)
	obj, err = found(s.Groups.Get(ctx, name, &metav1.GetOptions{}))
	if err != nil || obj == nil {
		return err
	}
	group := &v1alpha1.VolumeReplicationGroup{}
	if err := v1alpha1.Convert_dr_VolumeReplicationGroup_To_v1alpha1_VolumeReplicationGroup(obj.(*dr.VolumeReplicationGroup), group, nil); err != nil {
		return err
	}
	facts.Groups[cluster] = group
	return nil
}

// gatherMaintenance finds out what the storage of each cluster asks for before a failover to it.
func (s Sources) gatherMaintenance(ctx context.Context, facts *action.Facts) error {
	for name, cluster := range facts.Clusters {
		obj, err := found(s.Configs.Get(ctx, name, fromCache))
		if err != nil {
			return fmt.Errorf("reading DRClusterConfig %s: %w", name, err)
		}
		if obj == nil {
			continue
		}
		config := &v1alpha1.DRClusterConfig{}
		if err := v1alpha1.Convert_dr_DRClusterConfig_To_v1alpha1_DRClusterConfig(obj.(*dr.DRClusterConfig).DeepCopy(), config, nil); err != nil {
			return err
		}
		cluster.Maintenance = action.MaintenanceNeeds(name, facts.Policy, facts.Groups, config)
		facts.Clusters[name] = cluster
	}
	return nil
}

// fenceOf is what a DRCluster, if there is one, says of its fence.
func fenceOf(obj runtime.Object) (action.FenceFacts, error) {
	if obj == nil {
		return action.FenceFacts{}, nil
	}
	cluster := &v1alpha1.DRCluster{}
	if err := v1alpha1.Convert_dr_DRCluster_To_v1alpha1_DRCluster(obj.(*dr.DRCluster).DeepCopy(), cluster, nil); err != nil {
		return action.FenceFacts{}, err
	}
	return action.FenceOf(cluster), nil
}

// clustersOf are the clusters that an action of the placement may have to do with.
func clustersOf(policy *v1alpha1.DRPolicy, placement *v1alpha1.DRPlacementControl) map[string]struct{} {
	clusters := map[string]struct{}{}
	names := []string{placement.Status.PrimaryCluster, placement.Spec.PreferredCluster, placement.Spec.FailoverCluster}
	if policy != nil {
		names = append(names, policy.Spec.DRClusters...)
	}
	for _, name := range names {
		if name != "" {
			clusters[name] = struct{}{}
		}
	}
	return clusters
}

// found turns a NotFound into nothing.
func found[T any](obj T, err error) (T, error) {
	var none T
	if apierrors.IsNotFound(err) {
		return none, nil
	}
	return obj, err
}
