// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +genclient:method=GetReplicationKey,verb=get,subresource=replicationkey,result=ReplicationKey
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VolumeReplicationGroup is to a cluster what a Pod is to a node: the volumes and objects of one
// application that the cluster's agent shall protect as primary or hold as secondary. The
// DRPlacementControl controller keeps one per cluster, named <drplacementcontrol>.<cluster>.
type VolumeReplicationGroup struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's name, labels and the like.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the agent shall do.
	Spec VolumeReplicationGroupSpec `json:"spec"`
	// status is what the agent reports.
	// +optional
	Status VolumeReplicationGroupStatus `json:"status,omitempty"`
}

// Labels of a VolumeReplicationGroup that belongs to a DRPlacementControl.
const (
	// LabelDRPlacementControl names the DRPlacementControl a VolumeReplicationGroup belongs to.
	LabelDRPlacementControl = "dr.ramen.io/drplacementcontrol"
	// LabelCluster names the cluster a VolumeReplicationGroup is for.
	LabelCluster = "dr.ramen.io/cluster"
)

// AgentFinalizer is put on a VolumeReplicationGroup by the hub when it is created and taken off by the agent once
// replication is off and nothing of ours is left on its cluster but the application.
const AgentFinalizer = "dr.ramen.io/agent"

// ReplicationState is the role a cluster shall have.
// +enum
// +k8s:enum
type ReplicationState string

const (
	// Primary clusters run the application and replicate its volumes to the peer.
	Primary ReplicationState = "primary"
	// Secondary clusters hold copies.
	Secondary ReplicationState = "secondary"
)

// VRGAction is what brought a role about; an agent checks it before it changes role.
// +enum
// +k8s:enum
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
	// clusterName is the DRCluster whose agent acts on this group. Defaults to the only DRCluster where there is but one.
	// Immutable.
	// +optional
	// +k8s:required
	// +k8s:format=k8s-short-name
	// +k8s:immutable
	ClusterName string `json:"clusterName,omitempty"`
	// pvcSelector selects the PersistentVolumeClaims, in the namespace of the same name on the cluster.
	PVCSelector metav1.LabelSelector `json:"pvcSelector"`
	// replicationState is the role the cluster shall have: primary or secondary.
	// +k8s:required
	ReplicationState ReplicationState `json:"replicationState"`
	// epoch this command belongs to. An agent refuses an epoch lower than the highest it has seen.
	// Defaults to 0, that of a group nobody has moved. It never decreases.
	// +optional
	// +k8s:optional
	// +k8s:minimum=0
	Epoch int64 `json:"epoch,omitempty"`
	// action that brought the role about: Failover, Relocate or Abort; empty at the first placement.
	// +optional
	// +k8s:optional
	Action VRGAction `json:"action,omitempty"`
	// handoverToken is the proof the source's agent issued for this epoch; only with it does a relocate promote.
	// +optional
	HandoverToken *HandoverToken `json:"handoverToken,omitempty"`
	// leaveBehind names PersistentVolumeClaims that a failover goes on without. A primary neither restores nor promotes them, and
	// takes away again what was restored of them until the application's objects are; their volumes are retained. A secondary
	// keeps what it has of them, also if it is to receive something else by their names.
	// +optional
	// +listType=set
	// +k8s:optional
	// +k8s:listType=set
	// +k8s:maxItems=100
	// +k8s:eachVal=+k8s:format=k8s-long-name
	LeaveBehind []string `json:"leaveBehind,omitempty"`
	// s3Profiles are the object stores that captures go to and are restored from, by their names in the agent's
	// configuration. Each is independent of the others.
	// +listType=set
	// +k8s:required
	// +k8s:listType=set
	// +k8s:maxItems=16
	// +k8s:eachVal=+k8s:minLength=1
	S3Profiles []string `json:"s3Profiles"`
	// async says how volumes are replicated at intervals. Unset: volumes are replicated synchronously.
	// +optional
	// +k8s:optional
	Async *VRGAsyncSpec `json:"async,omitempty"`
	// sync says which volumes are reached on the same storage, or mirrored at every write. Not together with async.
	// +optional
	// +k8s:optional
	Sync *VRGSyncSpec `json:"sync,omitempty"`
	// volSync is what this cluster and its peer need of each other for the volumes that VolSync replicates.
	// +optional
	// +k8s:optional
	VolSync *VRGVolSyncSpec `json:"volSync,omitempty"`
	// superseded are volumes of this cluster, from when it was primary, that the application where it runs now no longer has, or
	// instead of which it has others. The agent ends the replication of those that are not in sync: nothing would bring them up
	// to date, and they would hold up the rest. It deletes neither claims nor volumes for it. Written by the hub, from what
	// both clusters report; seldom anything.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	Superseded []SupersededVolume `json:"superseded,omitempty"`
	// kubeObjectProtection says which objects are captured besides the volumes.
	// +optional
	KubeObjectProtection *KubeObjectProtection `json:"kubeObjectProtection,omitempty"`
	// session names the run of the hub's controllers that asks for a report. The agent repeats it in the next one, which
	// proves that it was made since: a hub restored from a backup has reports that may no longer be true.
	// +optional
	Session string `json:"session,omitempty"`
}

// VRGAsyncSpec says how volumes are replicated at intervals.
type VRGAsyncSpec struct {
	// schedulingInterval between two syncs: a number and m, h or d, such as 5m.
	// +k8s:required
	SchedulingInterval string `json:"schedulingInterval"`
	// replicationClassSelector narrows the VolumeReplicationClasses that may be used.
	// +optional
	ReplicationClassSelector *metav1.LabelSelector `json:"replicationClassSelector,omitempty"`
	// volumeSnapshotClassSelector narrows the VolumeSnapshotClasses that may be used.
	// +optional
	VolumeSnapshotClassSelector *metav1.LabelSelector `json:"volumeSnapshotClassSelector,omitempty"`
	// volumeGroupSnapshotClassSelector narrows the VolumeGroupSnapshotClasses that may be used.
	// +optional
	VolumeGroupSnapshotClassSelector *metav1.LabelSelector `json:"volumeGroupSnapshotClassSelector,omitempty"`
	// peerClasses are the storage classes that have a peer on the other cluster, as the policy found them.
	// +optional
	// +listType=atomic
	PeerClasses []PeerClass `json:"peerClasses,omitempty"`
}

// VRGSyncSpec says how volumes are replicated that lose nothing with their cluster.
type VRGSyncSpec struct {
	// peerClasses are the storage classes that have a peer on the other cluster, as the policy found them.
	// +optional
	// +listType=atomic
	PeerClasses []PeerClass `json:"peerClasses,omitempty"`
}

// SupersededVolume is the volume of a claim on a cluster that the application was moved away from.
type SupersededVolume struct {
	// name of the PersistentVolumeClaim.
	// +k8s:required
	Name string `json:"name"`
	// volumeHandle the storage of this cluster knows the volume by. A claim that has come to have another one is not meant.
	// +k8s:required
	VolumeHandle string `json:"volumeHandle"`
	// newVolumeHandle is what the application's claim of that name has where it runs now; empty if there is no such claim.
	// +optional
	NewVolumeHandle string `json:"newVolumeHandle,omitempty"`
}

// HandoverToken proves that the source of a relocate has stopped writing and that all it wrote is with the target.
type HandoverToken struct {
	// epoch the token is good for.
	Epoch int64 `json:"epoch"`
	// sourceCluster that issued it.
	SourceCluster string `json:"sourceCluster"`
	// captureID is the capture of metadata and objects taken after quiesce.
	CaptureID string `json:"captureID"`
	// captureDigest is the SHA-256, in hex, of that capture's manifest.
	CaptureDigest string `json:"captureDigest"`
	// volumes that were synced a last time, sorted by namespace and name.
	// +listType=atomic
	Volumes []HandoverVolume `json:"volumes"`
	// issuedTime is when.
	IssuedTime metav1.MicroTime `json:"issuedTime"`
	// digest is the SHA-256, in hex, over all the fields above; it guards against a damaged token, not a forged one.
	Digest string `json:"digest"`
}

// HandoverVolume is one volume in a handover token.
type HandoverVolume struct {
	// namespace of the PersistentVolumeClaim.
	Namespace string `json:"namespace"`
	// name of the PersistentVolumeClaim.
	Name string `json:"name"`
	// volumeHandle the storage knows the volume by.
	VolumeHandle string `json:"volumeHandle"`
}

// VolumeReplicationGroupState is the role an agent confirms.
// +enum
type VolumeReplicationGroupState string

const (
	// PrimaryState means that every volume is writable here and here only as far as this cluster can tell.
	PrimaryState VolumeReplicationGroupState = "Primary"
	// SecondaryState means that no volume is writable here and the workload is stopped.
	SecondaryState VolumeReplicationGroupState = "Secondary"
	// UnknownState means between roles.
	UnknownState VolumeReplicationGroupState = "Unknown"
)

// Condition types of a VolumeReplicationGroup, and DataReady and DataProtected also of each of its volumes.
const (
	// ConditionDataReady is True while the volumes are usable in the group's role.
	ConditionDataReady = "DataReady"
	// ConditionDataProtected is True while, as primary, volumes are replicating and were synced within the interval's
	// tolerance, or, as secondary, the copies are complete and current.
	ConditionDataProtected = "DataProtected"
	// ConditionClusterDataReady is True once PVs and PVCs are in place: restored, or nothing was to restore.
	ConditionClusterDataReady = "ClusterDataReady"
	// ConditionClusterDataProtected is True while the last complete capture is in every object store and not older than
	// its interval allows.
	ConditionClusterDataProtected = "ClusterDataProtected"
	// ConditionKubeObjectsReady is True once the application's objects are in place: restored, or nothing was to restore.
	ConditionKubeObjectsReady = "KubeObjectsReady"
	// ConditionQuiesced is True while the agent keeps the workload stopped.
	ConditionQuiesced = "Quiesced"
)

// ReasonEpochConflict of DataReady=False means that the agent refuses the role in that epoch, because of what it did in the
// same or a later one. Where that comes about by itself the hub has forgotten something.
const ReasonEpochConflict = "EpochConflict"

// ReasonSuperseded of a volume's DataReady=True means that the application, where it runs now, has no such volume: it is kept, and
// not waited for.
const ReasonSuperseded = "Superseded"

// VolumeReplicationGroupStatus is what the agent reports. Facts about an older generation or epoch than the spec's
// say nothing about what the spec asks for.
type VolumeReplicationGroupStatus struct {
	// observedGeneration is the generation of spec this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// epoch is the highest epoch the agent has accepted.
	// +optional
	Epoch int64 `json:"epoch,omitempty"`
	// session is that of the spec this status speaks of.
	// +optional
	Session string `json:"session,omitempty"`
	// state is the role the agent confirms in that epoch: Primary, Secondary or Unknown.
	// +optional
	State VolumeReplicationGroupState `json:"state,omitempty"`
	// conditions: DataReady while the volumes are usable in the role, DataProtected while they are replicated (a primary's)
	// or complete and current (a secondary's), ClusterDataReady and KubeObjectsReady once volumes and objects are in place,
	// ClusterDataProtected while the last capture is in every object store and recent, Quiesced while the agent keeps the
	// workload stopped.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// protectedPVCs is a row per PersistentVolumeClaim.
	// +optional
	// +listType=map
	// +listMapKey=namespace
	// +listMapKey=name
	ProtectedPVCs []ProtectedPVC `json:"protectedPVCs,omitempty"`
	// lastGroupSyncTime is the minimum of the volumes' lastSyncTime, absent if any was never synced.
	// +optional
	LastGroupSyncTime *metav1.Time `json:"lastGroupSyncTime,omitempty"`
	// lastGroupSyncDuration is the longest of the volumes' lastSyncDuration.
	// +optional
	LastGroupSyncDuration *metav1.Duration `json:"lastGroupSyncDuration,omitempty"`
	// lastGroupSyncBytes is the sum of the volumes' lastSyncBytes.
	// +optional
	LastGroupSyncBytes *int64 `json:"lastGroupSyncBytes,omitempty"`
	// lastCapture is the last complete capture of metadata and objects.
	// +optional
	LastCapture *CaptureReference `json:"lastCapture,omitempty"`
	// handoverToken is issued by the source of a relocate once it has quiesced, captured and synced a last time.
	// +optional
	HandoverToken *HandoverToken `json:"handoverToken,omitempty"`
	// volSync is what this cluster receives and sends by VolSync.
	// +optional
	VolSync *VRGVolSyncStatus `json:"volSync,omitempty"`
	// lastUpdateTime is when the agent made this report. It reports on change and at least every few minutes.
	// +optional
	LastUpdateTime *metav1.Time `json:"lastUpdateTime,omitempty"`
}

// CaptureReference names a complete capture.
type CaptureReference struct {
	// id of the capture, unique within the group.
	ID string `json:"id"`
	// epoch it was taken in.
	Epoch int64 `json:"epoch"`
	// time it was taken.
	Time metav1.Time `json:"time"`
	// s3Profiles that hold it.
	// +listType=set
	S3Profiles []string `json:"s3Profiles"`
	// objects is how many objects it holds besides PVs and PVCs.
	// +optional
	Objects int32 `json:"objects,omitempty"`
}

// ProtectedPVC is one PersistentVolumeClaim of a group as its agent sees it.
type ProtectedPVC struct {
	// namespace of the PersistentVolumeClaim on the managed cluster.
	Namespace string `json:"namespace"`
	// name of the PersistentVolumeClaim.
	Name string `json:"name"`
	// storageClassName of the PersistentVolumeClaim.
	// +optional
	StorageClassName string `json:"storageClassName,omitempty"`
	// provisioner is the driver of its volume.
	// +optional
	Provisioner string `json:"provisioner,omitempty"`
	// volumeHandle is what the storage knows its volume by; empty if it is not bound to a CSI volume, or protected by another group.
	// +optional
	VolumeHandle string `json:"volumeHandle,omitempty"`
	// capacity of its volume, or what was asked for while it is not bound.
	// +optional
	Capacity *resource.Quantity `json:"capacity,omitempty"`
	// accessModes of the PersistentVolumeClaim.
	// +optional
	// +listType=atomic
	AccessModes []corev1.PersistentVolumeAccessMode `json:"accessModes,omitempty"`
	// volumeMode of the PersistentVolumeClaim: Filesystem or Block.
	// +optional
	VolumeMode *corev1.PersistentVolumeMode `json:"volumeMode,omitempty"`
	// replicationMethod is how its bytes travel; empty if it can't be protected.
	// +optional
	ReplicationMethod ReplicationMethod `json:"replicationMethod,omitempty"`
	// consistencyGroup names the group of volumes that it is replicated with; empty if it is replicated by itself.
	// +optional
	ConsistencyGroup string `json:"consistencyGroup,omitempty"`
	// peer is the cluster that it is replicated with.
	// +optional
	Peer string `json:"peer,omitempty"`
	// conditions: DataReady while the volume is usable in the group's role, DataProtected while it is replicated.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// lastSyncTime is the point in time up to which the peer has the volume's data.
	// +optional
	LastSyncTime *metav1.Time `json:"lastSyncTime,omitempty"`
	// lastSyncDuration is how long the last sync took.
	// +optional
	LastSyncDuration *metav1.Duration `json:"lastSyncDuration,omitempty"`
	// lastSyncBytes is how much it transferred.
	// +optional
	LastSyncBytes *int64 `json:"lastSyncBytes,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VolumeReplicationGroupList is a list of VolumeReplicationGroups.
type VolumeReplicationGroupList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the list: its resourceVersion to watch from, and continue if there is more.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the VolumeReplicationGroups.
	Items []VolumeReplicationGroup `json:"items"`
}
