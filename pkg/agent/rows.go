// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// primaryRows reports each volume of a primary, and what follows for the group.
func (d *decider) primaryRows() {
	for i := range d.Volumes {
		v := &d.Volumes[i]
		if !v.Selected || v.ceded() || d.leaving(v) {
			continue
		}
		row := d.row(v)
		row.Ready, row.Protected = d.primaryReady(v), d.primaryProtected(v)
		row.Counts = d.spec.Async != nil && !v.unprotected()
		d.report.Volumes = append(d.report.Volumes, row)
	}
	d.missingRows()
	if len(d.report.Volumes) == 0 {
		none := status.False("NoPVCs", fmt.Sprintf(
			"spec.pvcSelector (%s) matches no PersistentVolumeClaim in namespace %s of %s; label the application's claims, or correct the selector",
			metav1.FormatLabelSelector(&d.spec.PVCSelector), d.Key.Namespace, d.Cluster))
		d.condition(v1alpha1.ConditionDataReady, none)
		d.condition(v1alpha1.ConditionDataProtected, none)
		return
	}
	d.summarize("Primary", "Volumes are primary here.", "Replicating", "Volumes are replicated to the peer.")
}

func (d *decider) primaryReady(v *Volume) status.Condition {
	switch {
	case v.Foreign:
		return status.False("PVCConflict", fmt.Sprintf(
			"PersistentVolumeClaim %s is protected by VolumeReplicationGroup %s already; narrow one of the selectors, or delete the other group", v.Key(), v.Owner))
	case v.going() && d.own(v) && d.Checkpoint.Settled && !d.capturedAsIs():
		return status.False("Deleting", fmt.Sprintf("PersistentVolumeClaim %s is being deleted, and goes once there is a capture without it", v.Key()))
	case v.going():
		return status.False("Deleting", fmt.Sprintf("PersistentVolumeClaim %s is being deleted", v.Key()))
	case v.Problem != nil && v.Problem.Reason == replication.ReasonNotBound:
		return status.False(v.Problem.Reason, v.Problem.Message)
	case v.unprotected() && !d.Checkpoint.Settled && d.own(v):
		return status.False(v.Problem.Reason, v.Problem.Message+d.orWithoutIt(v))
	case v.unprotected():
		return status.True(v.Problem.Reason, v.Problem.Message)
	case !v.primary(d.Checkpoint.Settled):
		return status.False("Promoting", d.waitingFor(v, "is being made primary")+d.orWithoutIt(v))
	default:
		return status.True("Primary", "")
	}
}

func (d *decider) primaryProtected(v *Volume) status.Condition {
	ready := d.primaryReady(v)
	switch {
	case ready.Status != metav1.ConditionTrue || v.unprotected():
		return status.False(ready.Reason, ready.Message)
	case v.State.Unhealthy:
		return status.False("NotReplicating", fmt.Sprintf("PersistentVolumeClaim %s is not replicating: %s", v.Key(),
			cmp.Or(v.State.Message, "the storage does not say why")))
	case d.spec.Async == nil:
		return status.True("Replicating", "")
	case v.State.LastSyncTime == nil:
		return status.False("NeverSynced", d.waitingFor(v, "has not been synced for the first time yet"))
	}
	tolerance := 2 * d.syncInterval()
	if age := d.Now.Sub(v.State.LastSyncTime.Time); age > tolerance {
		return status.False("SyncOverdue", withReason(fmt.Sprintf(
			"PersistentVolumeClaim %s was synced last at %s, more than twice the interval of %s ago; check the storage's replication",
			v.Key(), v.State.LastSyncTime.UTC().Format(time.RFC3339), d.spec.Async.SchedulingInterval), v))
	}
	d.lookAgain(v.State.LastSyncTime.Add(tolerance).Sub(d.Now) + time.Second)
	return status.True("Replicating", "")
}

// secondaryRows reports each volume of a secondary, and what follows for the group.
func (d *decider) secondaryRows() {
	for i := range d.Volumes {
		v := &d.Volumes[i]
		row := d.row(v)
		if !d.own(v) || d.spec.Action == "" && len(v.Users) > 0 {
			row.Ready = d.inTheWay(v)
		} else {
			row.Ready = d.secondaryReady(v)
		}
		row.Protected = secondaryProtected(v, row.Ready)
		if d.notSent(v) && row.Ready.Status == metav1.ConditionTrue {
			row.Protected = status.True("NotSent", fmt.Sprintf("PersistentVolumeClaim %s is not replicated to %s any more", v.Key(), d.Cluster))
		}
		if d.awaitsReturn(v) {
			row.Protected = d.returnedProtected(v)
		}
		if by := d.supersededBy(v); by != nil {
			row.Ready, row.Protected = d.supersededReady(v, by), status.True(v1alpha1.ReasonSuperseded, "")
		}
		d.report.Volumes = append(d.report.Volumes, row)
	}
	d.receivedRows()
	d.summarize("Secondary", "No volume is writable here.", "InSync", "The copies are complete.")
}

// inTheWay is the row of a claim that a restore would meet. Where the application was primary, such a claim is merely one
// that was never protected.
func (d *decider) inTheWay(v *Volume) status.Condition {
	switch {
	case d.spec.Action != "" || v.leftBehind():
		return status.True("NotReplicated", "")
	case v.Copy && len(v.Users) > 0:
		return status.False("PVCConflict", fmt.Sprintf(
			"PersistentVolumeClaim %s on %s is a copy, left behind when its protection ended, and in use by %s: what is written to it would be lost; "+
				"stop that, or protect the application on %s instead", v.Key(), d.Cluster, join(v.Users), d.Cluster))
	case len(v.Users) > 0:
		return status.False("PVCConflict", fmt.Sprintf(
			"PersistentVolumeClaim %s exists on %s, which is a standby, and is in use by %s; if the application runs there, protect it with "+
				"preferredCluster: %s", v.Key(), d.Cluster, join(v.Users), d.Cluster))
	default:
		return status.False("PVCConflict", fmt.Sprintf(
			"PersistentVolumeClaim %s exists on %s, which is a standby: a recovery could not restore it; if nobody needs what it holds, delete it "+
				"(on %s: kubectl delete pvc -n %s %s), or take it out of the selector", v.Key(), d.Cluster, d.Cluster, v.PVC.Namespace, v.PVC.Name))
	}
}

func (d *decider) secondaryReady(v *Volume) status.Condition {
	switch {
	case v.State == nil:
		return status.True("NotReplicated", "")
	case v.secondary():
		return status.True("Secondary", "")
	default:
		return status.False("Demoting", d.waitingFor(v, "is not secondary yet"))
	}
}

func secondaryProtected(v *Volume, ready status.Condition) status.Condition {
	switch {
	case ready.Status != metav1.ConditionTrue:
		return ready
	case v.State == nil:
		return status.True("NotReplicated", "")
	case v.State.InSync:
		return status.True("InSync", "")
	default:
		return status.False("Resyncing", withReason(fmt.Sprintf("PersistentVolumeClaim %s is being resynced from the primary", v.Key()), v))
	}
}

func (d *decider) waitingFor(v *Volume, what string) string {
	message := fmt.Sprintf("PersistentVolumeClaim %s %s", v.Key(), what)
	return d.failing(withReason(message, v))
}

// withReason adds what storage says of it, or what is awaited of storage.
func withReason(message string, v *Volume) string {
	reason := v.Awaited
	if v.State != nil {
		reason = v.State.Message
	}
	if reason == "" {
		return message
	}
	return message + ": " + reason
}

func (d *decider) row(v *Volume) status.Volume {
	row := status.Volume{
		Namespace: v.PVC.Namespace, Name: v.PVC.Name, StorageClassName: v.StorageClassName(), Provisioner: v.Provisioner(),
		Capacity: v.Capacity(), AccessModes: v.PVC.Spec.AccessModes, VolumeMode: v.PVC.Spec.VolumeMode,
	}
	if !v.Foreign {
		row.VolumeHandle = v.Handle()
	}
	if !v.Foreign && !v.unprotected() {
		row.Method, row.Peer = v.Method, replication.PeerCluster(v.Volume)
	}
	if v.State != nil {
		row.ConsistencyGroup = v.State.Group
		row.LastSyncTime, row.LastSyncDuration, row.LastSyncBytes = v.State.LastSyncTime, v.State.LastSyncDuration, v.State.LastSyncBytes
	}
	return row
}

// summarize makes the group's conditions from its rows': what is wrong with any is wrong with the group.
func (d *decider) summarize(readyReason, ready, protectedReason, protected string) {
	var readies, protecteds []status.Condition
	for i := range d.report.Volumes {
		readies = append(readies, d.report.Volumes[i].Ready)
		protecteds = append(protecteds, d.report.Volumes[i].Protected)
	}
	d.condition(v1alpha1.ConditionDataReady, merge(readies, readyReason, ready))
	d.condition(v1alpha1.ConditionDataProtected, merge(protecteds, protectedReason, protected))
}

// merge is False with the first reason and all messages if any is False; else True, with the messages there are.
func merge(rows []status.Condition, reason, message string) status.Condition {
	var wrong, remarks []string
	merged := status.True(reason, message)
	for _, row := range rows {
		switch {
		case row.Status == metav1.ConditionTrue && row.Message != "":
			remarks = append(remarks, row.Message)
		case row.Status == metav1.ConditionTrue:
		default:
			if len(wrong) == 0 {
				merged.Reason = row.Reason
			}
			merged.Status = metav1.ConditionFalse
			wrong = append(wrong, row.Message)
		}
	}
	if len(wrong) > 0 {
		merged.Message = join(wrong)
	} else if len(remarks) > 0 {
		merged.Message = strings.TrimSuffix(message, ".") + "; " + join(remarks)
	}
	return merged
}

// maxListed is how many things a message names.
const maxListed = 5

func join(items []string) string {
	if len(items) <= maxListed {
		return strings.Join(items, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(items[:maxListed], "; "), len(items)-maxListed)
}

// syncInterval is the group's interval between two syncs.
func (d *decider) syncInterval() time.Duration {
	text := d.spec.Async.SchedulingInterval
	units := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
	for suffix, unit := range units {
		if number, ok := strings.CutSuffix(text, suffix); ok {
			if n, err := strconv.Atoi(number); err == nil {
				return time.Duration(n) * unit
			}
		}
	}
	return time.Hour
}
