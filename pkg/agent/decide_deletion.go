// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"

	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// decideDeletion ends protection: replication off, nothing of ours left on claims and volumes, captures deleted by the
// primary, and last the checkpoint and the finalizer. The application stays as it is.
func decideDeletion(f *Facts) Decision {
	d := &decider{Facts: f, spec: f.Group.Spec}
	d.report = status.Report{
		Generation: f.Group.Generation, Epoch: f.Group.Status.Epoch, State: v1alpha1.UnknownState,
		Conditions: map[string]status.Condition{},
	}
	role := f.Group.Spec.ReplicationState
	if f.Checkpoint != nil {
		role = f.Checkpoint.Current().State
		d.report.Epoch = f.Checkpoint.Spec.Epoch
	}
	d.out.After = relook
	var waiting []string
	for i := range d.Volumes {
		v := &d.Volumes[i]
		if !d.own(v) {
			continue
		}
		d.out.Release = append(d.out.Release, v)
		message := v.Key().String()
		if v.State != nil && v.State.Message != "" {
			message += ": " + v.State.Message
		}
		waiting = append(waiting, message)
	}
	switch {
	case len(waiting) > 0:
		d.condition(v1alpha1.ConditionDataReady, status.False("Deleting",
			d.failing(fmt.Sprintf("Waits until replication of these is off: %s", join(waiting)))))
		d.out.Report = &d.report
	case role == v1alpha1.Primary && f.Checkpoint != nil && !f.Cleared:
		d.out.Clear = true
	default:
		d.out.Forget = true
	}
	return d.out
}
