// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// stopSource passes a failover's point of no return once the source has stopped or is fenced off from storage, or cannot be
// reached and the requester acknowledged what that means. Storage that both clusters write to is not protected by an
// acknowledgement.
func (d *decider) stopSource() {
	spec := d.record().Spec
	source, group := d.facts.Clusters[spec.SourceCluster], d.facts.Groups[spec.SourceCluster]
	step := &d.record().Status.Steps[0]
	fence := step.Name == v1alpha1.StepFence
	switch {
	case d.answered(spec.SourceCluster) &&
		(!fence && action.Stopped(group, spec.Epoch) || action.Confirms(group, v1alpha1.SecondaryState, spec.Epoch)):
		action.PassPointOfNoReturn(d.status, fmt.Sprintf("%s confirmed that it has stopped.", spec.SourceCluster), d.now)
	case source.Fence.Fenced:
		d.out.RestsOnFenceOf = spec.SourceCluster
		action.PassPointOfNoReturn(d.status, fmt.Sprintf("%s is fenced off from storage.", spec.SourceCluster), d.now)
	case fence && source.Fence.Phase == v1alpha1.ClusterFencing:
		step.Message = fmt.Sprintf("Waits until %s is fenced off from storage; DRCluster %[1]s says how far that is.", spec.SourceCluster)
	case fence && !source.Connected:
		step.Message = fmt.Sprintf("Waits: %s before it confirmed that it has stopped. To go on without it, %s.",
			action.NotConnected(spec.SourceCluster, source.ClusterFacts), action.FenceIt(spec.SourceCluster))
	case source.Connected:
		step.Message = d.waitsForSource(spec)
	case slices.Contains(spec.Acknowledgements, v1alpha1.AckSourceMayStillWrite):
		action.PassPointOfNoReturn(d.status, fmt.Sprintf("%s, and %s was acknowledged.",
			action.NotConnected(spec.SourceCluster, source.ClusterFacts), v1alpha1.AckSourceMayStillWrite), d.now)
	default:
		step.Message = fmt.Sprintf("Waits: %s before it confirmed that it has stopped. Request the failover again with "+
			"the acknowledgement %s, fence the cluster, or abort.",
			action.NotConnected(spec.SourceCluster, source.ClusterFacts), v1alpha1.AckSourceMayStillWrite)
	}
}

// preparing is the step in which the target's storage prepares; nil unless it is under way.
func (d *decider) preparing() *v1alpha1.ActionStep {
	if step := action.Step(d.record(), v1alpha1.StepMaintenanceMode); step != nil && step.State == v1alpha1.StepRunning {
		return step
	}
	return nil
}

// prepareStorage passes a failover's point of no return once the target's storage is prepared for it.
func (d *decider) prepareStorage() {
	target := d.record().Spec.TargetCluster
	if waits := d.facts.Clusters[target].Unprepared; waits != "" {
		d.preparing().Message = waits
		return
	}
	action.PassPointOfNoReturn(d.status, fmt.Sprintf("The storage of %s is prepared.", target), d.now)
}

// handOver passes a relocate's point of no return once the source has issued the handover token for its epoch. Without
// the token the action stays where it is, however long that takes; it never turns into a failover.
func (d *decider) handOver() {
	spec := d.record().Spec
	source, group := d.facts.Clusters[spec.SourceCluster], d.facts.Groups[spec.SourceCluster]
	step := action.Step(d.record(), v1alpha1.StepHandOver)
	switch {
	case action.Confirms(group, v1alpha1.SecondaryState, spec.Epoch) && tokenFor(group, spec) != nil && d.answered(spec.SourceCluster):
		action.PassPointOfNoReturn(d.status, fmt.Sprintf("%s handed over.", spec.SourceCluster), d.now)
	case source.Connected:
		step.Message = d.waitsForSource(spec)
	default:
		step.Message = fmt.Sprintf("Waits: %s. Bring it back, or abort and fail over.",
			action.NotConnected(spec.SourceCluster, source.ClusterFacts))
	}
}

// tokenFor is the handover token that the source issued for this relocate; nil if it has not.
func tokenFor(group *v1alpha1.VolumeReplicationGroup, spec v1alpha1.DRActionSpec) *v1alpha1.HandoverToken {
	if group == nil {
		return nil
	}
	token := group.Status.HandoverToken
	if token == nil || token.Epoch != spec.Epoch || token.SourceCluster != spec.SourceCluster {
		return nil
	}
	return token
}

// promote follows the target after the point of no return until the workload may run there.
func (d *decider) promote() {
	spec := d.record().Spec
	promote, restore := action.Step(d.record(), v1alpha1.StepPromote), action.Step(d.record(), v1alpha1.StepRestore)
	group := d.facts.Groups[spec.TargetCluster]
	if action.Confirms(group, v1alpha1.PrimaryState, spec.Epoch) && isTrue(group, v1alpha1.ConditionClusterDataReady) {
		action.EndStep(promote, v1alpha1.StepDone, promoted(group, spec.TargetCluster), d.now)
		action.StartStep(restore, d.now)
	}
	if promote.State == v1alpha1.StepDone && action.Confirms(group, v1alpha1.PrimaryState, spec.Epoch) &&
		isTrue(group, v1alpha1.ConditionKubeObjectsReady) {
		action.EndStep(restore, v1alpha1.StepDone, "The application's objects are in place.", d.now)
		d.record().Status.WorkloadReadyTime = &d.now
		action.End(d.record(), v1alpha1.ReasonSucceeded,
			fmt.Sprintf("The application can run on %s.", spec.TargetCluster), d.now)
		return
	}
	running := promote
	if promote.State == v1alpha1.StepDone {
		running = restore
	}
	running.Message = waitsFor(group, spec.Epoch)
	if target := d.facts.Clusters[spec.TargetCluster]; !target.Connected {
		running.Message = fmt.Sprintf("Waits: %s. It goes on when the agent is back; to recover elsewhere, request a failover "+
			"to another cluster.", action.NotConnected(spec.TargetCluster, target.ClusterFacts))
	}
}

// promoted says that the target is primary, and what it restored: the record is to tell which captures were passed over.
func promoted(group *v1alpha1.VolumeReplicationGroup, target string) string {
	restored := meta.FindStatusCondition(group.Status.Conditions, v1alpha1.ConditionClusterDataReady)
	return strings.TrimSpace(fmt.Sprintf("%s confirmed that it is primary. %s", target, restored.Message))
}

// takeBack ends an aborted action once the source runs the application again. The target was never commanded to become
// primary; where this run of the hub can't know that, the target is asked first. A source that is not connected cannot be
// waited for: it is commanded to be primary again whenever it returns, and somebody may have to fail over meanwhile.
func (d *decider) takeBack() {
	record := d.record()
	spec, epoch := record.Spec, record.Status.Abort.Epoch
	source, group := d.facts.Clusters[spec.SourceCluster], d.facts.Groups[spec.SourceCluster]
	switch {
	case action.Confirms(group, v1alpha1.PrimaryState, epoch) && isTrue(group, v1alpha1.ConditionKubeObjectsReady):
		action.End(record, v1alpha1.ReasonAborted,
			fmt.Sprintf("Aborted by %s; %s is primary again.", record.Status.Abort.RequestedBy, spec.SourceCluster), d.now)
	case d.unanswered() != "":
		record.Status.Steps[0].Message = d.waitsForAnswer(d.unanswered())
	case !source.Connected:
		action.End(record, v1alpha1.ReasonAborted, fmt.Sprintf("Aborted by %s; %s and becomes primary again when it returns.",
			record.Status.Abort.RequestedBy, action.NotConnected(spec.SourceCluster, source.ClusterFacts)), d.now)
	default:
		record.Status.Steps[0].Message = waitsFor(group, epoch)
	}
}

// waitsForSource is what stands in the way of the source's having stopped or handed over, as far as it is known.
func (d *decider) waitsForSource(spec v1alpha1.DRActionSpec) string {
	group := d.facts.Groups[spec.SourceCluster]
	if group != nil && group.Spec.Epoch == spec.Epoch && !d.answered(spec.SourceCluster) {
		return d.waitsForAnswer(spec.SourceCluster)
	}
	return waitsFor(group, spec.Epoch)
}

// waitsFor is what a group's report on the command of this epoch gives as the reason for not being done, be it that the
// agent refuses the command; empty if there is none.
func waitsFor(group *v1alpha1.VolumeReplicationGroup, epoch int64) string {
	if group == nil || group.Status.ObservedGeneration != group.Generation || group.Spec.Epoch != epoch {
		return ""
	}
	return problem(group)
}
