// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +genclient:nonNamespaced
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRClusterConfig is what a cluster's agent found on its cluster. It is named like the DRCluster and written by the agent,
// but for spec.fences: what the server has it do about other clusters.
type DRClusterConfig struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's name, labels and the like.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec identifies the cluster.
	Spec DRClusterConfigSpec `json:"spec"`
	// status is what the agent found.
	// +optional
	Status DRClusterConfigStatus `json:"status,omitempty"`
}

// DRClusterConfigSpec identifies a cluster, and is what its agent shall do about others.
type DRClusterConfigSpec struct {
	// clusterID is the UID of the cluster's kube-system namespace. Immutable.
	// +k8s:required
	// +k8s:immutable
	ClusterID string `json:"clusterID"`
	// fences are other clusters that the agent fences off from the storage that both reach. The server writes it.
	// +optional
	// +listType=map
	// +listMapKey=clusterName
	Fences []FenceOrder `json:"fences,omitempty"`
}

// DRClusterConfigStatus is what the agent found on its cluster.
type DRClusterConfigStatus struct {
	// storageClasses of the cluster, sorted by name.
	// +optional
	// +listType=map
	// +listMapKey=name
	StorageClasses []ClassInfo `json:"storageClasses,omitempty"`
	// volumeReplicationClasses of the cluster, sorted by name.
	// +optional
	// +listType=map
	// +listMapKey=name
	VolumeReplicationClasses []ClassInfo `json:"volumeReplicationClasses,omitempty"`
	// volumeGroupReplicationClasses of the cluster, sorted by name.
	// +optional
	// +listType=map
	// +listMapKey=name
	VolumeGroupReplicationClasses []ClassInfo `json:"volumeGroupReplicationClasses,omitempty"`
	// volumeSnapshotClasses of the cluster, sorted by name.
	// +optional
	// +listType=map
	// +listMapKey=name
	VolumeSnapshotClasses []ClassInfo `json:"volumeSnapshotClasses,omitempty"`
	// volumeGroupSnapshotClasses of the cluster, sorted by name.
	// +optional
	// +listType=map
	// +listMapKey=name
	VolumeGroupSnapshotClasses []ClassInfo `json:"volumeGroupSnapshotClasses,omitempty"`
	// networkFenceClasses of the cluster, sorted by name.
	// +optional
	// +listType=map
	// +listMapKey=name
	NetworkFenceClasses []ClassInfo `json:"networkFenceClasses,omitempty"`
	// storageAccessDetails are the addresses that the cluster's storage drivers say its nodes reach the storage from.
	// +optional
	// +listType=map
	// +listMapKey=storageProvisioner
	StorageAccessDetails []StorageAccessDetail `json:"storageAccessDetails,omitempty"`
	// fences say what became of those that spec asks for.
	// +optional
	// +listType=map
	// +listMapKey=clusterName
	Fences []FenceReport `json:"fences,omitempty"`
	// lastUpdateTime is when the agent last found a difference.
	// +optional
	LastUpdateTime *metav1.Time `json:"lastUpdateTime,omitempty"`
}

// ClassInfo is one class of a cluster.
type ClassInfo struct {
	// name of the class.
	Name string `json:"name"`
	// provisioner is the driver.
	Provisioner string `json:"provisioner"`
	// storageID from the label ramendr.openshift.io/storageid.
	// +optional
	StorageID string `json:"storageID,omitempty"`
	// replicationID from the label ramendr.openshift.io/replicationid (or replicationID).
	// +optional
	ReplicationID string `json:"replicationID,omitempty"`
	// groupReplicationID from the label ramendr.openshift.io/groupreplicationid.
	// +optional
	GroupReplicationID string `json:"groupReplicationID,omitempty"`
	// global is true if the label ramendr.openshift.io/global says that the storage moves all volumes of a group together,
	// whichever applications they belong to.
	// +optional
	Global bool `json:"global,omitempty"`
	// offloaded is true if the label ramendr.openshift.io/offloaded says that something else drives the replication.
	// +optional
	Offloaded bool `json:"offloaded,omitempty"`
	// schedulingInterval is the parameter of that name of a VolumeReplicationClass or VolumeGroupReplicationClass.
	// +optional
	SchedulingInterval string `json:"schedulingInterval,omitempty"`
	// labels of the class, for a policy's selectors.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
}

// StorageAccessDetail says from where the nodes of a cluster reach storage.
type StorageAccessDetail struct {
	// storageProvisioner is the driver.
	StorageProvisioner string `json:"storageProvisioner"`
	// cidrs of the nodes, sorted.
	// +optional
	// +listType=set
	CIDRs []string `json:"cidrs,omitempty"`
}

// Labels that storage vendors put on classes.
const (
	// LabelStorageID tells storage systems apart: the same value on two clusters means the same storage.
	LabelStorageID = "ramendr.openshift.io/storageid"
	// LabelReplicationID is shared by the VolumeReplicationClasses of two clusters whose storage replicates to each other.
	LabelReplicationID = "ramendr.openshift.io/replicationid"
	// LabelReplicationIDCamel is the spelling older manifests use.
	LabelReplicationIDCamel = "ramendr.openshift.io/replicationID"
	// LabelGroupReplicationID is shared by the VolumeGroupReplicationClasses of two clusters whose storage replicates groups
	// of volumes to each other.
	LabelGroupReplicationID = "ramendr.openshift.io/groupreplicationid"
	// LabelGlobal is on classes of storage that moves all volumes of a group together, whichever applications they belong to.
	LabelGlobal = "ramendr.openshift.io/global"
	// LabelOffloaded is on classes whose replication something else drives.
	LabelOffloaded = "ramendr.openshift.io/offloaded"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRClusterConfigList is a list of DRClusterConfigs.
type DRClusterConfigList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the list: its resourceVersion to watch from, and continue if there is more.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the DRClusterConfigs.
	Items []DRClusterConfig `json:"items"`
}
