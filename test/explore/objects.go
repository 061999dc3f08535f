// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// began is the time at which no record has been written yet. A minute passes with each.
var began = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// instant is the moment at which record number clock was written.
func instant(clock uint8) time.Time { return began.Add(time.Duration(clock) * time.Minute) }

// clockOf is the number of the last record written by a time.
func clockOf(t time.Time) uint8 {
	return uint8(max(0, t.Sub(began)/time.Minute)) //nolint:gosec // a few minutes
}

// moment is the time of a decision: later than all that has happened, by less than it takes for the next record.
func moment(clock uint8) time.Time { return instant(clock).Add(30 * time.Second) }

// The put functions keep an object without what no decision rests on: words, and times other than those of syncs. So
// states that differ in nothing else are the same. That nothing rests on it is what TestWordsDecideNothing checks.

func (m *model) putPlacement(p *v1alpha1.DRPlacementControl) ref {
	if p == nil {
		return 0
	}
	p = p.DeepCopy()
	p.ResourceVersion = ""
	p.Status.Conditions = plain(p.Status.Conditions)
	p.Status.Clusters = nil
	if p.Status.CurrentAction != nil {
		plainAction(&p.Status.CurrentAction.Spec, &p.Status.CurrentAction.Status)
	}
	return m.placements.put(encode(p), p)
}

func (m *model) putAction(a *v1alpha1.DRAction) ref {
	a = a.DeepCopy()
	a.ObjectMeta = metav1.ObjectMeta{Namespace: a.Namespace, Name: a.Name}
	plainAction(&a.Spec, &a.Status)
	return m.actions.put(encode(a), a)
}

func plainAction(spec *v1alpha1.DRActionSpec, status *v1alpha1.DRActionStatus) {
	spec.Reason = ""
	status.Conditions = plain(status.Conditions)
	for i := range status.Checks {
		status.Checks[i].Message = ""
	}
	for i := range status.Steps {
		s := &status.Steps[i]
		s.Message, s.Description, s.CompletionTime = "", "", nil
		if s.StartTime != nil {
			s.StartTime = &metav1.MicroTime{Time: began}
		}
	}
	if status.Abort != nil {
		status.Abort.RequestedTime = metav1.MicroTime{Time: began}
	}
	for _, t := range []**metav1.MicroTime{&status.AcceptedTime, &status.CompletionTime, &status.WorkloadReadyTime, &status.ProtectedTime} {
		if *t != nil {
			*t = &metav1.MicroTime{Time: began}
		}
	}
	if status.DataLossWindow != nil {
		status.DataLossWindow.Duration = metav1.Duration{}
	}
}

func (m *model) putGroup(g *v1alpha1.VolumeReplicationGroup) ref {
	if g == nil {
		return 0
	}
	g = g.DeepCopy()
	g.ResourceVersion = ""
	g.Status = plainStatus(g.Status)
	return m.groups.put(encode(g), g)
}

func plainStatus(s v1alpha1.VolumeReplicationGroupStatus) v1alpha1.VolumeReplicationGroupStatus {
	s.Conditions = plain(s.Conditions)
	s.LastUpdateTime, s.LastGroupSyncDuration, s.LastGroupSyncBytes = nil, nil, nil
	for i, row := range s.ProtectedPVCs {
		// Of rows only matters which volumes there are: what they say of themselves the conditions say of all.
		s.ProtectedPVCs[i] = v1alpha1.ProtectedPVC{
			Namespace: row.Namespace, Name: row.Name, VolumeHandle: row.VolumeHandle, ReplicationMethod: row.ReplicationMethod,
		}
	}
	return s
}

func (m *model) putStatus(s v1alpha1.VolumeReplicationGroupStatus) ref {
	s = plainStatus(s)
	return m.statuses.put(encode(s), s)
}

func (m *model) putCheckpoint(c *checkpoint.Checkpoint) ref {
	if c == nil {
		return 0
	}
	c = c.DeepCopy()
	for i := range c.History {
		c.History[i].Time = metav1.Time{}
	}
	if c.Restored != "" {
		c.Restored = "restored"
	}
	return m.checkpoints.put(encode(c), c)
}

// plain keeps of conditions what they say, and how an action has ended.
func plain(conditions []metav1.Condition) []metav1.Condition {
	out := make([]metav1.Condition, 0, len(conditions))
	for _, c := range conditions {
		kept := metav1.Condition{Type: c.Type, Status: c.Status}
		if c.Type == v1alpha1.ConditionComplete || c.Reason == v1alpha1.ReasonEpochConflict {
			kept.Reason = c.Reason
		}
		out = append(out, kept)
	}
	slices.SortFunc(out, func(a, b metav1.Condition) int {
		if a.Type < b.Type {
			return -1
		}
		return 1
	})
	return out
}
