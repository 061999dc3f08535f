// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +genclient:onlyVerbs=get,list,watch,delete,deleteCollection
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRAction is one failover or relocate: the request that is POSTed to a DRPlacementControl's
// subresource, the answer to it, and the record that stays. Users do not create it directly.
type DRAction struct {
	metav1.TypeMeta `json:",inline"`
	// metadata.name may be chosen by the requester; repeating a request with the same name is the same
	// action. Left empty, the server names it <drplacementcontrol>-<type>-<epoch>.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what was asked for.
	// +optional
	Spec DRActionSpec `json:"spec,omitempty"`
	// status is the plan and what became of it.
	// +optional
	Status DRActionStatus `json:"status,omitempty"`
}

// ActionType is what an action does.
// +enum
// +k8s:enum
type ActionType string

const (
	// ActionFailover recovers the application on the target from the last copy, without the source.
	ActionFailover ActionType = "Failover"
	// ActionRelocate moves the application to the target and loses nothing.
	ActionRelocate ActionType = "Relocate"
)

// Acknowledgement is a risk that the requester takes knowingly.
// +enum
// +k8s:enum
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
	// type of the action; from the subresource it was POSTed to.
	// +optional
	// +k8s:optional
	Type ActionType `json:"type,omitempty"`
	// drPlacementControl is the name of the DRPlacementControl acted on, in the same namespace.
	// +optional
	// +k8s:optional
	// +k8s:format=k8s-long-name
	DRPlacementControl string `json:"drPlacementControl,omitempty"`
	// targetCluster is where the application shall run. Defaults to spec.failoverCluster (or the policy's
	// other cluster) for a failover and to spec.preferredCluster for a relocate.
	// +optional
	// +k8s:optional
	// +k8s:format=k8s-short-name
	TargetCluster string `json:"targetCluster,omitempty"`
	// sourceCluster is where it ran when the action was accepted.
	// +optional
	SourceCluster string `json:"sourceCluster,omitempty"`
	// reason is the requester's own words, kept for the record: at most 1024 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=1024
	Reason string `json:"reason,omitempty"`
	// force overrides the checks of a failover that are marked as forceable: a source that is healthy, a copy staler than the
	// policy allows, volumes that nothing replicates. It has no effect on a relocate.
	// +optional
	Force bool `json:"force,omitempty"`
	// acknowledgements are risks the requester takes knowingly.
	// +optional
	// +listType=set
	// +k8s:optional
	// +k8s:listType=set
	Acknowledgements []Acknowledgement `json:"acknowledgements,omitempty"`
	// leaveBehind names PersistentVolumeClaims that a failover goes on without: the target neither restores nor promotes them,
	// so that one volume which it can't recover does not keep the application from running. What they hold is lost to the
	// application; volumes there are of them stay with their storage. While a failover runs, also after its point of no return,
	// further ones are added by requesting it again. A relocate loses nothing, and so leaves nothing behind.
	// +optional
	// +listType=set
	// +k8s:optional
	// +k8s:listType=set
	// +k8s:maxItems=100
	// +k8s:eachVal=+k8s:format=k8s-long-name
	LeaveBehind []string `json:"leaveBehind,omitempty"`
	// requestedBy is the user who asked.
	// +optional
	RequestedBy string `json:"requestedBy,omitempty"`
	// epoch the action begins.
	// +optional
	// +k8s:optional
	// +k8s:minimum=0
	Epoch int64 `json:"epoch,omitempty"`
}

// Condition and reasons of a DRAction.
const (
	// ConditionComplete is True once the action has ended; its reason says how.
	ConditionComplete = "Complete"
	// ReasonSucceeded means the application may run on the target.
	ReasonSucceeded = "Succeeded"
	// ReasonFailed means the action ended without reaching its goal; the message says what state it left.
	ReasonFailed = "Failed"
	// ReasonAborted means a person took the action back before its point of no return.
	ReasonAborted = "Aborted"
	// ReasonInProgress means the action has not ended.
	ReasonInProgress = "InProgress"
)

// DRActionStatus is the plan of an action and what became of it.
type DRActionStatus struct {
	// conditions: Complete is True once the action has ended; its reason says how: Succeeded, Failed or Aborted.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// checks are what preflight looked at and what it found.
	// +optional
	// +listType=map
	// +listMapKey=name
	Checks []PreflightCheck `json:"checks,omitempty"`
	// steps are the plan, in order, and how far it has come.
	// +optional
	// +listType=map
	// +listMapKey=name
	Steps []ActionStep `json:"steps,omitempty"`
	// dataLossWindow is the data a failover gave up when it was accepted; none under synchronous replication. Absent for a
	// relocate.
	// +optional
	DataLossWindow *DataLossWindow `json:"dataLossWindow,omitempty"`
	// acceptedTime is when the server accepted the action.
	// +optional
	AcceptedTime *metav1.MicroTime `json:"acceptedTime,omitempty"`
	// completionTime is when the action ended, however it ended.
	// +optional
	CompletionTime *metav1.MicroTime `json:"completionTime,omitempty"`
	// workloadReadyTime is when the workload could run on the target.
	// +optional
	WorkloadReadyTime *metav1.MicroTime `json:"workloadReadyTime,omitempty"`
	// protectedTime is when the application was protected again, after the action ended.
	// +optional
	ProtectedTime *metav1.MicroTime `json:"protectedTime,omitempty"`
	// abort is set once somebody asked to take the action back.
	// +optional
	Abort *AbortRequest `json:"abort,omitempty"`
}

// CheckResult is what a preflight check found.
// +enum
type CheckResult string

const (
	// CheckPassed means that nothing stands against the action.
	CheckPassed CheckResult = "Passed"
	// CheckOverridden means that the check failed and the requester's force or acknowledgement overrode it.
	CheckOverridden CheckResult = "Overridden"
	// CheckFailed means that the action is refused.
	CheckFailed CheckResult = "Failed"
)

// PreflightCheck is one thing that was looked at before an action was accepted or refused.
type PreflightCheck struct {
	// name of the check, the same as the type of the cause in a refusal.
	Name string `json:"name"`
	// result is Passed, Overridden or Failed.
	Result CheckResult `json:"result"`
	// message says what was found and, if it stands against the action, what to do.
	// +optional
	Message string `json:"message,omitempty"`
	// overriddenBy is what overrides a failure: "force", or "acknowledgement:<name>". Empty: nothing does.
	// +optional
	OverriddenBy string `json:"overriddenBy,omitempty"`
}

// StepState is how far a step has come.
// +enum
type StepState string

const (
	// StepPending means not begun.
	StepPending StepState = "Pending"
	// StepRunning means begun.
	StepRunning StepState = "Running"
	// StepDone means ended well.
	StepDone StepState = "Done"
	// StepFailed means ended without reaching its goal.
	StepFailed StepState = "Failed"
	// StepSkipped means not needed, or given up because the action was aborted.
	StepSkipped StepState = "Skipped"
)

// ActionStep is one step of an action's plan.
type ActionStep struct {
	// name of the step. A failover has StopSource, Promote and Restore; a relocate HandOver, Promote and Restore. Under
	// synchronous replication Fence takes the place of StopSource; MaintenanceMode follows it where storage asks for it.
	Name StepName `json:"name"`
	// cluster the step happens on.
	// +optional
	Cluster string `json:"cluster,omitempty"`
	// description says for people what the step does.
	// +optional
	Description string `json:"description,omitempty"`
	// pointOfNoReturn marks the step that, once begun, rules out an abort.
	// +optional
	PointOfNoReturn bool `json:"pointOfNoReturn,omitempty"`
	// state of the step.
	State StepState `json:"state"`
	// startTime is when the step began.
	// +optional
	StartTime *metav1.MicroTime `json:"startTime,omitempty"`
	// completionTime is when it ended.
	// +optional
	CompletionTime *metav1.MicroTime `json:"completionTime,omitempty"`
	// message says what the step waits for or what it found.
	// +optional
	Message string `json:"message,omitempty"`
}

// StepName names a step of a plan.
// +enum
type StepName string

const (
	// StepStopSource stops the source from writing, or establishes that it can't be reached: failover only.
	StepStopSource StepName = "StopSource"
	// StepFence waits until the source is fenced off from the storage that the target is to use, or confirmed that it has
	// stopped: instead of StopSource where volumes are replicated synchronously.
	StepFence StepName = "Fence"
	// StepMaintenanceMode has the target's storage prepare for the promotion: failover only, where storage asks for it.
	StepMaintenanceMode StepName = "MaintenanceMode"
	// StepHandOver quiesces the application on the source, captures it, syncs its volumes a last time and makes
	// the source issue the handover token: relocate only.
	StepHandOver StepName = "HandOver"
	// StepPromote makes the target primary: volumes restored and promoted.
	StepPromote StepName = "Promote"
	// StepRestore restores the application's objects on the target, so that it may run.
	StepRestore StepName = "Restore"
)

// DataLossWindow is the data that a failover gives up: whatever the source wrote after syncPoint, and all that is in the volumes
// that spec.leaveBehind names.
type DataLossWindow struct {
	// syncPoint is the point in time up to which every volume is known to be on the target, but for those that are left behind.
	SyncPoint metav1.Time `json:"syncPoint"`
	// duration from syncPoint until the action was accepted.
	Duration metav1.Duration `json:"duration"`
}

// AbortRequest is somebody's wish to take an action back.
type AbortRequest struct {
	// requestedBy is the user who asked.
	RequestedBy string `json:"requestedBy"`
	// requestedTime is when.
	RequestedTime metav1.MicroTime `json:"requestedTime"`
	// reason is the requester's own words.
	// +optional
	Reason string `json:"reason,omitempty"`
	// epoch in which the source becomes primary again.
	Epoch int64 `json:"epoch"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DRActionList is a list of DRActions.
type DRActionList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the list: its resourceVersion to watch from, and continue if there is more.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the DRActions.
	Items []DRAction `json:"items"`
}
