// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// place begins the first placement: primary on the preferred cluster, secondary on its peer, both in epoch 1. As long
// as something stands against it nothing is created.
func (d *decider) place() {
	reason, message := d.placementObstacle()
	if reason != "" {
		d.status.Phase = v1alpha1.PhaseWaitForUser
		d.refuse(reason, message)
		return
	}
	d.out.AddFinalizer = !slices.Contains(d.facts.Placement.Finalizers, Finalizer)
	d.status.Epoch = 1
	d.status.PrimaryCluster = d.facts.Placement.Spec.PreferredCluster
	d.status.Phase = v1alpha1.PhaseDeploying
	d.commandGroups()
}

// placementObstacle says what stands against the first placement and what to do; an empty reason means nothing does.
func (d *decider) placementObstacle() (reason, message string) {
	spec, policy := d.facts.Placement.Spec, d.facts.Policy
	if policy == nil {
		return "PolicyNotFound", fmt.Sprintf("DRPolicy %s does not exist; create it. A placement cannot change its policy.",
			spec.DRPolicyRef.Name)
	}
	if validated := meta.FindStatusCondition(policy.Status.Conditions, v1alpha1.ConditionValidated); validated == nil {
		return "PolicyNotValidated", fmt.Sprintf("DRPolicy %s has not been validated yet.", policy.Name)
	} else if !meta.IsStatusConditionTrue(policy.Status.Conditions, v1alpha1.ConditionValidated) {
		return "PolicyNotValidated", fmt.Sprintf("DRPolicy %s cannot be used: %s", policy.Name, validated.Message)
	}
	for _, named := range []struct{ field, cluster string }{
		{"preferredCluster", spec.PreferredCluster}, {"failoverCluster", spec.FailoverCluster},
	} {
		if named.cluster != "" && !slices.Contains(policy.Spec.DRClusters, named.cluster) {
			return "ClusterNotInPolicy", fmt.Sprintf("spec.%s %s is not a cluster of DRPolicy %s; set it to one of %s.",
				named.field, named.cluster, policy.Name, strings.Join(policy.Spec.DRClusters, ", "))
		}
	}
	for _, cluster := range policy.Spec.DRClusters {
		if known := d.facts.Clusters[cluster]; !known.usable() {
			return "ClusterGone", fmt.Sprintf("DRCluster %s does not exist or is being deleted; create it.", cluster)
		}
		if group := d.facts.Groups[cluster]; group != nil && d.foreign(group) {
			return "NameTaken", fmt.Sprintf("VolumeReplicationGroup %s exists and does not belong to this DRPlacementControl; "+
				"delete it.", group.Name)
		}
	}
	return "", ""
}
