// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// decideDeletion ends protection: replication off, nothing of ours left on claims and volumes, captures deleted by the
// primary, and last the checkpoint and the finalizer. The application stays as it is; only where it was failed away from it
// is stopped first, also if the agent hears of the failover and the deletion at the same time.
func decideDeletion(f *Facts) Decision {
	if f.Checkpoint != nil {
		accepted, refusal := checkpoint.Accept(f.Checkpoint, f.Group, f.Cluster, f.Now)
		if refusal == nil && accepted != f.Checkpoint {
			return Decision{Save: accepted}
		}
	}
	d := &decider{Facts: f, spec: f.Group.Spec}
	d.report = status.Report{
		Generation: f.Group.Generation, Epoch: f.Group.Status.Epoch, Session: f.Group.Spec.Session, State: v1alpha1.UnknownState,
		Conditions: map[string]status.Condition{},
	}
	role := checkpoint.Role{State: f.Group.Spec.ReplicationState}
	if f.Checkpoint != nil {
		role = f.Checkpoint.Current()
		d.report.Epoch = f.Checkpoint.Spec.Epoch
	}
	d.out.After = relook
	waiting := d.letGo(role)
	d.planVolSync(true)
	d.hurryUnanswered()
	if waiting == "" && len(d.out.VolSync.Delete) > 0 {
		waiting = "the ReplicationSources, ReplicationDestinations and snapshots that VolSync was given are gone"
	}
	switch {
	case waiting != "":
		d.condition(v1alpha1.ConditionDataReady, status.False("Deleting", d.failing("Waits until "+waiting)))
		d.out.Report = &d.report
	case role.State == v1alpha1.Primary && f.Checkpoint != nil && !f.Cleared:
		d.out.Clear = true
	default:
		d.out.Forget = true
	}
	return d.out
}

// letGo releases the volumes and says what has to happen until all are; empty once they are.
func (d *decider) letGo(role checkpoint.Role) string {
	if role.State == v1alpha1.Secondary && role.Action != "" && !d.stopped() {
		return "the workload is stopped"
	}
	var held []string
	for i := range d.Volumes {
		v := &d.Volumes[i]
		if !d.own(v) {
			continue
		}
		if role.State == v1alpha1.Secondary && !v.Copy && v.isCopy() {
			d.out.Copies = append(d.out.Copies, v)
		}
		d.out.Release = append(d.out.Release, v)
		message := v.Key().String()
		if v.State != nil && v.State.Message != "" {
			message += ": " + v.State.Message
		}
		held = append(held, message)
	}
	if len(held) == 0 {
		return ""
	}
	return "replication of these is off: " + join(held)
}

// isCopy tells whether the volume has all that the peer has, under the same handle, so that a later group may go on with it. One
// that has more than the peer, or was never demoted, is somebody's to look at.
func (v *Volume) isCopy() bool {
	return v.Method == v1alpha1.MethodShared || v.Method.ByStorage() && v.secondary() && v.State.InSync
}
