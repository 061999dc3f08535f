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
func decideDeletion(f *facts) decision {
	d := &decider{facts: f, spec: f.group.Spec}
	d.report = status.Report{
		Generation: f.group.Generation, Epoch: f.group.Status.Epoch, State: v1alpha1.UnknownState,
		Conditions: map[string]status.Condition{},
	}
	role := f.group.Spec.ReplicationState
	if f.checkpoint != nil {
		role = f.checkpoint.Current().State
		d.report.Epoch = f.checkpoint.Spec.Epoch
	}
	d.out.after = relook
	var waiting []string
	for i := range d.volumes {
		v := &d.volumes[i]
		if !d.own(v) {
			continue
		}
		d.out.release = append(d.out.release, v)
		message := v.Key().String()
		if v.state != nil && v.state.Message != "" {
			message += ": " + v.state.Message
		}
		waiting = append(waiting, message)
	}
	switch {
	case len(waiting) > 0:
		d.condition(v1alpha1.ConditionDataReady, status.False("Deleting",
			d.failing(fmt.Sprintf("Waits until replication of these is off: %s", join(waiting)))))
		d.out.report = &d.report
	case role == v1alpha1.Primary && f.checkpoint != nil && !f.cleared:
		d.out.clear = true
	default:
		d.out.forget = true
	}
	return d.out
}
