// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// FenceFacts is what is known of a cluster's fence.
type FenceFacts struct {
	// Fenced is true while storage is known to refuse the cluster.
	Fenced bool
	// Phase of the DRCluster: unless it is Available, or empty as it is where there never was a fence, storage may refuse the
	// cluster.
	Phase v1alpha1.DRClusterPhase
}

// FenceOf is what a DRCluster says of its fence.
func FenceOf(cluster *v1alpha1.DRCluster) FenceFacts {
	fence := cluster.Status.Fence
	return FenceFacts{
		Fenced: fence != nil && fence.State == v1alpha1.FenceStateFenced &&
			meta.IsStatusConditionTrue(cluster.Status.Conditions, v1alpha1.ConditionFenced),
		Phase: cluster.Status.Phase,
	}
}

// MayBeFenced tells whether storage refuses the cluster or is not known to serve it again.
func (f FenceFacts) MayBeFenced() bool {
	return f.Fenced || f.Phase != "" && f.Phase != v1alpha1.ClusterAvailable
}

// Synchronous tells whether a policy has volumes replicated at every write, or both clusters use the same storage: nothing
// is lost with a cluster, and what must not write has to be fenced off.
func Synchronous(policy *v1alpha1.DRPolicy) bool {
	return policy != nil && policy.Spec.SchedulingInterval == ""
}

// Stopped tells whether a group's agent confirms, for an epoch, that the workload no longer writes there.
func Stopped(group *v1alpha1.VolumeReplicationGroup, epoch int64) bool {
	return Counts(group) && group.Spec.Epoch == epoch && group.Spec.ReplicationState == v1alpha1.Secondary &&
		(group.Status.State == v1alpha1.SecondaryState ||
			meta.IsStatusConditionTrue(group.Status.Conditions, v1alpha1.ConditionQuiesced))
}

// FenceIt says how to have a cluster fenced.
func FenceIt(cluster string) string {
	return fmt.Sprintf("fence it: POST a ClusterFence to drclusters/%s/fence", cluster)
}

func (q question) findTargetNotFenced() (bool, string) {
	fence := q.Clusters[q.target].Fence
	if fence.MayBeFenced() {
		return false, fmt.Sprintf("%s is %s: storage may refuse what the application writes there; unfence it and wait until its "+
			"phase is %s, or choose another target", q.target, orUnknown(string(fence.Phase)), v1alpha1.ClusterAvailable)
	}
	return true, fmt.Sprintf("%s is not fenced", q.target)
}
