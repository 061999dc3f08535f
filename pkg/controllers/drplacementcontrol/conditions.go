// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// report fills in everything of the status that only reports: rows, times and conditions.
func (d *decider) report() {
	d.reportClusters()
	switch {
	case d.status.Phase == v1alpha1.PhaseDeleting:
		d.reportTakingOff()
	case d.status.Phase == v1alpha1.PhaseWaitForUser:
		// The conditions say what a person must decide.
	case action.Running(d.placement()):
		action.SetUnderWay(d.status, d.facts.Placement.Generation, d.now)
	default:
		d.reportSyncTimes()
		d.set(v1alpha1.ConditionAvailable, d.available())
		d.set(v1alpha1.ConditionPeerReady, d.peerReady())
		d.set(v1alpha1.ConditionProtected, d.protected())
		d.reportProtectedAgain()
	}
}

// reportProtectedAgain completes the record of an action that has ended with the time from which the application was
// protected again.
func (d *decider) reportProtectedAgain() {
	record := d.record()
	if record != nil && record.Status.ProtectedTime == nil && action.FinalEpoch(record) == d.status.Epoch &&
		meta.IsStatusConditionTrue(d.status.Conditions, v1alpha1.ConditionProtected) {
		record.Status.ProtectedTime = &d.now
	}
}

// reportClusters shows what each cluster's agent last reported.
func (d *decider) reportClusters() {
	d.status.Clusters = nil
	if d.status.Epoch == 0 {
		return
	}
	own := d.ownGroups()
	for _, cluster := range d.clusters() {
		view := v1alpha1.ClusterView{Name: cluster}
		if group := own[cluster]; group != nil {
			view.State, view.Epoch, view.Message = group.Status.State, group.Status.Epoch, problem(group)
			view.ObservedAt = group.Status.LastUpdateTime.DeepCopy()
			keepObserved(d.facts.Placement.Status.Clusters, &view)
		}
		d.status.Clusters = append(d.status.Clusters, view)
	}
}

// reportSyncTimes takes over how far the primary's data and objects are saved. What was known last stays while the
// primary's report is not about what it shall do now.
func (d *decider) reportSyncTimes() {
	group := d.ownGroups()[d.status.PrimaryCluster]
	if !action.Confirms(group, v1alpha1.PrimaryState, d.status.Epoch) {
		return
	}
	d.status.LastGroupSyncTime = action.SyncPoint(group, d.ownGroups()[d.peer()], d.status.LastGroupSyncTime).DeepCopy()
	if capture := group.Status.LastCapture; capture != nil && capture.Epoch == d.status.Epoch {
		d.status.LastKubeObjectProtectionTime = capture.Time.DeepCopy()
	}
}

// verdict is what a condition shall say; nil means: what it says already.
type verdict struct {
	status          metav1.ConditionStatus
	reason, message string
}

func (d *decider) available() *verdict {
	group, v := d.heardPrimary()
	if group == nil {
		return v
	}
	if _, reason, message := d.confirmsAvailable(); reason != "" {
		return &verdict{metav1.ConditionFalse, reason, message}
	}
	return &verdict{metav1.ConditionTrue, "Ready",
		fmt.Sprintf("The application's volumes and objects are in place on %s.", d.status.PrimaryCluster)}
}

// confirmsAvailable tells whether the primary's agent confirms that volumes and objects are in place, else what is not.
func (d *decider) confirmsAvailable() (confirmed bool, reason, message string) {
	cluster := d.status.PrimaryCluster
	group := d.ownGroups()[cluster]
	if !action.Counts(group) || group.Status.Epoch != d.status.Epoch {
		return false, "ReportPending", fmt.Sprintf("The agent of %s has not reported on epoch %d yet.", cluster, d.status.Epoch)
	}
	for _, conditionType := range []string{
		v1alpha1.ConditionClusterDataReady, v1alpha1.ConditionDataReady, v1alpha1.ConditionKubeObjectsReady,
	} {
		if reason, message := fault(cluster, group, conditionType); reason != "" {
			return false, reason, message
		}
	}
	if group.Status.State != v1alpha1.PrimaryState {
		return false, "NotPrimary", fmt.Sprintf("%s has not confirmed that it is primary in epoch %d.", cluster, d.status.Epoch)
	}
	return true, "", ""
}

func (d *decider) protected() *verdict {
	group, v := d.heardPrimary()
	if group == nil {
		return v
	}
	cluster := d.status.PrimaryCluster
	if group.Status.State != v1alpha1.PrimaryState {
		if reason, message := fault(cluster, group, v1alpha1.ConditionDataReady); reason != "" {
			return &verdict{metav1.ConditionFalse, reason, message}
		}
		return &verdict{metav1.ConditionFalse, "NotPrimary",
			fmt.Sprintf("%s has not confirmed that it is primary in epoch %d.", cluster, d.status.Epoch)}
	}
	for _, conditionType := range []string{v1alpha1.ConditionDataProtected, v1alpha1.ConditionClusterDataProtected} {
		if reason, message := fault(cluster, group, conditionType); reason != "" {
			return &verdict{metav1.ConditionFalse, reason, message + unpaired(group, d.facts.Policy)}
		}
	}
	switch {
	case group.Spec.Async != nil && d.status.LastGroupSyncTime == nil:
		return &verdict{metav1.ConditionFalse, "NotSynced",
			fmt.Sprintf("Not every volume on %s has been synced for the first time, with a copy that the other cluster keeps.", cluster)}
	case group.Status.LastCapture == nil || group.Status.LastCapture.Epoch != d.status.Epoch:
		return &verdict{metav1.ConditionFalse, "NotCaptured",
			fmt.Sprintf("Metadata and objects on %s have not been captured in epoch %d yet.", cluster, d.status.Epoch)}
	}
	return &verdict{metav1.ConditionTrue, "Protected",
		"Volumes, their metadata and the application's objects are saved off the primary cluster."}
}

// heardPrimary is the primary's group if its report is fresh and about what it shall do now. Else it is nil, and the
// verdict says why that is.
func (d *decider) heardPrimary() (*v1alpha1.VolumeReplicationGroup, *verdict) {
	cluster := d.status.PrimaryCluster
	group, known := d.facts.Groups[cluster], d.facts.Clusters[cluster]
	switch {
	case group == nil:
		return nil, d.missing(cluster)
	case d.foreign(group):
		return nil, &verdict{metav1.ConditionFalse, "NameTaken", fmt.Sprintf(
			"VolumeReplicationGroup %s does not belong to this DRPlacementControl; delete it.", group.Name)}
	case !known.Connected:
		return nil, &verdict{metav1.ConditionUnknown, "ClusterNotConnected", fmt.Sprintf(
			"What was last reported may have changed: %s. Bring it back, or fail over.", action.NotConnected(cluster, known.ClusterFacts))}
	case !action.Counts(group) || group.Status.Epoch != d.status.Epoch:
		return nil, d.reportPending(cluster, group)
	}
	return group, nil
}

// missing is the verdict on a cluster that has no group.
func (d *decider) missing(cluster string) *verdict {
	name := GroupName(d.facts.Placement.Name, cluster)
	if d.facts.Policy == nil {
		return &verdict{metav1.ConditionFalse, "PolicyNotFound", fmt.Sprintf(
			"VolumeReplicationGroup %s cannot be created: DRPolicy %s does not exist; create it again.",
			name, d.facts.Placement.Spec.DRPolicyRef.Name)}
	}
	return d.unreported(cluster)
}

func (d *decider) unreported(cluster string) *verdict {
	return &verdict{metav1.ConditionFalse, "ReportPending",
		fmt.Sprintf("The agent of %s has not reported on epoch %d yet.", cluster, d.status.Epoch)}
}

// reportPending is the verdict while a report is about an older spec. If the command is still the same, what was true
// before stays true until the agent says otherwise.
func (d *decider) reportPending(cluster string, group *v1alpha1.VolumeReplicationGroup) *verdict {
	if group.Status.Epoch > d.status.Epoch {
		return &verdict{metav1.ConditionFalse, v1alpha1.ReasonEpochConflict, fmt.Sprintf("The agent of %s reports epoch %d, but the hub knows %d only.",
			cluster, group.Status.Epoch, d.status.Epoch)}
	}
	if group.Status.Epoch == d.status.Epoch && d.status.Phase != v1alpha1.PhaseDeploying {
		return nil
	}
	if group.Status.ObservedGeneration == group.Generation && len(group.Status.Conditions) > 0 {
		// The agent has seen the command and has not accepted it.
		if reason, message := fault(cluster, group, v1alpha1.ConditionDataReady); reason != "" {
			return &verdict{metav1.ConditionFalse, reason, message}
		}
	}
	return d.unreported(cluster)
}

func (d *decider) peerReady() *verdict {
	cluster := d.peer()
	group, known := d.facts.Groups[cluster], d.facts.Clusters[cluster]
	switch {
	case cluster == "":
		return &verdict{metav1.ConditionFalse, "ClusterGone", fmt.Sprintf(
			"There is no other cluster to recover on: none is known of DRPolicy %s.", d.facts.Placement.Spec.DRPolicyRef.Name)}
	case !known.usable():
		return &verdict{metav1.ConditionFalse, "ClusterGone", fmt.Sprintf(
			"There is no other cluster to recover on: DRCluster %s does not exist or is being deleted.", cluster)}
	case group == nil:
		return d.missing(cluster)
	case d.foreign(group):
		return &verdict{metav1.ConditionFalse, "NameTaken", fmt.Sprintf(
			"VolumeReplicationGroup %s does not belong to this DRPlacementControl; delete it.", group.Name)}
	case !known.Connected:
		return &verdict{metav1.ConditionFalse, "ClusterNotConnected",
			fmt.Sprintf("Not ready: %s.", action.NotConnected(cluster, known.ClusterFacts))}
	case !action.Counts(group) || group.Status.Epoch != d.status.Epoch:
		return d.reportPending(cluster, group)
	case group.Status.State != v1alpha1.SecondaryState:
		if reason, message := fault(cluster, group, v1alpha1.ConditionDataReady); reason != "" {
			return &verdict{metav1.ConditionFalse, reason, message + d.gone(cluster, group)}
		}
		return &verdict{metav1.ConditionFalse, "NotSecondary",
			fmt.Sprintf("%s has not confirmed that it is secondary in epoch %d.", cluster, d.status.Epoch)}
	}
	if ready, why := action.CopyReady(group); !ready {
		return &verdict{metav1.ConditionFalse, "CopyNotReady", fmt.Sprintf("%s is secondary, but %s.", cluster, why)}
	}
	return &verdict{metav1.ConditionTrue, "Ready", fmt.Sprintf("%s is ready to take the application over.%s", cluster, namedSuperseded(group))}
}

// gone says how to get rid of volumes that the peer can't make secondary because the application does not have them any more.
func (d *decider) gone(cluster string, peer *v1alpha1.VolumeReplicationGroup) string {
	primary := d.ownGroups()[d.status.PrimaryCluster]
	if !action.Confirms(primary, v1alpha1.PrimaryState, d.status.Epoch) {
		return ""
	}
	var text strings.Builder
	for i := range peer.Status.ProtectedPVCs {
		row := &peer.Status.ProtectedPVCs[i]
		has := slices.ContainsFunc(primary.Status.ProtectedPVCs, func(p v1alpha1.ProtectedPVC) bool { return p.Namespace == row.Namespace && p.Name == row.Name })
		if !has && !meta.IsStatusConditionTrue(row.Conditions, v1alpha1.ConditionDataReady) {
			fmt.Fprintf(&text, " The application has no PersistentVolumeClaim %s/%s on %s any more: delete it on %s, where its volume is retained (kubectl delete pvc -n %s %s).",
				row.Namespace, row.Name, d.status.PrimaryCluster, cluster, row.Namespace, row.Name)
		}
	}
	return text.String()
}

// fault is what a condition that a group should report as True says instead; an empty reason means that it is True.
func fault(cluster string, group *v1alpha1.VolumeReplicationGroup, conditionType string) (reason, message string) {
	condition := meta.FindStatusCondition(group.Status.Conditions, conditionType)
	switch {
	case condition == nil:
		return "ReportPending", fmt.Sprintf("The agent of %s has not reported %s yet.", cluster, conditionType)
	case condition.Status == metav1.ConditionTrue:
		return "", ""
	case condition.Reason == "":
		return conditionType, fmt.Sprintf("%s: %s", cluster, condition.Message)
	default:
		return condition.Reason, fmt.Sprintf("%s: %s", cluster, condition.Message)
	}
}

// refuse says in every condition what a person must do.
func (d *decider) refuse(reason, message string) {
	for _, conditionType := range []string{
		v1alpha1.ConditionAvailable, v1alpha1.ConditionPeerReady, v1alpha1.ConditionProtected,
	} {
		d.condition(conditionType, metav1.ConditionFalse, reason, message)
	}
}

func (d *decider) set(conditionType string, v *verdict) {
	if v != nil {
		d.condition(conditionType, v.status, v.reason, v.message)
	}
}

func (d *decider) condition(conditionType string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&d.status.Conditions, metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: message,
		ObservedGeneration: d.facts.Placement.Generation, LastTransitionTime: metav1.NewTime(d.now.Time),
	})
}
