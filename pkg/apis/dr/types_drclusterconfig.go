// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package dr

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRClusterConfig is what a cluster's agent found on its cluster. It is named like the DRCluster and written by the agent.
type DRClusterConfig struct {
	metav1.TypeMeta
	metav1.ObjectMeta

	Spec   DRClusterConfigSpec
	Status DRClusterConfigStatus
}

// DRClusterConfigSpec identifies a cluster.
type DRClusterConfigSpec struct {
	ClusterID string
	Fences    []FenceOrder
}

// DRClusterConfigStatus is what the agent found on its cluster.
type DRClusterConfigStatus struct {
	StorageClasses                []ClassInfo
	VolumeReplicationClasses      []ClassInfo
	VolumeGroupReplicationClasses []ClassInfo
	VolumeSnapshotClasses         []ClassInfo
	VolumeGroupSnapshotClasses    []ClassInfo
	NetworkFenceClasses           []ClassInfo
	StorageAccessDetails          []StorageAccessDetail
	Fences                        []FenceReport
	LastUpdateTime                *metav1.Time
}

// ClassInfo is one class of a cluster.
type ClassInfo struct {
	Name               string
	Provisioner        string
	StorageID          string
	ReplicationID      string
	GroupReplicationID string
	Global             bool
	Offloaded          bool
	SchedulingInterval string
	Labels             map[string]string
}

// StorageAccessDetail says from where the nodes of a cluster reach storage.
type StorageAccessDetail struct {
	StorageProvisioner string
	CIDRs              []string
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRClusterConfigList is a list of DRClusterConfigs.
type DRClusterConfigList struct {
	metav1.TypeMeta
	metav1.ListMeta

	Items []DRClusterConfig
}
