// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"slices"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/handover"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// standBy touches nothing: the storage receives the copies by itself. Claims that an earlier group left behind here become
// the group's again, so that a recovery finds them and nobody deletes their volumes.
func (d *decider) standBy() {
	d.nothingToRestore()
	for i := range d.Volumes {
		if v := &d.Volumes[i]; v.leftBehind() && !v.Claimed {
			d.out.Claim = append(d.out.Claim, v)
		}
	}
	d.receive()
	d.secondaryRows()
	if d.allSecondary() {
		d.report.State = v1alpha1.SecondaryState
	}
}

// giveWay ends the role of a primary that was failed away from: whatever it has that its peer has not is given up.
func (d *decider) giveWay() {
	d.nothingToRestore()
	d.report.Awaited = v1alpha1.ConditionQuiesced
	if !d.stopped() {
		d.secondaryRows()
		d.condition(v1alpha1.ConditionDataReady, status.False("Stopping", "Volumes are demoted once the workload is stopped."))
		return
	}
	if !d.Checkpoint.Settled {
		d.rememberObjects()
	}
	d.giveUpDeleted()
	d.endSuperseded()
	d.demoteAll(replication.Resync)
	d.followReturned()
	if len(d.out.Demote) == 0 {
		d.receive()
	}
	d.secondaryRows()
	if d.allSecondary() {
		d.report.State = v1alpha1.SecondaryState
	}
}

// rememberObjects has the application's objects noted, so that a later restore knows them. Where it never ran, none are
// its own.
func (d *decider) rememberObjects() {
	if d.Checkpoint.WasPrimary() && !d.Stop.Listed {
		d.out.Remember = true
		return
	}
	next := d.settle()
	if len(d.Stop.Remembered) > 0 {
		next.Objects = d.Stop.Remembered
	}
	d.out.Settle = next
}

// handOver ends the role of a primary without giving anything up: it stops the workload, captures, has the volumes
// synced a last time and issues the token that lets the target become primary.
func (d *decider) handOver() {
	d.nothingToRestore()
	d.captureCondition()
	if d.Checkpoint.Token != nil {
		d.report.Token = d.Checkpoint.Token
		d.report.State = v1alpha1.SecondaryState
		d.receive()
		d.endSuperseded()
		d.followReturned()
		d.secondaryRows()
		d.condition(v1alpha1.ConditionQuiesced, status.True("Stopped", "The workload is stopped and kept stopped."))
		d.out.Quiesce = true
		return
	}
	if message := d.notReplicated(); message != "" {
		d.secondaryRows()
		d.condition(v1alpha1.ConditionDataReady, status.False("CannotHandOver",
			message+" What is not replicated can't be handed over: abort the relocate, or take the volume out of the selector."))
		return
	}
	if d.waits() {
		d.secondaryRows()
		d.condition(v1alpha1.ConditionDataReady, status.False("Waiting", "Other applications are handed over first."))
		return
	}
	if !d.stopped() {
		d.secondaryRows()
		d.condition(v1alpha1.ConditionDataReady, status.False("Stopping", "The handover goes on once the workload is stopped."))
		return
	}
	final := d.finalCapture()
	if final == nil {
		d.secondaryRows()
		d.condition(v1alpha1.ConditionDataReady, status.False("Capturing", "The handover goes on once the final capture is in an S3 profile."))
		return
	}
	d.report.Capture = final.CaptureReference.DeepCopy()
	d.demoteAll(replication.FinalSync)
	d.secondaryRows()
	if d.allInSync() {
		d.issueToken(final)
	}
}

// notReplicated names what would be left behind, before anything is stopped for the handover.
func (d *decider) notReplicated() string {
	for i := range d.Volumes {
		v := &d.Volumes[i]
		switch {
		case !v.Selected || v.Foreign:
		case v.unprotected():
			return v.Problem.Message + "."
		case v.State == nil || !v.Claimed:
			return fmt.Sprintf("PersistentVolumeClaim %s is not replicated yet.", v.Key())
		}
	}
	return ""
}

// finalCapture returns the capture that was taken after the workload had stopped, once a profile has it; else has it
// taken. It becomes durable with the token; an agent that dies before takes another. So does one whose volumes have come or
// gone since, for the token names those that there are, and the target takes no other capture.
func (d *decider) finalCapture() *checkpoint.Capture {
	last := d.lastCapture()
	switch {
	case last == nil || last.Epoch != d.spec.Epoch || !last.Quiesced || last.Volumes != d.volumesWord():
		d.out.Capture = !d.Capture.Running && d.due(d.Capture.Retry)
		d.out.Quiesced = true
		return nil
	case len(last.S3Profiles) == 0:
		return nil
	default:
		return last
	}
}

func (d *decider) demoteAll(how replication.Demotion) {
	for i := range d.Volumes {
		v := &d.Volumes[i]
		if !d.own(v) || v.State == nil || v.State.Ending || slices.Contains(d.out.Release, v) || d.supersededBy(v) != nil {
			continue
		}
		keeps := how == replication.Resync && v.State.Keeps && !v.State.InSync
		if v.State.Wanted != replication.Secondary || keeps {
			d.out.Demote = append(d.out.Demote, v)
			continue
		}
		if v.secondary() && !v.State.InSync {
			d.refreshSecondary(v, how)
		}
	}
	d.out.How = how
}

// refreshSecondary asks whether a demoted volume has caught up: at once where an application waits for the final sync,
// seldom where the storage is asked each time to resync.
func (d *decider) refreshSecondary(v *Volume, how replication.Demotion) {
	if how == replication.FinalSync {
		d.refreshWhenDue(v, 0, time.Second, 15*time.Second)
		return
	}
	d.refreshWhenDue(v, time.Second, 5*time.Second, 30*time.Second)
}

func (d *decider) issueToken(final *checkpoint.Capture) {
	next := d.settle()
	next.LastCapture = final
	if d.Capture.Taken != nil {
		next.Objects = d.Capture.Objects
	}
	next.Token = handover.Seal(v1alpha1.HandoverToken{
		Epoch: d.spec.Epoch, SourceCluster: d.Cluster,
		CaptureID: final.ID, CaptureDigest: final.Digest, Volumes: d.Members(),
	}, d.Now)
	d.out.Save = next
}

// replicated are the group's volumes whose bytes are replicated, and that the application has.
func (d *decider) replicated() []*Volume {
	var out []*Volume
	for i := range d.Volumes {
		if v := &d.Volumes[i]; d.own(v) && v.State != nil && d.supersededBy(v) == nil {
			out = append(out, v)
		}
	}
	return out
}

func (d *decider) allSecondary() bool {
	return !slices.ContainsFunc(d.replicated(), func(v *Volume) bool { return !v.secondary() })
}

func (d *decider) allInSync() bool {
	return !slices.ContainsFunc(d.replicated(), func(v *Volume) bool { return !v.secondary() || !v.State.InSync })
}
