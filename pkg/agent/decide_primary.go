// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volsync"
	"github.com/ramendr/dr-apiserver/pkg/agent/restore"
	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// primary protects the application where it runs, once what the command is about has been done: a restore after a
// failover or relocate, or taking back a handover.
func (d *decider) primary() {
	switch {
	case d.Checkpoint.Settled:
		d.protect()
	case d.spec.Action == v1alpha1.VRGActionAbort:
		d.takeBack()
	default:
		d.recover()
	}
}

// protect makes volumes that the selector covers primary, lets go of those it no longer covers, and takes captures. A capture that
// has a volume which has left its group, or is no longer replicated, could not be restored: so captures lose it first.
func (d *decider) protect() {
	d.nothingToRestore()
	if from := d.Checkpoint.Restored; from != "" {
		d.condition(v1alpha1.ConditionClusterDataReady, status.True("Restored", from))
		d.objectsRestored(d.Checkpoint)
	}
	promoted, captured := true, d.capturedAsIs()
	for i := range d.Volumes {
		v := &d.Volumes[i]
		if d.own(v) && (!v.Selected || v.going()) && captured {
			d.out.Release = append(d.out.Release, v)
		}
		if v.Selected && !d.keepPrimary(v) {
			promoted = false
		}
	}
	if promoted {
		d.report.State = v1alpha1.PrimaryState
	}
	d.primaryRows()
	d.keepCaptured()
}

// keepPrimary does what makes a selected volume primary and tells whether nothing more is to be waited for.
func (d *decider) keepPrimary(v *Volume) bool {
	switch {
	case v.Foreign, v.going(), v.unprotected():
		return true
	}
	return d.promote(v)
}

// promote gives a volume the role of primary and tells whether it has it.
func (d *decider) promote(v *Volume) bool {
	if v.State != nil && v.State.Ending {
		return false
	}
	if (!v.Claimed || !v.noted()) && v.bound() {
		d.out.Claim = append(d.out.Claim, v)
	}
	if v.State == nil || v.State.Wanted != replication.Primary {
		if v.Problem == nil {
			d.out.Promote = append(d.out.Promote, v)
		}
		return false
	}
	d.refreshPrimary(v)
	return v.primary(d.Checkpoint.Settled)
}

// refreshPrimary asks for a volume's sync time sooner than the backend would look at it by itself: after the first sync,
// and when a sync is overdue.
func (d *decider) refreshPrimary(v *Volume) {
	if d.spec.Async == nil || v.State.Role != replication.Primary {
		return
	}
	if last := v.State.LastSyncTime; last != nil {
		interval := d.syncInterval()
		if d.due(last.Add(interval + interval/4)) {
			d.refreshWhenDue(v, 0, max(time.Second, interval/8), max(time.Second, interval/4))
		}
		return
	}
	d.refreshWhenDue(v, time.Second, 2*time.Second, 30*time.Second)
}

// takeBack undoes a handover that was aborted: volumes primary first, then the workload.
func (d *decider) takeBack() {
	d.condition(v1alpha1.ConditionClusterDataReady, status.True("NothingToRestore", "No volume was to be restored."))
	promoted := true
	for i := range d.Volumes {
		if v := &d.Volumes[i]; d.own(v) && !v.going() && v.State != nil && !d.promote(v) {
			promoted = false
		}
	}
	d.primaryRows()
	if !promoted {
		d.condition(v1alpha1.ConditionKubeObjectsReady, status.False("TakingBack", d.failing("The workload runs again once its volumes are primary.")))
		return
	}
	d.report.State = v1alpha1.PrimaryState
	d.out.Resume = true
	d.out.Settle = d.settle()
	d.condition(v1alpha1.ConditionKubeObjectsReady, status.False("TakingBack", d.failing("The workload is being given its scale back.")))
	d.captureCondition()
}

// recover restores volumes, promotes each as soon as it is there, and restores the objects once all are primary.
func (d *decider) recover() {
	r := &d.Restore
	d.giveUpSuperseded()
	d.condition(v1alpha1.ConditionKubeObjectsReady, status.False("Restoring", "The application's objects are restored once its volumes are primary."))
	d.captureCondition()
	if d.waits() {
		d.condition(v1alpha1.ConditionClusterDataReady, status.False("Waiting", "Other applications are recovered first."))
		d.condition(v1alpha1.ConditionDataReady, status.False("Waiting", "Other applications are recovered first."))
		return
	}
	if !r.Volumes || d.toldMore() || d.takenAway() {
		d.continueRestore(&d.out.RestoreVolumes, v1alpha1.ConditionClusterDataReady)
		d.primaryRows()
		d.condition(v1alpha1.ConditionDataReady, status.False("Restoring", "Volumes are being restored."))
		return
	}
	if !d.promoteRestored(d.restorable(r.Found)) {
		return
	}
	d.report.State = v1alpha1.PrimaryState
	if !r.Objects {
		d.continueRestore(&d.out.RestoreObjects, v1alpha1.ConditionKubeObjectsReady)
		return
	}
	d.out.Settle = d.settle()
	d.out.Settle.Restored, d.out.Settle.Removed = restoredMessage(r.Found), r.removedMessage()
	d.out.Settle.Given = given(r.Found, d.Cluster)
	d.objectsRestored(d.out.Settle)
}

// objectsRestored says what the application's objects were restored from, and which of them were deleted.
func (d *decider) objectsRestored(c *checkpoint.Checkpoint) {
	message := c.Restored
	if c.Removed != "" {
		message += " " + c.Removed
	}
	d.condition(v1alpha1.ConditionKubeObjectsReady, status.True("Restored", message))
}

// continueRestore starts the restore's next part unless it runs or is to be tried later, and says how it stands.
func (d *decider) continueRestore(start *bool, conditionType string) {
	r := d.Restore
	if d.toldMore() {
		// What went wrong may be what it is to go on without.
		r.Err, r.Retry = nil, time.Time{}
	}
	if !r.Running && d.due(r.Retry) {
		*start = true
	}
	wrong := ""
	if r.Err != nil {
		wrong = r.Err.Error()
		if d.due(r.Failing.Add(refusalPatience)) {
			wrong += d.orWithout(restore.Claims(r.Err)...)
		}
	}
	switch {
	case r.Err == nil:
		d.condition(conditionType, status.False("Restoring", "Being restored from the last complete capture."))
	case errors.Is(r.Err, restore.ErrConflict), errors.Is(r.Err, replication.ErrConflict):
		d.condition(conditionType, status.False("RestoreConflict", wrong))
	case errors.Is(r.Err, volsync.ErrNoImage):
		d.condition(conditionType, status.False("NoCompleteCopy", wrong))
	case errors.Is(r.Err, archive.ErrNoCapture):
		d.condition(conditionType, status.False("NoCapture", wrong))
	case errors.Is(r.Err, errTokenInvalid):
		d.condition(conditionType, status.False("HandoverTokenInvalid", wrong))
	default:
		d.condition(conditionType, status.False("RestoreFailed", wrong))
	}
}

// promoteRestored promotes the volumes of a capture that are bound and tells whether all are there and primary.
func (d *decider) promoteRestored(wanted []archive.Volume) bool {
	var unbound, waiting []string
	promoted := true
	for i := range wanted {
		v := d.volume(wanted[i].PVC.Namespace, wanted[i].PVC.Name)
		switch {
		case v == nil || v.going() || !v.bound() && !v.late():
			unbound, waiting = append(unbound, wanted[i].PVC.Namespace+"/"+wanted[i].PVC.Name), append(waiting, wanted[i].PVC.Name)
		case !d.promote(v):
			promoted = false
		}
	}
	d.primaryRows()
	if len(unbound) > 0 {
		message := fmt.Sprintf("Waits until these restored PersistentVolumeClaims are bound: %s", join(unbound))
		if d.due(d.Restore.Since.Add(slownessPatience)) {
			message += d.orWithout(waiting...)
		}
		d.condition(v1alpha1.ConditionClusterDataReady, status.False("Binding", message))
		return false
	}
	d.condition(v1alpha1.ConditionClusterDataReady, status.True("Restored", restoredMessage(d.Restore.Found)))
	return promoted
}

// restoredPatience is how long the caches may take to show a claim that was restored.
const restoredPatience = 10 * time.Second

// takenAway tells whether somebody has deleted a restored claim, or made another in its place, before it was promoted: then it is
// restored once more, or what is in the way is named.
func (d *decider) takenAway() bool {
	r := &d.Restore
	if !r.Volumes || r.Since.IsZero() {
		return false
	}
	missing := slices.ContainsFunc(d.restorable(r.Found), func(c archive.Volume) bool {
		v := d.volume(c.PVC.Namespace, c.PVC.Name)
		return v == nil || sameVolume(&c) && v.bound() && v.PV.Name != c.PV.Name
	})
	return missing && d.due(r.Since.Add(restoredPatience))
}

// sameVolume tells whether a captured claim is restored with the very volume that it had.
func sameVolume(c *archive.Volume) bool {
	return c.PV.Name != "" && !v1alpha1.ReplicationMethod(c.PVC.Annotations[mark.Method]).ByVolSync()
}

func restoredMessage(found *archive.Found) string {
	message := fmt.Sprintf("Restored from capture %s in S3 profile %s.", found.Ref, found.Profile)
	if len(found.Warnings) > 0 {
		message += " Passed over: " + join(found.Warnings) + "."
	}
	return message
}

func (d *decider) volume(namespace, name string) *Volume {
	for i := range d.Volumes {
		if v := &d.Volumes[i]; v.PVC.Namespace == namespace && v.PVC.Name == name {
			return v
		}
	}
	return nil
}
