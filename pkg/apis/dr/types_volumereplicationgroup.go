// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package dr

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VolumeReplicationGroup is to a cluster what a Pod is to a node: the volumes and objects of one
// application that the cluster's agent shall protect as primary or hold as secondary. The
// DRPlacementControl controller keeps one per cluster, named <drplacementcontrol>.<cluster>.
type VolumeReplicationGroup struct {
	metav1.TypeMeta
	metav1.ObjectMeta

	Spec   VolumeReplicationGroupSpec
	Status VolumeReplicationGroupStatus
}

// AgentFinalizer is put on a VolumeReplicationGroup by the hub when it is created and taken off by the agent once
// replication is off and nothing of ours is left on its cluster but the application.
const AgentFinalizer = "dr.ramen.io/agent"

// ReplicationState is the role a cluster shall have.
type ReplicationState string

const (
	// Primary clusters run the application and replicate its volumes to the peer.
	Primary ReplicationState = "primary"
	// Secondary clusters hold copies.
	Secondary ReplicationState = "secondary"
)

// VRGAction is what brought a role about; an agent checks it before it changes role.
type VRGAction string

const (
	// VRGActionFailover lets a secondary become primary from the last copy it has.
	VRGActionFailover VRGAction = "Failover"
	// VRGActionRelocate lets a secondary become primary with the source's handover token for this epoch, and makes a
	// primary quiesce, sync a last time and issue one before it becomes secondary.
	VRGActionRelocate VRGAction = "Relocate"
	// VRGActionAbort lets the cluster that was primary before an aborted relocate become primary again.
	VRGActionAbort VRGAction = "Abort"
)

// VolumeReplicationGroupSpec is what the agent shall do.
type VolumeReplicationGroupSpec struct {
	ClusterName          string
	PVCSelector          metav1.LabelSelector
	ReplicationState     ReplicationState
	Epoch                int64
	Action               VRGAction
	HandoverToken        *HandoverToken
	LeaveBehind          []string
	S3Profiles           []string
	Async                *VRGAsyncSpec
	Sync                 *VRGSyncSpec
	VolSync              *VRGVolSyncSpec
	Superseded           []SupersededVolume
	KubeObjectProtection *KubeObjectProtection
	Session              string
}

// VRGAsyncSpec says how volumes are replicated at intervals.
type VRGAsyncSpec struct {
	SchedulingInterval               string
	ReplicationClassSelector         *metav1.LabelSelector
	VolumeSnapshotClassSelector      *metav1.LabelSelector
	VolumeGroupSnapshotClassSelector *metav1.LabelSelector
	PeerClasses                      []PeerClass
}

// VRGSyncSpec says how volumes are replicated that lose nothing with their cluster.
type VRGSyncSpec struct {
	PeerClasses []PeerClass
}

// SupersededVolume is the volume of a claim on a cluster that the application was moved away from.
type SupersededVolume struct {
	Name            string
	VolumeHandle    string
	NewVolumeHandle string
}

// HandoverToken proves that the source of a relocate has stopped writing and that all it wrote is with the target.
type HandoverToken struct {
	Epoch         int64
	SourceCluster string
	CaptureID     string
	CaptureDigest string
	Volumes       []HandoverVolume
	IssuedTime    metav1.MicroTime
	Digest        string
}

// HandoverVolume is one volume in a handover token.
type HandoverVolume struct {
	Namespace    string
	Name         string
	VolumeHandle string
}

// VolumeReplicationGroupState is the role an agent confirms.
type VolumeReplicationGroupState string

const (
	// PrimaryState means that every volume is writable here and here only as far as this cluster can tell.
	PrimaryState VolumeReplicationGroupState = "Primary"
	// SecondaryState means that no volume is writable here and the workload is stopped.
	SecondaryState VolumeReplicationGroupState = "Secondary"
)

// Condition types of a VolumeReplicationGroup, and DataReady and DataProtected also of each of its volumes.
const (
	// ConditionDataReady is True while the volumes are usable in the group's role.
	ConditionDataReady = "DataReady"
	// ConditionDataProtected is True while, as primary, volumes are replicating and were synced within the interval's
	// tolerance, or, as secondary, the copies are complete and current.
	ConditionDataProtected = "DataProtected"
	// ConditionClusterDataProtected is True while the last complete capture is in every object store and not older than
	// its interval allows.
	ConditionClusterDataProtected = "ClusterDataProtected"
)

// ReasonSuperseded of a volume's DataReady=True means that the application, where it runs now, has no such volume.
const ReasonSuperseded = "Superseded"

// VolumeReplicationGroupStatus is what the agent reports. Facts about an older generation or epoch than the spec's
// say nothing about what the spec asks for.
type VolumeReplicationGroupStatus struct {
	ObservedGeneration    int64
	Epoch                 int64
	Session               string
	State                 VolumeReplicationGroupState
	Conditions            []metav1.Condition
	ProtectedPVCs         []ProtectedPVC
	LastGroupSyncTime     *metav1.Time
	LastGroupSyncDuration *metav1.Duration
	LastGroupSyncBytes    *int64
	LastCapture           *CaptureReference
	HandoverToken         *HandoverToken
	VolSync               *VRGVolSyncStatus
	LastUpdateTime        *metav1.Time
}

// CaptureReference names a complete capture.
type CaptureReference struct {
	ID         string
	Epoch      int64
	Time       metav1.Time
	S3Profiles []string
	Objects    int32
}

// ProtectedPVC is one PersistentVolumeClaim of a group as its agent sees it.
type ProtectedPVC struct {
	Namespace         string
	Name              string
	StorageClassName  string
	Provisioner       string
	VolumeHandle      string
	Capacity          *resource.Quantity
	AccessModes       []corev1.PersistentVolumeAccessMode
	VolumeMode        *corev1.PersistentVolumeMode
	ReplicationMethod ReplicationMethod
	ConsistencyGroup  string
	Peer              string
	Conditions        []metav1.Condition
	LastSyncTime      *metav1.Time
	LastSyncDuration  *metav1.Duration
	LastSyncBytes     *int64
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VolumeReplicationGroupList is a list of VolumeReplicationGroups.
type VolumeReplicationGroupList struct {
	metav1.TypeMeta
	metav1.ListMeta

	Items []VolumeReplicationGroup
}
