// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package dr

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRPlacementControl protects one application: it says which volumes and objects belong to it,
// where it should run, and where it can be recovered. Recovery itself is not a field: POST a
// DRAction to the failover, relocate or abort subresource.
type DRPlacementControl struct {
	metav1.TypeMeta
	metav1.ObjectMeta

	Spec   DRPlacementControlSpec
	Status DRPlacementControlStatus
}

// DRPlacementControlSpec is what the application's owner wants protected, and where.
type DRPlacementControlSpec struct {
	DRPolicyRef          DRPolicyReference
	PreferredCluster     string
	FailoverCluster      string
	PVCSelector          metav1.LabelSelector
	KubeObjectProtection *KubeObjectProtection
	ProtectedNamespaces  []string
	VolSyncSpec          *VolSyncSpec
	ReplicationState     ReplicationState
	PlacementRef         *PlacementReference
}

// DRPolicyReference names a DRPolicy.
type DRPolicyReference struct {
	Name      string
	Namespace string
}

// PlacementReference names a Placement or PlacementRule of Open Cluster Management.
type PlacementReference struct {
	APIVersion string
	Kind       string
	Name       string
	Namespace  string
}

// KubeObjectProtection says which objects of an application are captured, and how often.
type KubeObjectProtection struct {
	CaptureInterval    *metav1.Duration
	KubeObjectSelector *metav1.LabelSelector
}

// DRPlacementControlPhase is the application's state in one word.
type DRPlacementControlPhase string

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
	ObservedGeneration           int64
	Phase                        DRPlacementControlPhase
	Epoch                        int64
	PrimaryCluster               string
	CurrentAction                *ActionRecord
	Conditions                   []metav1.Condition
	Clusters                     []ClusterView
	LastGroupSyncTime            *metav1.Time
	LastKubeObjectProtectionTime *metav1.Time
}

// ActionRecord is an action as the DRPlacementControl keeps it; the DRAction of the same name follows from it.
type ActionRecord struct {
	Name   string
	Spec   DRActionSpec
	Status DRActionStatus
}

// ClusterView is what one cluster's agent last reported of the application.
type ClusterView struct {
	Name       string
	State      VolumeReplicationGroupState
	Epoch      int64
	Message    string
	ObservedAt *metav1.Time
	Freshness  Freshness
}

// Freshness says whether a report can still be believed.
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
	metav1.TypeMeta
	metav1.ListMeta

	Items []DRPlacementControl
}
