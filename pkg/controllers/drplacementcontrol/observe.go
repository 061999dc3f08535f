// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"cmp"
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Heartbeats knows which clusters' agents are connected; heartbeat.Tracker does.
type Heartbeats interface {
	// Last is when the hub last saw the cluster's Lease renewed, and for how long that holds.
	Last(cluster string) (observedRenew time.Time, duration time.Duration, ok bool)
	// Connected tells whether the cluster's agent holds its Lease at that time.
	Connected(cluster string, now time.Time) bool
}

// observe gathers all facts about a placement from the caches. It returns nil if there is no such placement.
func (r *Reconciler) observe(ctx context.Context, key types.NamespacedName) (*Facts, error) {
	facts := &Facts{
		Now:       r.Clock.Now(),
		Written:   r.written.of(key),
		Session:   r.Session,
		Placement: &v1alpha1.DRPlacementControl{},
		Clusters:  map[string]Cluster{},
		Groups:    map[string]*v1alpha1.VolumeReplicationGroup{},
	}
	if err := r.Client.Get(ctx, key, facts.Placement); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	policy := &v1alpha1.DRPolicy{}
	found, err := r.find(ctx, types.NamespacedName{Name: facts.Placement.Spec.DRPolicyRef.Name}, policy)
	if err != nil {
		return nil, err
	}
	if found {
		facts.Policy = policy
	}
	clusters, err := r.clustersOf(ctx, facts)
	if err != nil {
		return nil, err
	}
	for cluster := range clusters {
		if err := r.observeCluster(ctx, facts, cluster); err != nil {
			return nil, err
		}
	}
	return facts, r.observeMaintenance(ctx, facts)
}

// clustersOf are the clusters that have to do with the placement: those of its policy and those it has groups for.
func (r *Reconciler) clustersOf(ctx context.Context, facts *Facts) (map[string]struct{}, error) {
	clusters := map[string]struct{}{}
	if facts.Policy != nil {
		for _, cluster := range facts.Policy.Spec.DRClusters {
			clusters[cluster] = struct{}{}
		}
	}
	// The list only finds names, each of which is then read by itself: a list that waits for our own writes would wait
	// for those about every other placement too.
	groups := &v1alpha1.VolumeReplicationGroupList{}
	if err := r.Client.List(ctx, groups, client.InNamespace(facts.Placement.Namespace),
		client.MatchingFields{indexGroupsByPlacement: facts.Placement.Name},
		client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
		return nil, fmt.Errorf("listing VolumeReplicationGroups: %w", err)
	}
	for i := range groups.Items {
		clusters[groups.Items[i].Spec.ClusterName] = struct{}{}
	}
	if record := facts.Placement.Status.CurrentAction; record != nil && !action.Ended(record) {
		clusters[record.Spec.SourceCluster] = struct{}{}
		clusters[record.Spec.TargetCluster] = struct{}{}
	}
	for _, view := range facts.Placement.Status.Clusters {
		clusters[view.Name] = struct{}{}
	}
	delete(clusters, "")
	return clusters, nil
}

func (r *Reconciler) observeCluster(ctx context.Context, facts *Facts, name string) error {
	cluster := &v1alpha1.DRCluster{}
	found, err := r.find(ctx, types.NamespacedName{Name: name}, cluster)
	if err != nil {
		return err
	}
	renewed, duration, seen := r.Heartbeats.Last(name)
	known := Cluster{
		ClusterFacts: action.ClusterFacts{
			Exists: found, Connected: found && r.Heartbeats.Connected(name, facts.Now), Fence: action.FenceOf(cluster),
		},
		Deleting:  cluster.DeletionTimestamp != nil,
		S3Profile: cluster.Spec.S3ProfileName,
	}
	if seen {
		known.LastHeartbeat, known.LeaseExpires = renewed, renewed.Add(duration)
	}
	facts.Clusters[name] = known

	group := &v1alpha1.VolumeReplicationGroup{}
	key := types.NamespacedName{Namespace: facts.Placement.Namespace, Name: GroupName(facts.Placement.Name, name)}
	switch err := r.Client.Get(ctx, key, group); {
	case err == nil:
		facts.Groups[name] = group
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("reading VolumeReplicationGroup %s: %w", key, err)
	}
	return nil
}

// observeMaintenance finds out what the storage of a failover's target has yet to do.
func (r *Reconciler) observeMaintenance(ctx context.Context, facts *Facts) error {
	for name, known := range facts.Clusters {
		if !action.NeedsMaintenance(facts.Placement, name) {
			continue
		}
		var err error
		if known.Unprepared, err = r.unprepared(ctx, name, facts); err != nil {
			return err
		}
		facts.Clusters[name] = known
	}
	return nil
}

func (r *Reconciler) unprepared(ctx context.Context, cluster string, facts *Facts) (string, error) {
	config := &v1alpha1.DRClusterConfig{}
	if _, err := r.find(ctx, types.NamespacedName{Name: cluster}, config); err != nil {
		return "", err
	}
	for _, need := range action.MaintenanceNeeds(cluster, facts.Policy, facts.Groups, config) {
		name, mode := action.MaintenanceModeName(need), &v1alpha1.MaintenanceMode{}
		found, err := r.find(ctx, types.NamespacedName{Name: name}, mode)
		switch activated := meta.FindStatusCondition(mode.Status.Conditions, v1alpha1.ConditionFailoverActivated); {
		case err != nil:
			return "", err
		case !found || mode.DeletionTimestamp != nil:
			return fmt.Sprintf("Waits until MaintenanceMode %s is there.", name), nil
		case activated == nil || mode.Status.ObservedGeneration != mode.Generation:
			return fmt.Sprintf("Waits until the operator of storage %s reports on MaintenanceMode %s.", need.StorageProvisioner, name), nil
		case activated.Status != metav1.ConditionTrue:
			return fmt.Sprintf("Waits for MaintenanceMode %s, which is %s: %s", name,
				cmp.Or(mode.Status.State, v1alpha1.MaintenanceModeUnknown), cmp.Or(activated.Message, activated.Reason)), nil
		}
	}
	return "", nil
}

// find reads an object that other controllers write, without waiting for their writes.
func (r *Reconciler) find(ctx context.Context, key types.NamespacedName, into client.Object) (bool, error) {
	err := r.Client.Get(ctx, key, into, client.DisableReadYourWritesConsistency)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %T %s: %w", into, key.Name, err)
	}
	return true, nil
}
