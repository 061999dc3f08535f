// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volsync"
	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Decision is what to do next, in the order of its fields. All of it is done again, without harm, if the agent dies
// half way.
type Decision struct {
	// Save is written before anything else is done.
	Save *checkpoint.Checkpoint
	// Report is what the hub is told.
	Report *status.Report
	// Wait asks for the group's turn to change its role.
	Wait bool
	// Quiesce stops the workload and keeps it stopped.
	Quiesce bool
	// Remember lists the application's objects.
	Remember bool
	// Claim makes volumes the group's, promote and demote give them a role, refresh has their state looked at.
	Claim, Promote []*Volume
	Demote         []*Volume
	How            replication.Demotion
	Refresh        []*Volume
	// VolSync is what follows for VolSync's objects.
	VolSync volsync.Plan
	// Copies are volumes on which is noted that they are copies. Release ends the replication of volumes and leaves nothing else
	// of ours on them, end ends it and leaves the rest as it is.
	Copies, Release, End []*Volume
	// RestoreVolumes and restoreObjects continue a restore.
	RestoreVolumes, RestoreObjects bool
	// Resume gives the workload its scale back.
	Resume bool
	// Capture takes one; quiesced says of it that the workload had stopped.
	Capture, Quiesced bool
	// Clear deletes the group's captures.
	Clear bool
	// Settle is written once all of the above has been done without an error.
	Settle *checkpoint.Checkpoint
	// Forget drops the checkpoint and takes the finalizer off.
	Forget bool
	// After is when to look again if nothing happens before.
	After time.Duration
}

const (
	// relook is how often a group is looked at when nothing happens.
	relook = 5 * time.Minute
	// defaultCaptureInterval is the time between two captures unless the group says otherwise.
	defaultCaptureInterval = 5 * time.Minute
)

// decider turns facts into a decision.
type decider struct {
	*Facts
	spec v1alpha1.VolumeReplicationGroupSpec
	out  Decision
	// receiving is true for a secondary that has come to rest.
	receiving bool
	// report under construction.
	report status.Report
}

// Decide is the whole algorithm of an agent: pure, without a clock and without I/O. A command is accepted, and that is
// made durable, before anything is done for it. One that is refused leaves the agent at work on the last it accepted.
func Decide(f *Facts) Decision {
	if f.Group != nil && f.Group.DeletionTimestamp != nil {
		return decideDeletion(f)
	}
	accepted, refusal := f.Checkpoint, (*checkpoint.Refusal)(nil)
	if f.Group != nil {
		accepted, refusal = checkpoint.Accept(f.Checkpoint, f.Group, f.Cluster, f.Now)
	}
	if refusal == nil && accepted != f.Checkpoint {
		return Decision{Save: accepted}
	}
	if accepted == nil {
		return Decision{Report: refusedReport(f, refusal), After: relook}
	}
	d := &decider{Facts: f, spec: accepted.Spec}
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
	d.out.After = relook
	d.report = status.Report{
		Generation: d.Checkpoint.Generation,
		Epoch:      d.spec.Epoch,
		State:      v1alpha1.UnknownState,
		Conditions: map[string]status.Condition{},
	}
	if d.Group != nil {
		d.report.Generation, d.report.Session = d.Group.Generation, d.Group.Spec.Session
	}
	if capture := d.Checkpoint.LastCapture; capture != nil {
		d.report.Capture = capture.CaptureReference.DeepCopy()
	}
}

func (d *decider) end(refusal *checkpoint.Refusal) Decision {
	d.planVolSync(false)
	d.hurryUnanswered()
	d.reportSent()
	if refusal != nil {
		d.condition(v1alpha1.ConditionDataReady, status.False(refusal.Reason, refusal.Message))
	}
	d.out.Report = &d.report
	return d.out
}

// refusedReport tells why the first command of a group is refused.
func refusedReport(f *Facts, refusal *checkpoint.Refusal) *status.Report {
	if refusal == nil {
		return nil
	}
	return &status.Report{
		Generation: f.Group.Generation,
		Session:    f.Group.Spec.Session,
		State:      v1alpha1.UnknownState,
		Conditions: map[string]status.Condition{v1alpha1.ConditionDataReady: status.False(refusal.Reason, refusal.Message)},
	}
}

func (d *decider) condition(conditionType string, c status.Condition) {
	d.report.Conditions[conditionType] = c
}

// lookAgain makes sure that the group is looked at within t.
func (d *decider) lookAgain(t time.Duration) {
	d.out.After = min(d.out.After, max(t, time.Millisecond))
}

func (d *decider) due(at time.Time) bool {
	if d.Now.Before(at) {
		d.lookAgain(at.Sub(d.Now))
		return false
	}
	return true
}

// failing appends what went wrong last to what is waited for.
func (d *decider) failing(message string) string {
	if d.Failure == nil {
		return message
	}
	return fmt.Sprintf("%s; the last attempt failed: %v", message, d.Failure)
}

// waits tells whether others change their roles first.
func (d *decider) waits() bool {
	d.out.Wait = !d.Turn
	return d.out.Wait
}

// stopped stops the workload and tells whether nothing runs any more.
func (d *decider) stopped() bool {
	d.out.Quiesce = true
	if d.Stop.Done {
		d.condition(v1alpha1.ConditionQuiesced, status.True("Stopped", "The workload is stopped and kept stopped."))
		return true
	}
	message := "The workload is being stopped."
	if len(d.Stop.Waiting) > 0 {
		message = fmt.Sprintf("Waits until these are gone: %s. Delete those that no Deployment or StatefulSet keeps.", join(d.Stop.Waiting))
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
	next := d.Checkpoint.DeepCopy()
	next.Settled = true
	return next
}
