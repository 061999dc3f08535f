// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumereplication

import (
	"cmp"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
)

// StateOf reads a VolumeReplication, also that of a group. What it says of an older generation is no answer to what it was last told. That it is
// completed as secondary does not mean that it has caught up: it must be neither degraded nor resyncing as well.
func StateOf(vr *csiaddons.VolumeReplication) *replication.State {
	s := &replication.State{
		Wanted:           replication.Role(vr.Spec.ReplicationState),
		Keeps:            vr.Spec.ReplicationState == csiaddons.Secondary && !vr.Spec.AutoResync,
		Ending:           !vr.DeletionTimestamp.IsZero(),
		LastSyncTime:     vr.Status.LastSyncTime,
		LastSyncDuration: vr.Status.LastSyncDuration,
		LastSyncBytes:    vr.Status.LastSyncBytes,
	}
	switch vr.Status.State {
	case csiaddons.PrimaryState:
		s.Reported = replication.Primary
	case csiaddons.SecondaryState:
		s.Reported = replication.Secondary
	}
	current := vr.Status.ObservedGeneration == vr.Generation
	completed := condition(vr, csiaddons.ConditionCompleted)
	degraded := condition(vr, csiaddons.ConditionDegraded)
	resyncing := condition(vr, csiaddons.ConditionResyncing)
	if current && completed.Status == metav1.ConditionTrue {
		switch {
		case s.Wanted == replication.Primary && s.Reported == replication.Primary:
			s.Role = replication.Primary
		case s.Wanted == replication.Secondary && s.Reported == replication.Secondary:
			s.Role = replication.Secondary
			s.InSync = degraded.Status == metav1.ConditionFalse && resyncing.Status == metav1.ConditionFalse
		}
		s.Since = completed.LastTransitionTime.Time
	}
	s.Unhealthy = s.Role == replication.Primary && condition(vr, csiaddons.ConditionReplicating).Status == metav1.ConditionFalse
	if current {
		s.Message = message(vr, s)
	}
	return s
}

func message(vr *csiaddons.VolumeReplication, s *replication.State) string {
	if s.Unhealthy {
		return condition(vr, csiaddons.ConditionReplicating).Message
	}
	if s.Role == replication.Primary || s.InSync {
		return ""
	}
	for _, c := range vr.Status.Conditions {
		failed := c.Type == csiaddons.ConditionCompleted && c.Status == metav1.ConditionFalse ||
			c.Type == csiaddons.ConditionValidated && c.Status == metav1.ConditionFalse
		if failed {
			degraded := condition(vr, csiaddons.ConditionDegraded)
			return cmp.Or(vr.Status.Message, degraded.Message, c.Message)
		}
	}
	return vr.Status.Message
}

func condition(vr *csiaddons.VolumeReplication, conditionType string) metav1.Condition {
	c := meta.FindStatusCondition(vr.Status.Conditions, conditionType)
	if c == nil || c.ObservedGeneration != vr.Generation {
		return metav1.Condition{Status: metav1.ConditionUnknown}
	}
	return *c
}
