// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package action decides about recovery actions: whether one may begin, what it would do and lose, how it is put into a
// DRPlacementControl, how it is taken back, and which DRAction records it. Everything here is a pure function of values;
// the time is one of them.
package action

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// ClusterFacts is what is known of a DRCluster's liveness and fence.
type ClusterFacts struct {
	// Exists is true if there is a DRCluster of that name.
	Exists bool
	// Connected is true while the cluster's agent holds its Lease.
	Connected bool
	// LastHeartbeat is when the hub last saw the Lease renewed; zero if it never did.
	LastHeartbeat time.Time
	// LeaseExpires is when the cluster counts as disconnected unless the Lease is renewed before.
	LeaseExpires time.Time
	// Fence is what is known of the cluster's fence.
	Fence FenceFacts
	// Maintenance is what the cluster's storage asks for before an application is failed over to it.
	Maintenance []v1alpha1.MaintenanceModeSpec
}

// Facts is all that a decision about an action rests on.
type Facts struct {
	// Now is the time of the decision.
	Now time.Time
	// Placement is the DRPlacementControl acted on.
	Placement *v1alpha1.DRPlacementControl
	// Policy is its DRPolicy, nil if there is none of that name.
	Policy *v1alpha1.DRPolicy
	// Clusters by name.
	Clusters map[string]ClusterFacts
	// Groups are the placement's VolumeReplicationGroups by cluster.
	Groups map[string]*v1alpha1.VolumeReplicationGroup
}

// Request is what somebody asks for.
type Request struct {
	// Type of the action.
	Type v1alpha1.ActionType
	// Name of the DRAction; empty lets the server choose.
	Name string
	// TargetCluster is where the application shall run; empty means the default of the type.
	TargetCluster string
	// Reason is the requester's own words.
	Reason string
	// Force overrides the checks that can be forced.
	Force bool
	// Acknowledgements are risks taken knowingly.
	Acknowledgements []v1alpha1.Acknowledgement
	// LeaveBehind are the claims that a failover goes on without.
	LeaveBehind []string
	// RequestedBy is the user who asks.
	RequestedBy string
}

// Counts tells whether the group's report speaks of what its spec asks for now. Any other report is about the past.
func Counts(group *v1alpha1.VolumeReplicationGroup) bool {
	return group != nil &&
		group.Status.ObservedGeneration == group.Generation &&
		group.Status.Epoch == group.Spec.Epoch
}

// Confirms tells whether the group's agent confirms a role for an epoch.
func Confirms(group *v1alpha1.VolumeReplicationGroup, state v1alpha1.VolumeReplicationGroupState, epoch int64) bool {
	return Counts(group) && group.Spec.Epoch == epoch && group.Status.State == state
}

// awaitsReport tells whether the group's report is of the epoch, but of an older spec: something that comes with the command has
// changed since, and the agent is about to say whether that made a difference.
func awaitsReport(group *v1alpha1.VolumeReplicationGroup, epoch int64) bool {
	return group != nil && group.Spec.Epoch == epoch && group.Status.Epoch == epoch && group.Status.ObservedGeneration != group.Generation
}

func reportAwaited(cluster string, group *v1alpha1.VolumeReplicationGroup) string {
	return fmt.Sprintf("the agent of %s has not reported yet since the spec of VolumeReplicationGroup %s was last changed; ask again in a moment",
		cluster, group.Name)
}

// HighestEpoch is the highest epoch that the placement or anything reported about it speaks of. A new epoch is above it.
func HighestEpoch(placement *v1alpha1.DRPlacementControl, groups map[string]*v1alpha1.VolumeReplicationGroup) int64 {
	highest := placement.Status.Epoch
	for _, group := range groups {
		highest = max(highest, group.Spec.Epoch, group.Status.Epoch)
	}
	return highest
}

// CopyReady tells whether a secondary's copy can be promoted, as far as its conditions say, and if not, why.
func CopyReady(group *v1alpha1.VolumeReplicationGroup) (bool, string) {
	protected := meta.FindStatusCondition(group.Status.Conditions, v1alpha1.ConditionDataProtected)
	switch {
	case protected == nil && group.Spec.Action == "":
		// A standby that was never primary has nothing to resync.
		return true, ""
	case protected == nil:
		return false, "it has not reported the state of its copy yet"
	case protected.Status == metav1.ConditionTrue:
		return true, ""
	case protected.Message != "":
		return false, "its copy is not complete: " + protected.Message
	default:
		return false, "its copy is not complete: it is being resynced from the primary"
	}
}

// schedulingInterval is the policy's interval between two syncs; zero means synchronous replication.
func schedulingInterval(policy *v1alpha1.DRPolicy) (time.Duration, error) {
	interval := policy.Spec.SchedulingInterval
	if interval == "" {
		return 0, nil
	}
	units := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	unit, known := units[interval[len(interval)-1]]
	count, err := strconv.ParseUint(interval[:len(interval)-1], 10, 16)
	if err != nil || !known {
		return 0, fmt.Errorf("schedulingInterval %q of DRPolicy %s is not a number followed by m, h or d",
			interval, policy.Name)
	}
	return time.Duration(count) * unit, nil
}

// NotConnected says for people that a cluster is not connected and since when.
func NotConnected(cluster string, facts ClusterFacts) string {
	switch {
	case !facts.Exists:
		return fmt.Sprintf("there is no DRCluster %s", cluster)
	case facts.LastHeartbeat.IsZero():
		return fmt.Sprintf("cluster %s is not connected: its agent has not been heard of since the hub started", cluster)
	default:
		return fmt.Sprintf("cluster %s is not connected: its agent was last heard of at %s",
			cluster, facts.LastHeartbeat.UTC().Format(time.RFC3339))
	}
}

func conditionTrue(group *v1alpha1.VolumeReplicationGroup, conditionType string) bool {
	return meta.IsStatusConditionTrue(group.Status.Conditions, conditionType)
}

func lower(t v1alpha1.ActionType) string { return strings.ToLower(string(t)) }
