// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +genclient:method=Failover,verb=create,subresource=failover,input=DRAction,result=DRAction
// +genclient:method=Relocate,verb=create,subresource=relocate,input=DRAction,result=DRAction
// +genclient:method=Abort,verb=create,subresource=abort,input=DRAction,result=DRAction
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRPlacementControl protects one application: it says which volumes and objects belong to it,
// where it should run, and where it can be recovered. Recovery itself is not a field: POST a
// DRAction to the failover, relocate or abort subresource.
type DRPlacementControl struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's name, labels and the like.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the application's owner wants protected, and where.
	Spec DRPlacementControlSpec `json:"spec"`
	// status is what the server knows of the application on all its clusters.
	// +optional
	Status DRPlacementControlStatus `json:"status,omitempty"`
}

// DRPlacementControlSpec is what the application's owner wants protected, and where.
type DRPlacementControlSpec struct {
	// drPolicyRef names the DRPolicy that says between which clusters and how often the volumes
	// are replicated. Whoever writes it must be allowed to `use` that drpolicies object. Immutable.
	DRPolicyRef DRPolicyReference `json:"drPolicyRef"`
	// preferredCluster is the DRCluster, one of the policy's, on which the application runs when all is well: the
	// cluster of the first placement and the default target of relocate.
	// +k8s:required
	// +k8s:format=k8s-short-name
	PreferredCluster string `json:"preferredCluster"`
	// failoverCluster is the default target of failover. Empty means the policy's other cluster.
	// +optional
	// +k8s:optional
	// +k8s:format=k8s-short-name
	FailoverCluster string `json:"failoverCluster,omitempty"`
	// pvcSelector selects the application's PersistentVolumeClaims, in the namespace of
	// the same name as the DRPlacementControl's on the managed clusters. Empty ({}) selects all of the namespace.
	// No other DRPlacementControl may select the same. Immutable.
	// +k8s:immutable
	PVCSelector metav1.LabelSelector `json:"pvcSelector"`
	// kubeObjectProtection says which objects of the application are captured besides its volumes.
	// Unset means: the objects that pvcSelector selects, every 5 minutes and at every change of role.
	// +optional
	KubeObjectProtection *KubeObjectProtection `json:"kubeObjectProtection,omitempty"`
	// protectedNamespaces may name the DRPlacementControl's own namespace, which is what is protected anyway. Another
	// namespace needs a DRPlacementControl of its own.
	// +optional
	// +listType=set
	// +k8s:optional
	// +k8s:listType=set
	// +k8s:maxItems=64
	// +k8s:eachVal=+k8s:format=k8s-short-name
	ProtectedNamespaces []string `json:"protectedNamespaces,omitempty"`
	// volSyncSpec says how volumes are copied that VolSync replicates.
	// +optional
	// +k8s:optional
	VolSyncSpec *VolSyncSpec `json:"volSyncSpec,omitempty"`
	// replicationState is accepted, if it is primary, for manifests written for RamenDR and ignored: the role of each
	// cluster follows from the actions.
	// +optional
	// +k8s:optional
	ReplicationState ReplicationState `json:"replicationState,omitempty"`
	// placementRef is accepted for manifests written for RamenDR and ignored: no Placement is changed. Where the
	// application runs follows from the actions, which restore its objects on the target.
	// +optional
	PlacementRef *PlacementReference `json:"placementRef,omitempty"`
}

// DRPolicyReference names a DRPolicy.
type DRPolicyReference struct {
	// name of the DRPolicy.
	// +k8s:required
	// +k8s:format=k8s-long-name
	// +k8s:immutable
	Name string `json:"name"`
	// namespace is accepted for manifests written for RamenDR and ignored: a DRPolicy is cluster-scoped.
	// +optional
	Namespace string `json:"namespace,omitempty"`
}

// PlacementReference names a Placement or PlacementRule of Open Cluster Management.
type PlacementReference struct {
	// apiVersion of the Placement.
	// +optional
	APIVersion string `json:"apiVersion,omitempty"`
	// kind is Placement or PlacementRule.
	// +optional
	Kind string `json:"kind,omitempty"`
	// name of the Placement.
	// +optional
	Name string `json:"name,omitempty"`
	// namespace of the Placement.
	// +optional
	Namespace string `json:"namespace,omitempty"`
}

// KubeObjectProtection says which objects of an application are captured, and how often.
type KubeObjectProtection struct {
	// captureInterval is the time between two captures. Defaults to 5m, at least 10s.
	// +optional
	CaptureInterval *metav1.Duration `json:"captureInterval,omitempty"`
	// kubeObjectSelector selects the objects to capture, in the protected namespace. Unset means the
	// objects that pvcSelector selects; an empty selector ({}) means every object in the namespace.
	// Objects controlled by another object, Events, Endpoints and what the cluster itself puts in each
	// namespace are never captured.
	// +optional
	KubeObjectSelector *metav1.LabelSelector `json:"kubeObjectSelector,omitempty"`
}

// DRPlacementControlPhase is the application's state in one word.
// +enum
type DRPlacementControlPhase string

// The phases RamenDR's users know.
const (
	// PhaseWaitForUser means that a person must decide; conditions say what.
	PhaseWaitForUser DRPlacementControlPhase = "WaitForUser"
	// PhaseDeploying means that the first placement is under way.
	PhaseDeploying DRPlacementControlPhase = "Deploying"
	// PhaseDeployed means that the application is where it was first placed.
	PhaseDeployed DRPlacementControlPhase = "Deployed"
	// PhaseFailingOver means that a failover is under way.
	PhaseFailingOver DRPlacementControlPhase = "FailingOver"
	// PhaseFailedOver means that the last action was a failover and it ended well.
	PhaseFailedOver DRPlacementControlPhase = "FailedOver"
	// PhaseRelocating means that a relocate is under way.
	PhaseRelocating DRPlacementControlPhase = "Relocating"
	// PhaseRelocated means that the last action was a relocate and it ended well.
	PhaseRelocated DRPlacementControlPhase = "Relocated"
	// PhaseDeleting means that protection is being taken off; the application stays.
	PhaseDeleting DRPlacementControlPhase = "Deleting"
)

// Condition types of a DRPlacementControl.
const (
	// ConditionAvailable is True while the application's volumes and objects are in place on its primary cluster.
	ConditionAvailable = "Available"
	// ConditionPeerReady is True while the other cluster is ready to take the application over.
	ConditionPeerReady = "PeerReady"
	// ConditionProtected is True while volumes, their metadata and the application's objects are all
	// saved off the primary cluster.
	ConditionProtected = "Protected"
)

// DRPlacementControlStatus is what the server knows of the application on all its clusters.
type DRPlacementControlStatus struct {
	// observedGeneration is the generation of spec this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// phase is the application's state in one word.
	// +optional
	Phase DRPlacementControlPhase `json:"phase,omitempty"`
	// epoch counts the changes of the primary cluster. At most one cluster is writable per epoch; agents
	// refuse commands of a lower epoch than they have seen. 0 before the first placement.
	// +optional
	Epoch int64 `json:"epoch,omitempty"`
	// primaryCluster is the one cluster that may write in this epoch. During an action, before its point
	// of no return, it is still the source; from then on the target.
	// +optional
	PrimaryCluster string `json:"primaryCluster,omitempty"`
	// currentAction is the action under way or, when its Complete condition is True, the last one.
	// The DRAction of that name is the lasting record of it.
	// +optional
	CurrentAction *ActionRecord `json:"currentAction,omitempty"`
	// conditions: Available is True while the application is in place on its primary cluster, PeerReady while the other
	// cluster is ready to take it over, Protected while all of it is saved off the primary cluster.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// clusters is what each cluster's agent last reported, a row a cluster.
	// +optional
	// +listType=map
	// +listMapKey=name
	Clusters []ClusterView `json:"clusters,omitempty"`
	// lastGroupSyncTime is the point in time to which all volumes are known to be replicated: the oldest
	// of theirs. Absent if any volume has never been synced.
	// +optional
	LastGroupSyncTime *metav1.Time `json:"lastGroupSyncTime,omitempty"`
	// lastKubeObjectProtectionTime is when the last complete capture of metadata and objects was taken.
	// +optional
	LastKubeObjectProtectionTime *metav1.Time `json:"lastKubeObjectProtectionTime,omitempty"`
}

// ActionRecord is an action as the DRPlacementControl keeps it; the DRAction of the same name follows from it.
type ActionRecord struct {
	// name of the DRAction.
	Name string `json:"name"`
	// spec of the DRAction.
	Spec DRActionSpec `json:"spec"`
	// status of the DRAction.
	// +optional
	Status DRActionStatus `json:"status,omitempty"`
}

// ClusterView is what one cluster's agent last reported of the application.
type ClusterView struct {
	// name of the DRCluster.
	Name string `json:"name"`
	// state is the role the agent confirmed: Primary, Secondary or Unknown.
	// +optional
	State VolumeReplicationGroupState `json:"state,omitempty"`
	// epoch is the highest epoch the agent has accepted.
	// +optional
	Epoch int64 `json:"epoch,omitempty"`
	// message says in words what the cluster is doing or what is wrong there.
	// +optional
	Message string `json:"message,omitempty"`
	// observedAt is when the agent made this report.
	// +optional
	ObservedAt *metav1.Time `json:"observedAt,omitempty"`
	// freshness is Fresh while the agent's Lease on the hub is held, else Stale: what the row says may
	// have changed since observedAt. Computed when read.
	// +optional
	Freshness Freshness `json:"freshness,omitempty"`
}

// Freshness says whether a report can still be believed.
// +enum
type Freshness string

const (
	// Fresh means that the reporting agent is connected.
	Fresh Freshness = "Fresh"
	// Stale means that the reporting agent has not been heard of for longer than its Lease lasts.
	Stale Freshness = "Stale"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRPlacementControlList is a list of DRPlacementControls.
type DRPlacementControlList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the list: its resourceVersion to watch from, and continue if there is more.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the DRPlacementControls.
	Items []DRPlacementControl `json:"items"`
}
