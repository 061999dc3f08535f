// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package dr

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// VolSyncSpec says how volumes are copied that VolSync replicates.
type VolSyncSpec struct {
	CopyMethod  VolSyncCopyMethod
	MoverConfig []VolSyncMoverConfig
}

// VolSyncCopyMethod is what VolSync copies from.
type VolSyncCopyMethod string

// VolSyncMoverConfig says how the movers of PersistentVolumeClaims run.
type VolSyncMoverConfig struct {
	PVCName              string
	PVCNamespace         string
	MoverServiceAccount  string
	MoverSecurityContext *MoverSecurityContext
}

// MoverSecurityContext is what of a pod's security context matters to movers, by the names it has there.
type MoverSecurityContext struct {
	RunAsUser           *int64
	RunAsGroup          *int64
	RunAsNonRoot        *bool
	FSGroup             *int64
	FSGroupChangePolicy string
	SupplementalGroups  []int64
	SELinuxOptions      *MoverSELinuxOptions
	SeccompProfile      *MoverSeccompProfile
}

// MoverSELinuxOptions are the SELinux labels of a mover.
type MoverSELinuxOptions struct {
	User  string
	Role  string
	Type  string
	Level string
}

// MoverSeccompProfile is the seccomp profile of a mover.
type MoverSeccompProfile struct {
	Type             string
	LocalhostProfile *string
}

// VRGVolSyncSpec is what the agents of two clusters need of each other to have VolSync replicate volumes.
type VRGVolSyncSpec struct {
	VolSyncSpec
	Destinations []VolSyncDestination
	Sources      []VolSyncSource
	Groups       []VolSyncGroup
	Arrived      []VolSyncGroup
}

// VolSyncDestination is a volume that a secondary prepares to receive, like the primary's.
type VolSyncDestination struct {
	Name             string
	Capacity         resource.Quantity
	StorageClassName string
	AccessModes      []corev1.PersistentVolumeAccessMode
	VolumeMode       *corev1.PersistentVolumeMode
	Group            string
}

// VolSyncSource says where a volume is sent.
type VolSyncSource struct {
	Name    string
	Address string
}

// VRGVolSyncStatus is what a secondary says of where it receives, and both clusters of how far what is sent is.
type VRGVolSyncStatus struct {
	Destinations []VolSyncDestinationStatus
	Groups       []VolSyncGroupStatus
}

// VolSyncDestinationStatus says how far a secondary is with a volume.
type VolSyncDestinationStatus struct {
	Name         string
	Address      string
	LatestImage  string
	LastSyncTime *metav1.Time
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ReplicationKey is the secret that the two clusters of a VolumeReplicationGroup prove themselves to each other with.
type ReplicationKey struct {
	metav1.TypeMeta
	metav1.ObjectMeta

	Key string
}
