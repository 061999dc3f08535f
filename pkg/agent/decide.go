// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// decision is what to do next, in the order of its fields. All of it is done again, without harm, if the agent dies
// half way.
type decision struct {
	// save is written before anything else is done.
	save *checkpoint.Checkpoint
	// report is what the hub is told.
	report *status.Report
	// wait asks for the group's turn to change its role.
	wait bool
	// quiesce stops the workload and keeps it stopped.
	quiesce bool
	// remember lists the application's objects.
	remember bool
	// claim makes volumes the group's, promote and demote give them a role, refresh has their state looked at.
	claim, promote []*volume
	demote         []*volume
	how            replication.Demotion
	refresh        []*volume
	// release ends the replication of volumes and leaves nothing of ours on them.
	release []*volume
	// restoreVolumes and restoreObjects continue a restore.
	restoreVolumes, restoreObjects bool
	// resume gives the workload its scale back.
	resume bool
	// capture takes one; quiesced says of it that the workload had stopped.
	capture, quiesced bool
	// clear deletes the group's captures.
	clear bool
	// settle is written once all of the above has been done without an error.
	settle *checkpoint.Checkpoint
	// forget drops the checkpoint and takes the finalizer off.
	forget bool
	// after is when to look again if nothing happens before.
	after time.Duration
}

const (
	// relook is how often a group is looked at when nothing happens.
	relook = 5 * time.Minute
	// defaultCaptureInterval is the time between two captures unless the group says otherwise.
	defaultCaptureInterval = 5 * time.Minute
)

// decider turns facts into a decision.
type decider struct {
	*facts
	spec v1alpha1.VolumeReplicationGroupSpec
	out  decision
	// report under construction.
	report status.Report
}

// decide is the whole algorithm of an agent: pure, without a clock and without I/O. A command is accepted, and that is
// made durable, before anything is done for it. One that is refused leaves the agent at work on the last it accepted.
func decide(f *facts) decision {
	if f.group != nil && f.group.DeletionTimestamp != nil {
		return decideDeletion(f)
	}
	accepted, refusal := f.checkpoint, (*checkpoint.Refusal)(nil)
	if f.group != nil {
		accepted, refusal = checkpoint.Accept(f.checkpoint, f.group, f.cluster, f.now)
	}
	if refusal == nil && accepted != f.checkpoint {
		return decision{save: accepted}
	}
	if accepted == nil {
		return decision{report: refusedReport(f, refusal), after: relook}
	}
	d := &decider{facts: f, spec: accepted.Spec}
	d.begin()
	switch {
	case d.spec.ReplicationState == v1alpha1.Primary:
		d.primary()
	case d.spec.Action == v1alpha1.VRGActionFailover:
		d.giveWay()
	case d.spec.Action == v1alpha1.VRGActionRelocate:
		d.handOver()
	default:
		d.standBy()
	}
	return d.end(refusal)
}

func (d *decider) begin() {
	d.out.after = relook
	d.report = status.Report{
		Generation: d.checkpoint.Generation,
		Epoch:      d.spec.Epoch,
		State:      v1alpha1.UnknownState,
		Conditions: map[string]status.Condition{},
	}
	if d.group != nil {
		d.report.Generation = d.group.Generation
	}
	if capture := d.checkpoint.LastCapture; capture != nil {
		d.report.Capture = capture.CaptureReference.DeepCopy()
	}
}

func (d *decider) end(refusal *checkpoint.Refusal) decision {
	if refusal != nil {
		d.condition(v1alpha1.ConditionDataReady, status.False(refusal.Reason, refusal.Message))
	}
	d.out.report = &d.report
	return d.out
}

// refusedReport tells why the first command of a group is refused.
func refusedReport(f *facts, refusal *checkpoint.Refusal) *status.Report {
	if refusal == nil {
		return nil
	}
	return &status.Report{
		Generation: f.group.Generation,
		State:      v1alpha1.UnknownState,
		Conditions: map[string]status.Condition{v1alpha1.ConditionDataReady: status.False(refusal.Reason, refusal.Message)},
	}
}

func (d *decider) condition(conditionType string, c status.Condition) {
	d.report.Conditions[conditionType] = c
}

// lookAgain makes sure that the group is looked at within t.
func (d *decider) lookAgain(t time.Duration) {
	d.out.after = min(d.out.after, max(t, time.Millisecond))
}

func (d *decider) due(at time.Time) bool {
	if d.now.Before(at) {
		d.lookAgain(at.Sub(d.now))
		return false
	}
	return true
}

// failing appends what went wrong last to what is waited for.
func (d *decider) failing(message string) string {
	if d.failure == nil {
		return message
	}
	return fmt.Sprintf("%s; the last attempt failed: %v", message, d.failure)
}

// waits tells whether others change their roles first.
func (d *decider) waits() bool {
	d.out.wait = !d.turn
	return d.out.wait
}

// stopped stops the workload and tells whether nothing runs any more.
func (d *decider) stopped() bool {
	d.out.quiesce = true
	if d.stop.done {
		d.condition(v1alpha1.ConditionQuiesced, status.True("Stopped", "The workload is stopped and kept stopped."))
		return true
	}
	message := "The workload is being stopped."
	if len(d.stop.waiting) > 0 {
		message = fmt.Sprintf("Waits until these are gone: %s. Delete those that no Deployment or StatefulSet keeps.", join(d.stop.waiting))
	}
	d.condition(v1alpha1.ConditionQuiesced, status.False("Stopping", d.failing(message)))
	return false
}

// nothingToRestore says so of a role without a restore.
func (d *decider) nothingToRestore() {
	d.condition(v1alpha1.ConditionClusterDataReady, status.True("NothingToRestore", "No volume was to be restored."))
	d.condition(v1alpha1.ConditionKubeObjectsReady, status.True("NothingToRestore", "No object was to be restored."))
}

func (d *decider) interval() time.Duration {
	if p := d.spec.KubeObjectProtection; p != nil && p.CaptureInterval != nil && p.CaptureInterval.Duration > 0 {
		return p.CaptureInterval.Duration
	}
	return defaultCaptureInterval
}

// settle is the checkpoint of a role in which nothing is left to do but to keep it.
func (d *decider) settle() *checkpoint.Checkpoint {
	next := d.checkpoint.DeepCopy()
	next.Settled = true
	return next
}
