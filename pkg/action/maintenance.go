// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// MaintenanceNeeds are the MaintenanceModes that the storage of a cluster asks for before an application is failed over to
// it: those of classes that say so by their label and that volumes of the application are replicated by, as its groups
// report. Sorted, without repetitions.
func MaintenanceNeeds(
	cluster string, policy *v1alpha1.DRPolicy, groups map[string]*v1alpha1.VolumeReplicationGroup, config *v1alpha1.DRClusterConfig,
) []v1alpha1.MaintenanceModeSpec {
	if policy == nil || config == nil {
		return nil
	}
	var needs []v1alpha1.MaintenanceModeSpec
	need := func(class *v1alpha1.ClassInfo, target string) {
		needs = append(needs, v1alpha1.MaintenanceModeSpec{
			ClusterName: cluster, StorageProvisioner: class.Provisioner, TargetID: target,
			Modes: []v1alpha1.MaintenanceModeType{v1alpha1.MaintenanceModeFailover},
		})
	}
	for _, peer := range replicatedBy(policy, groups) {
		for j := range config.Status.VolumeReplicationClasses {
			if class := &config.Status.VolumeReplicationClasses[j]; peer.ReplicationID != "" && class.ReplicationID == peer.ReplicationID && asksForFailover(class) {
				need(class, peer.ReplicationID)
			}
		}
		for j := range config.Status.StorageClasses {
			if class := &config.Status.StorageClasses[j]; class.Name == peer.StorageClassName && asksForFailover(class) {
				need(class, cmp.Or(peer.ReplicationID, class.StorageID))
			}
		}
	}
	slices.SortFunc(needs, func(a, b v1alpha1.MaintenanceModeSpec) int {
		return strings.Compare(MaintenanceModeName(a), MaintenanceModeName(b))
	})
	return slices.CompactFunc(needs, func(a, b v1alpha1.MaintenanceModeSpec) bool {
		return MaintenanceModeName(a) == MaintenanceModeName(b)
	})
}

// replicatedBy are the peer classes by which an application's volumes are replicated. While nothing is reported of its
// volumes it may be any of the policy's.
func replicatedBy(policy *v1alpha1.DRPolicy, groups map[string]*v1alpha1.VolumeReplicationGroup) []v1alpha1.PeerClass {
	var used, known []v1alpha1.PeerClass
	reported := false
	for _, group := range groups {
		if group == nil {
			continue
		}
		reported = reported || len(group.Status.ProtectedPVCs) > 0
		for _, peer := range PeersTold(group) {
			if slices.ContainsFunc(group.Status.ProtectedPVCs, func(p v1alpha1.ProtectedPVC) bool { return p.StorageClassName == peer.StorageClassName }) {
				used = append(used, peer)
			}
		}
	}
	if reported {
		return used
	}
	for _, peers := range []*v1alpha1.PeerClasses{policy.Status.Async, policy.Status.Sync} {
		if peers != nil {
			known = append(known, peers.PeerClasses...)
		}
	}
	return known
}

// PeersTold are the peer classes that a group has in its spec.
func PeersTold(group *v1alpha1.VolumeReplicationGroup) []v1alpha1.PeerClass {
	switch {
	case group.Spec.Async != nil:
		return group.Spec.Async.PeerClasses
	case group.Spec.Sync != nil:
		return group.Spec.Sync.PeerClasses
	default:
		return nil
	}
}

func asksForFailover(class *v1alpha1.ClassInfo) bool {
	return slices.ContainsFunc(strings.Split(class.Labels[v1alpha1.LabelMaintenanceModes], ","), func(mode string) bool {
		return strings.TrimSpace(mode) == string(v1alpha1.MaintenanceModeFailover)
	})
}

// MaintenanceModeName is what the MaintenanceMode is called that asks a storage of a cluster for something.
func MaintenanceModeName(spec v1alpha1.MaintenanceModeSpec) string {
	sum := sha256.Sum256([]byte(spec.StorageProvisioner + "\n" + spec.TargetID))
	return fmt.Sprintf("%s-%x", spec.ClusterName, sum[:6])
}

// NeedsMaintenance tells whether an action has not ended that holds the storage of its target in a maintenance mode.
func NeedsMaintenance(placement *v1alpha1.DRPlacementControl, cluster string) bool {
	return Running(placement) && placement.Status.CurrentAction.Spec.TargetCluster == cluster &&
		Step(placement.Status.CurrentAction, v1alpha1.StepMaintenanceMode) != nil
}
