// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package instant

import (
	"time"

	replicationv1alpha1 "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
)

// outcome is what came of an attempt to bring a volume into the state its VolumeReplication asks for.
type outcome struct {
	// err of the operation that failed, if any.
	err error
	// prerequisite says that what failed was enabling, for a reason that lies in the volume.
	prerequisite bool
	// resyncing says that what failed was resyncing a copy, not demoting it.
	resyncing bool
	// ready says of a copy that it is complete and current.
	ready bool
	// info of a primary.
	info *engine.Info
}

// status is what the csi-addons manager would report of the outcome in the end.
func status(vr *replicationv1alpha1.VolumeReplication, o outcome, now time.Time) replicationv1alpha1.VolumeReplicationStatus {
	s := *vr.Status.DeepCopy()
	s.ObservedGeneration = vr.Generation
	s.LastStartTime = &metav1.Time{Time: now}
	for _, c := range conditions(vr.Spec.ReplicationState, o) {
		c.ObservedGeneration = vr.Generation
		meta.SetStatusCondition(&s.Conditions, c)
	}
	if o.err != nil {
		s.Message = o.err.Error()
		if s.State == "" {
			s.State = replicationv1alpha1.UnknownState
		}
		return s
	}
	s.LastCompletionTime = s.LastStartTime
	if vr.Spec.ReplicationState == replicationv1alpha1.Primary {
		s.State, s.Message = replicationv1alpha1.PrimaryState, "volume is marked primary"
		setLastSync(&s, o.info)
		return s
	}
	s.State, s.Message = replicationv1alpha1.SecondaryState, "volume is marked secondary"
	if !o.ready {
		s.Message = "volume is degraded"
	}
	s.LastSyncTime = nil
	meta.RemoveStatusCondition(&s.Conditions, replicationv1alpha1.ConditionReplicating)
	return s
}

// nextLook is how long nothing has to be done for a VolumeReplication: a primary that was synced is looked at now and
// then.
func nextLook(vr *replicationv1alpha1.VolumeReplication, every time.Duration, now time.Time) time.Duration {
	s := &vr.Status
	if vr.Spec.ReplicationState != replicationv1alpha1.Primary || s.State != replicationv1alpha1.PrimaryState ||
		s.ObservedGeneration != vr.Generation || s.LastSyncTime == nil || s.LastCompletionTime == nil {
		return 0
	}
	// The API knows seconds only.
	return s.LastCompletionTime.Add(every).Truncate(time.Second).Sub(now)
}

// sameBesidesTimes says whether only the times of the attempt differ.
func sameBesidesTimes(a, b replicationv1alpha1.VolumeReplicationStatus) bool {
	a.LastStartTime, a.LastCompletionTime = b.LastStartTime, b.LastCompletionTime
	return apiequality.Semantic.DeepEqual(a, b)
}

func setLastSync(s *replicationv1alpha1.VolumeReplicationStatus, info *engine.Info) {
	if info == nil || info.LastSync == nil {
		return
	}
	s.LastSyncTime = &metav1.Time{Time: info.LastSync.Time}
	s.LastSyncDuration = &metav1.Duration{Duration: info.LastSync.Duration}
	s.LastSyncBytes = nil
	if info.LastSync.Bytes != 0 {
		s.LastSyncBytes = &info.LastSync.Bytes
	}
}

// conditions are those that change with an outcome.
func conditions(state replicationv1alpha1.ReplicationState, o outcome) []metav1.Condition {
	switch {
	case o.err != nil && state == replicationv1alpha1.Primary:
		return failedPromotion(o)
	case o.err != nil && o.resyncing:
		return failed(replicationv1alpha1.FailedToResync, "failed to resync volume", o.err)
	case o.err != nil:
		return failed(replicationv1alpha1.FailedToDemote, "failed to demote volume", o.err)
	case state == replicationv1alpha1.Primary:
		return append(promoted(), replicating(o.info))
	case o.ready:
		return demoted(
			condition(replicationv1alpha1.ConditionDegraded, false, replicationv1alpha1.Healthy, replicationv1alpha1.MessageDemoted),
			notResyncing())
	}
	return demoted(
		condition(replicationv1alpha1.ConditionDegraded, true, replicationv1alpha1.VolumeDegraded, replicationv1alpha1.MessageDegraded),
		condition(replicationv1alpha1.ConditionResyncing, true, replicationv1alpha1.ResyncTriggered,
			replicationv1alpha1.MessageResyncTriggered))
}

func promoted() []metav1.Condition {
	return []metav1.Condition{
		condition(replicationv1alpha1.ConditionCompleted, true, replicationv1alpha1.Promoted, replicationv1alpha1.MessagePromoted),
		condition(replicationv1alpha1.ConditionDegraded, false, replicationv1alpha1.Healthy, replicationv1alpha1.MessageHealthy),
		notResyncing(),
	}
}

func demoted(more ...metav1.Condition) []metav1.Condition {
	return append(more, condition(replicationv1alpha1.ConditionCompleted, true, replicationv1alpha1.Demoted,
		replicationv1alpha1.MessageDemoted))
}

func failedPromotion(o outcome) []metav1.Condition {
	validated := condition(replicationv1alpha1.ConditionValidated, true, replicationv1alpha1.PrerequisiteMet,
		replicationv1alpha1.MessageValidated)
	if o.prerequisite {
		validated = condition(replicationv1alpha1.ConditionValidated, false, replicationv1alpha1.PrerequisiteNotMet,
			replicationv1alpha1.MessageFailedPreCondition+": "+o.err.Error())
	}
	return append(failed(replicationv1alpha1.FailedToPromote, "failed to promote volume", o.err), validated)
}

func failed(reason, message string, err error) []metav1.Condition {
	return []metav1.Condition{
		condition(replicationv1alpha1.ConditionCompleted, false, reason, message),
		condition(replicationv1alpha1.ConditionDegraded, true, replicationv1alpha1.Error, message+": "+err.Error()),
		notResyncing(),
	}
}

func notResyncing() metav1.Condition {
	return condition(replicationv1alpha1.ConditionResyncing, false, replicationv1alpha1.NotResyncing,
		replicationv1alpha1.MessageNotResyncing)
}

func replicating(info *engine.Info) metav1.Condition {
	c := metav1.Condition{
		Type: replicationv1alpha1.ConditionReplicating, Status: metav1.ConditionUnknown, Reason: replicationv1alpha1.Replicating,
		Message: string(replicationv1alpha1.Volume) + " " + replicationv1alpha1.MessageUnknownReplicationState,
	}
	if info == nil {
		return c
	}
	switch info.Health {
	case engine.Healthy:
		c = condition(c.Type, true, replicationv1alpha1.Replicating, replicationv1alpha1.MessageReplicating)
	case engine.Degraded, engine.Broken:
		c = condition(c.Type, false, replicationv1alpha1.NotReplicating, replicationv1alpha1.MessageNotReplicating)
	}
	c.Message += ": " + info.Message
	return c
}

// condition says something of a volume in csi-addons' words.
func condition(kind string, status bool, reason, message string) metav1.Condition {
	c := metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: reason,
		Message: string(replicationv1alpha1.Volume) + " " + message}
	if status {
		c.Status = metav1.ConditionTrue
	}
	return c
}
