// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drcluster

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/fencing"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

// Liveness tells which clusters are connected, and when they were last heard of.
type Liveness interface {
	Heartbeats
	Connected(cluster string, now time.Time) bool
}

// Sources are where the facts come from that a fence is judged by.
type Sources struct {
	// Clusters and Configs are the storages of DRClusters and DRClusterConfigs.
	Clusters, Configs rest.Getter
	// Policies, Placements and Groups are those of DRPolicies, DRPlacementControls and VolumeReplicationGroups.
	Policies, Placements, Groups rest.Lister
	// Heartbeats tells which clusters are connected.
	Heartbeats Liveness
}

// gather collects all facts about a cluster, from storage itself: a fence must not be judged by what was a moment ago.
func (s Sources) gather(ctx context.Context, cluster *v1alpha1.DRCluster, now time.Time) (fencing.Facts, error) {
	facts := fencing.Facts{
		Now: now, Cluster: cluster,
		Clusters: map[string]action.ClusterFacts{}, Configs: map[string]*v1alpha1.DRClusterConfig{},
	}
	if err := s.gatherLists(ctx, &facts); err != nil {
		return facts, err
	}
	for _, name := range s.concerned(&facts) {
		if err := s.gatherCluster(ctx, &facts, name); err != nil {
			return facts, err
		}
	}
	return facts, nil
}

// concerned are the cluster itself, those it shares a policy with, and who carried its last fence out.
func (s Sources) concerned(facts *fencing.Facts) []string {
	names := []string{facts.Cluster.Name}
	if fence := facts.Cluster.Status.Fence; fence != nil && fence.Peer != "" {
		names = append(names, fence.Peer)
	}
	for i := range facts.Policies {
		names = append(names, facts.Policies[i].Spec.DRClusters...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (s Sources) gatherLists(ctx context.Context, facts *fencing.Facts) error {
	name := facts.Cluster.Name
	policies, err := base.ListAll(ctx, s.Policies)
	if err != nil {
		return fmt.Errorf("listing DRPolicies: %w", err)
	}
	all := &v1alpha1.DRPolicyList{}
	if err := v1alpha1.Convert_dr_DRPolicyList_To_v1alpha1_DRPolicyList(policies.(*dr.DRPolicyList).DeepCopy(), all, nil); err != nil {
		return err
	}
	facts.Policies = slices.DeleteFunc(all.Items, func(p v1alpha1.DRPolicy) bool { return !slices.Contains(p.Spec.DRClusters, name) })

	placements, err := base.ListAll(ctx, s.Placements)
	if err != nil {
		return fmt.Errorf("listing DRPlacementControls: %w", err)
	}
	for i := range placements.(*dr.DRPlacementControlList).Items {
		placement := &v1alpha1.DRPlacementControl{}
		item := placements.(*dr.DRPlacementControlList).Items[i].DeepCopy()
		if err := v1alpha1.Convert_dr_DRPlacementControl_To_v1alpha1_DRPlacementControl(item, placement, nil); err != nil {
			return err
		}
		facts.Placements = append(facts.Placements, *placement)
	}

	own := &metainternalversion.ListOptions{FieldSelector: fields.OneTermEqualSelector(v1alpha1.FieldClusterName, name)}
	groups, err := s.Groups.List(genericapirequest.WithNamespace(ctx, ""), own)
	if err != nil {
		return fmt.Errorf("listing VolumeReplicationGroups: %w", err)
	}
	for i := range groups.(*dr.VolumeReplicationGroupList).Items {
		group := &v1alpha1.VolumeReplicationGroup{}
		item := groups.(*dr.VolumeReplicationGroupList).Items[i].DeepCopy()
		if err := v1alpha1.Convert_dr_VolumeReplicationGroup_To_v1alpha1_VolumeReplicationGroup(item, group, nil); err != nil {
			return err
		}
		facts.Groups = append(facts.Groups, *group)
	}
	return nil
}

func (s Sources) gatherCluster(ctx context.Context, facts *fencing.Facts, name string) error {
	last, _, _ := s.Heartbeats.Last(name)
	known := action.ClusterFacts{LastHeartbeat: last}
	obj, err := s.Clusters.Get(ctx, name, &metav1.GetOptions{})
	switch {
	case err == nil:
		cluster := &v1alpha1.DRCluster{}
		if err := v1alpha1.Convert_dr_DRCluster_To_v1alpha1_DRCluster(obj.(*dr.DRCluster).DeepCopy(), cluster, nil); err != nil {
			return err
		}
		known.Exists, known.Connected, known.Fence = true, s.Heartbeats.Connected(name, facts.Now), action.FenceOf(cluster)
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("reading DRCluster %s: %w", name, err)
	}
	facts.Clusters[name] = known

	obj, err = s.Configs.Get(ctx, name, &metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading DRClusterConfig %s: %w", name, err)
	}
	config := &v1alpha1.DRClusterConfig{}
	facts.Configs[name] = config
	return v1alpha1.Convert_dr_DRClusterConfig_To_v1alpha1_DRClusterConfig(obj.(*dr.DRClusterConfig).DeepCopy(), config, nil)
}
