// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// VolSyncSpec says how volumes are copied that VolSync replicates.
type VolSyncSpec struct {
	// copyMethod is what is copied from: Snapshot, a snapshot of the volume, or Direct, the volume itself while the
	// application writes to it. Defaults to empty, which means Snapshot. What arrives is always kept as snapshots.
	// +optional
	// +k8s:optional
	CopyMethod VolSyncCopyMethod `json:"copyMethod,omitempty"`
	// moverConfig says how the movers run, on both clusters, that copy the volumes of PersistentVolumeClaims. An entry without
	// pvcName is for all that have none of their own.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:maxItems=256
	MoverConfig []VolSyncMoverConfig `json:"moverConfig,omitempty"`
}

// VolSyncCopyMethod is what VolSync copies from.
// +enum
// +k8s:enum
type VolSyncCopyMethod string

const (
	// VolSyncCopySnapshot copies from a snapshot.
	VolSyncCopySnapshot VolSyncCopyMethod = "Snapshot"
	// VolSyncCopyDirect copies from the volume itself.
	VolSyncCopyDirect VolSyncCopyMethod = "Direct"
)

// VolSyncMoverConfig says how the movers of PersistentVolumeClaims run.
type VolSyncMoverConfig struct {
	// pvcName is the PersistentVolumeClaim; empty for all that have no entry of their own.
	// +optional
	PVCName string `json:"pvcName,omitempty"`
	// pvcNamespace is accepted for manifests written for RamenDR: empty or the application's namespace.
	// +optional
	PVCNamespace string `json:"pvcNamespace,omitempty"`
	// moverServiceAccount is the ServiceAccount, in the application's namespace on both clusters, that movers run as. Empty
	// means one that VolSync makes.
	// +optional
	MoverServiceAccount string `json:"moverServiceAccount,omitempty"`
	// moverSecurityContext is the security context of the movers' pods.
	// +optional
	MoverSecurityContext *MoverSecurityContext `json:"moverSecurityContext,omitempty"`
}

// MoverSecurityContext is what of a pod's security context matters to movers, by the names it has there.
type MoverSecurityContext struct {
	// runAsUser is the UID of the mover.
	// +optional
	RunAsUser *int64 `json:"runAsUser,omitempty"`
	// runAsGroup is the GID of the mover.
	// +optional
	RunAsGroup *int64 `json:"runAsGroup,omitempty"`
	// runAsNonRoot refuses to run as root.
	// +optional
	RunAsNonRoot *bool `json:"runAsNonRoot,omitempty"`
	// fsGroup owns the files of the volume.
	// +optional
	FSGroup *int64 `json:"fsGroup,omitempty"`
	// fsGroupChangePolicy says when files are given to fsGroup: Always or OnRootMismatch.
	// +optional
	FSGroupChangePolicy string `json:"fsGroupChangePolicy,omitempty"`
	// supplementalGroups the mover belongs to besides.
	// +optional
	// +listType=atomic
	SupplementalGroups []int64 `json:"supplementalGroups,omitempty"`
	// seLinuxOptions of the mover.
	// +optional
	SELinuxOptions *MoverSELinuxOptions `json:"seLinuxOptions,omitempty"`
	// seccompProfile of the mover.
	// +optional
	SeccompProfile *MoverSeccompProfile `json:"seccompProfile,omitempty"`
}

// MoverSELinuxOptions are the SELinux labels of a mover.
type MoverSELinuxOptions struct {
	// user of the SELinux label.
	// +optional
	User string `json:"user,omitempty"`
	// role of the SELinux label.
	// +optional
	Role string `json:"role,omitempty"`
	// type of the SELinux label.
	// +optional
	Type string `json:"type,omitempty"`
	// level of the SELinux label.
	// +optional
	Level string `json:"level,omitempty"`
}

// MoverSeccompProfile is the seccomp profile of a mover.
type MoverSeccompProfile struct {
	// type: RuntimeDefault, Unconfined or Localhost.
	Type string `json:"type"`
	// localhostProfile is the profile's file, of type Localhost.
	// +optional
	LocalhostProfile *string `json:"localhostProfile,omitempty"`
}

// VRGVolSyncSpec is what the agents of two clusters need of each other to have VolSync replicate volumes. The hub carries
// it from the one's status to the other's spec.
type VRGVolSyncSpec struct {
	VolSyncSpec `json:",inline"`
	// destinations are what a secondary prepares to receive: one for each volume that the primary says VolSync replicates.
	// +optional
	// +listType=map
	// +listMapKey=name
	Destinations []VolSyncDestination `json:"destinations,omitempty"`
	// sources are where a primary sends its volumes: where the secondary says that it receives.
	// +optional
	// +listType=map
	// +listMapKey=name
	Sources []VolSyncSource `json:"sources,omitempty"`
	// groups are what a secondary receives, as the primary says that it sends them.
	// +optional
	// +listType=map
	// +listMapKey=name
	Groups []VolSyncGroup `json:"groups,omitempty"`
	// arrived is how far the peer is with what a cluster sends, where that asks and the peer says something else. It asks for nothing,
	// so that metadata.generation does not count it.
	// +optional
	// +listType=map
	// +listMapKey=name
	Arrived []VolSyncGroup `json:"arrived,omitempty"`
}

// VolSyncDestination is a volume that a secondary prepares to receive, like the primary's.
type VolSyncDestination struct {
	// name of the PersistentVolumeClaim.
	Name string `json:"name"`
	// capacity of its volume.
	Capacity resource.Quantity `json:"capacity"`
	// storageClassName of the PersistentVolumeClaim.
	// +optional
	StorageClassName string `json:"storageClassName,omitempty"`
	// accessModes of the PersistentVolumeClaim.
	// +optional
	// +listType=atomic
	// +k8s:eachVal=+k8s:opaqueType
	AccessModes []corev1.PersistentVolumeAccessMode `json:"accessModes,omitempty"`
	// volumeMode of the PersistentVolumeClaim: Filesystem or Block.
	// +optional
	// +k8s:opaqueType
	VolumeMode *corev1.PersistentVolumeMode `json:"volumeMode,omitempty"`
	// group is the consistency group that the volume is a member of; empty if it is received by itself.
	// +optional
	Group string `json:"group,omitempty"`
}

// VolSyncSource says where a volume is sent.
type VolSyncSource struct {
	// name of the PersistentVolumeClaim.
	Name string `json:"name"`
	// address where the secondary receives it.
	Address string `json:"address"`
}

// VRGVolSyncStatus is what a secondary says of where it receives, and both clusters of how far what is sent is.
type VRGVolSyncStatus struct {
	// destinations, one for each volume.
	// +optional
	// +listType=map
	// +listMapKey=name
	Destinations []VolSyncDestinationStatus `json:"destinations,omitempty"`
	// groups that are sent or received.
	// +optional
	// +listType=map
	// +listMapKey=name
	Groups []VolSyncGroupStatus `json:"groups,omitempty"`
}

// VolSyncDestinationStatus says how far a secondary is with a volume.
type VolSyncDestinationStatus struct {
	// name of the PersistentVolumeClaim.
	Name string `json:"name"`
	// address where it is received; empty until there is one.
	// +optional
	Address string `json:"address,omitempty"`
	// latestImage is the VolumeSnapshot of the last complete copy; empty until there is one.
	// +optional
	LatestImage string `json:"latestImage,omitempty"`
	// lastSyncTime is when that was made, by the secondary's clock.
	// +optional
	LastSyncTime *metav1.Time `json:"lastSyncTime,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ReplicationKey is the secret that the two clusters of a VolumeReplicationGroup prove themselves to each other with. It is
// got from the group's subresource replicationkey, by the agent of its cluster only, and kept nowhere in this API.
type ReplicationKey struct {
	metav1.TypeMeta `json:",inline"`
	// metadata has the group's name.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// key in hex, the same for both clusters.
	Key string `json:"key"`
}
