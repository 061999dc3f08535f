// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Preflight answers a request with the whole action as it would be recorded: spec with its defaults resolved, the checks
// and what each found, the plan, and the data a failover would give up. Nothing is changed; see Refusal and Accept.
//
// A request that repeats the action under way (its name, or its type and target with a further acknowledgement or claim to
// leave behind) is answered with that action, what is further added.
func Preflight(f Facts, r Request) v1alpha1.ActionRecord {
	q := newQuestion(f, r)
	if q.repeats() {
		return q.repeat()
	}
	accepted := metav1.NewMicroTime(f.Now)
	record := v1alpha1.ActionRecord{
		Name: r.Name,
		Spec: v1alpha1.DRActionSpec{
			Type:               r.Type,
			DRPlacementControl: f.Placement.Name,
			TargetCluster:      q.target,
			SourceCluster:      q.source,
			Reason:             r.Reason,
			Force:              r.Force,
			Acknowledgements:   slices.Clone(r.Acknowledgements),
			LeaveBehind:        slices.Clone(r.LeaveBehind),
			RequestedBy:        r.RequestedBy,
			Epoch:              HighestEpoch(f.Placement, f.Groups) + 1,
		},
		Status: v1alpha1.DRActionStatus{
			Checks:       q.checks(),
			Steps:        q.plan(),
			AcceptedTime: &accepted,
		},
	}
	if record.Name == "" {
		record.Name = fmt.Sprintf("%s-%s-%d", f.Placement.Name, lower(r.Type), record.Spec.Epoch)
	}
	switch {
	case r.Type != v1alpha1.ActionFailover:
	case Synchronous(f.Policy):
		record.Status.DataLossWindow = &v1alpha1.DataLossWindow{SyncPoint: metav1.NewTime(f.Now)}
	case q.syncPoint != nil:
		record.Status.DataLossWindow = &v1alpha1.DataLossWindow{
			SyncPoint: *q.syncPoint,
			Duration:  metav1.Duration{Duration: max(0, f.Now.Sub(q.syncPoint.Time))},
		}
	}
	return record
}

// question is a request together with the facts it is judged by and what follows from both.
type question struct {
	Facts
	Request
	source, target string
	// sourceGroup and targetGroup are as they would be if the application did not have what is left behind.
	sourceGroup *v1alpha1.VolumeReplicationGroup
	targetGroup *v1alpha1.VolumeReplicationGroup
	current     *v1alpha1.ActionRecord
	// syncPoint is the point in time up to which every volume is known to be off the source.
	syncPoint *metav1.Time
}

func newQuestion(f Facts, r Request) question {
	q := question{Facts: f, Request: r, source: f.Placement.Status.PrimaryCluster, current: f.Placement.Status.CurrentAction}
	q.target = q.resolveTarget()
	q.sourceGroup, q.targetGroup = q.without(f.Groups[q.source]), q.without(f.Groups[q.target])
	q.syncPoint = q.sourceSynced()
	if token := q.handover(); token != nil && (q.syncPoint == nil || q.syncPoint.Time.Before(token.IssuedTime.Time)) {
		q.syncPoint = &metav1.Time{Time: token.IssuedTime.Time}
	}
	if q.syncPoint == nil && q.wayBack() && q.current.Status.DataLossWindow != nil {
		// Who stood down has at least what its successor was to be recovered from.
		q.syncPoint = q.current.Status.DataLossWindow.SyncPoint.DeepCopy()
	}
	return q
}

// sourceSynced is the point in time up to which the source reported that every volume was synced since it is primary; nil
// if never.
func (q question) sourceSynced() *metav1.Time {
	synced := q.Placement.Status.LastGroupSyncTime
	if g := q.sourceGroup; g != nil && g.Status.Epoch == q.Placement.Status.Epoch {
		reported := SyncPoint(g, q.targetGroup, synced)
		if reported != nil && (synced == nil || synced.Before(reported)) {
			synced = reported
		}
	}
	return synced
}

// handover is the target's own handover token of this epoch, if it issued one: the proof that it has everything that was
// written and captured before it handed over, also while its successor has not synced yet, or never came up.
func (q question) handover() *v1alpha1.HandoverToken {
	if q.targetGroup == nil {
		return nil
	}
	token := q.targetGroup.Status.HandoverToken
	if token == nil || token.Epoch != q.Placement.Status.Epoch {
		return nil
	}
	return token
}

// resolveTarget gives the target that was asked for, or the default of the type; empty if there is none.
func (q question) resolveTarget() string {
	if q.TargetCluster != "" {
		return q.TargetCluster
	}
	if q.Type == v1alpha1.ActionRelocate {
		return q.Placement.Spec.PreferredCluster
	}
	if q.Placement.Spec.FailoverCluster != "" {
		return q.Placement.Spec.FailoverCluster
	}
	for _, cluster := range q.policyClusters() {
		if cluster != q.source {
			return cluster
		}
	}
	return ""
}

func (q question) policyClusters() []string {
	if q.Policy == nil {
		return nil
	}
	return q.Policy.Spec.DRClusters
}

// repeats tells whether the request is the action that the placement already has. While that runs, what names no target means it.
func (q question) repeats() bool {
	if q.current == nil || q.current.Spec.Type != q.Type {
		return false
	}
	sameTarget := q.TargetCluster == "" && (q.Name != "" || !Ended(q.current)) || q.target == q.current.Spec.TargetCluster
	if !sameTarget {
		return false
	}
	if q.Name == q.current.Name {
		return true
	}
	return q.Name == "" && len(q.furtherAcknowledgements())+len(q.furtherLeftBehind()) > 0
}

// upgradable tells whether something can still be added to the action under way.
func (q question) upgradable() bool {
	return !Ended(q.current) && q.current.Status.Abort == nil
}

// furtherAcknowledgements are those that the action under way can still make use of.
func (q question) furtherAcknowledgements() []v1alpha1.Acknowledgement {
	if !q.upgradable() || PastPointOfNoReturn(q.current) {
		return nil
	}
	return further(q.Acknowledgements, q.current.Spec.Acknowledgements)
}

// further are the items of a list that another one lacks, each once.
func further[T comparable](list, than []T) []T {
	var more []T
	for _, item := range list {
		if !slices.Contains(than, item) && !slices.Contains(more, item) {
			more = append(more, item)
		}
	}
	return more
}

// repeat is the action the placement already has, with what the repeated request adds to it.
func (q question) repeat() v1alpha1.ActionRecord {
	record := *q.current.DeepCopy()
	acknowledged, left := q.furtherAcknowledgements(), q.furtherLeftBehind()
	q.source, q.target = record.Spec.SourceCluster, record.Spec.TargetCluster
	if len(left) > 0 {
		q.leaveFurtherBehind(&record, left)
	}
	if len(acknowledged) > 0 {
		q.acknowledgeFurther(&record, acknowledged)
	}
	return record
}

// acknowledgeFurther judges the source anew as it is now: the application still runs where it ran when the action was accepted.
func (q question) acknowledgeFurther(record *v1alpha1.ActionRecord, further []v1alpha1.Acknowledgement) {
	record.Spec.Acknowledgements = append(record.Spec.Acknowledgements, further...)
	q.Acknowledgements = record.Spec.Acknowledgements
	for i := range record.Status.Checks {
		if record.Status.Checks[i].Name == CheckSourceStopped {
			record.Status.Checks[i] = q.run(sourceStoppedCheck)
		}
	}
	if stopEstablished(record) {
		passPointOfNoReturn(record, notConnectedButAcknowledged(record), metav1.NewMicroTime(q.Now))
	}
}
