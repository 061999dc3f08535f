// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package dr

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRAction is one failover or relocate: the request that is POSTed to a DRPlacementControl's
// subresource, the answer to it, and the record that stays. Users do not create it directly.
type DRAction struct {
	metav1.TypeMeta
	metav1.ObjectMeta

	Spec   DRActionSpec
	Status DRActionStatus
}

// ActionType is what an action does.
type ActionType string

const (
	// ActionFailover recovers the application on the target from the last copy, without the source.
	ActionFailover ActionType = "Failover"
	// ActionRelocate moves the application to the target and loses nothing.
	ActionRelocate ActionType = "Relocate"
)

// Acknowledgement is a risk that the requester takes knowingly.
type Acknowledgement string

const (
	// AckSourceMayStillWrite acknowledges that nothing is known to stop the unreachable source from writing
	// to its own copy; what it writes there is discarded when it returns.
	AckSourceMayStillWrite Acknowledgement = "SourceMayStillWrite"
	// AckTargetMayStillWrite acknowledges, for an abort, that a target which can't be reached may have become primary without
	// the hub's remembering it; what it wrote is discarded when it returns.
	AckTargetMayStillWrite Acknowledgement = "TargetMayStillWrite"
)

// DRActionSpec is what was asked for. The requester may set targetCluster, reason, force, acknowledgements
// and leaveBehind; the server fills the rest.
type DRActionSpec struct {
	Type               ActionType
	DRPlacementControl string
	TargetCluster      string
	SourceCluster      string
	Reason             string
	Force              bool
	Acknowledgements   []Acknowledgement
	LeaveBehind        []string
	RequestedBy        string
	Epoch              int64
}

// Condition and reasons of a DRAction.
const (
	// ConditionComplete is True once the action has ended; its reason says how.
	ConditionComplete = "Complete"
	// ReasonInProgress means the action has not ended.
	ReasonInProgress = "InProgress"
)

// DRActionStatus is the plan of an action and what became of it.
type DRActionStatus struct {
	Conditions        []metav1.Condition
	Checks            []PreflightCheck
	Steps             []ActionStep
	DataLossWindow    *DataLossWindow
	AcceptedTime      *metav1.MicroTime
	CompletionTime    *metav1.MicroTime
	WorkloadReadyTime *metav1.MicroTime
	ProtectedTime     *metav1.MicroTime
	Abort             *AbortRequest
}

// CheckResult is what a preflight check found.
type CheckResult string

// PreflightCheck is one thing that was looked at before an action was accepted or refused.
type PreflightCheck struct {
	Name         string
	Result       CheckResult
	Message      string
	OverriddenBy string
}

// StepState is how far a step has come.
type StepState string

const (
	// StepRunning means begun.
	StepRunning StepState = "Running"
)

// ActionStep is one step of an action's plan.
type ActionStep struct {
	Name            StepName
	Cluster         string
	Description     string
	PointOfNoReturn bool
	State           StepState
	StartTime       *metav1.MicroTime
	CompletionTime  *metav1.MicroTime
	Message         string
}

// StepName names a step of a plan.
type StepName string

// DataLossWindow is the data that a failover gives up: whatever the source wrote after syncPoint.
type DataLossWindow struct {
	SyncPoint metav1.Time
	Duration  metav1.Duration
}

// AbortRequest is somebody's wish to take an action back.
type AbortRequest struct {
	RequestedBy   string
	RequestedTime metav1.MicroTime
	Reason        string
	Epoch         int64
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRActionList is a list of DRActions.
type DRActionList struct {
	metav1.TypeMeta
	metav1.ListMeta

	Items []DRAction
}
