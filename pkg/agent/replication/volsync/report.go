// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"fmt"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
)

// report is the state of a claim that was told a role, with what there is for it; nil if it was told none.
func report(role string, rs *volsyncv1alpha1.ReplicationSource, rd *volsyncv1alpha1.ReplicationDestination, image bool) *replication.State {
	epoch, isFinal := finalEpoch(role)
	switch {
	case role == rolePrimary:
		return reportPrimary(rs, rd)
	case isFinal:
		return reportFinal(rs, rd, image, epoch)
	case role == roleSecondary:
		return reportSecondary(rs, rd, image)
	default:
		return nil
	}
}

// reportPrimary is that of a volume that is written to here: it is primary once nothing is received into it any more.
func reportPrimary(rs *volsyncv1alpha1.ReplicationSource, rd *volsyncv1alpha1.ReplicationDestination) *replication.State {
	state := &replication.State{Wanted: replication.Primary, Reported: replication.Primary}
	if rd != nil {
		state.Message = fmt.Sprintf("ReplicationDestination %s/%s is being removed", rd.Namespace, rd.Name)
		return state
	}
	state.Role = replication.Primary
	if rs == nil {
		state.Message = "waits for the peer to say where it receives"
		return state
	}
	state.Ending = !rs.DeletionTimestamp.IsZero()
	state.Since = rs.CreationTimestamp.Time
	state.Message = trouble("ReplicationSource", rs)
	if s := rs.Status; s != nil && !s.LastSyncTime.IsZero() {
		state.LastSyncTime, state.LastSyncDuration = syncPoint(s.LastSyncTime, s.LastSyncDuration), s.LastSyncDuration
		state.LastSyncBytes = sentBytes(s.LatestMoverStatus)
	}
	return state
}

// reportFinal is that of a volume nobody writes to any more, while the peer gets the last of it.
func reportFinal(rs *volsyncv1alpha1.ReplicationSource, rd *volsyncv1alpha1.ReplicationDestination, image bool, epoch int64) *replication.State {
	state := &replication.State{Wanted: replication.Secondary, Role: replication.Secondary, Reported: replication.Secondary}
	switch {
	case rd != nil:
		state.InSync = image
	case rs == nil:
		state.Message = "there is no ReplicationSource that could be synced a last time: the peer does not receive"
	case finalDone(rs, epoch):
		state.InSync = true
	default:
		state.Message = trouble("ReplicationSource", rs)
	}
	return state
}

func reportSecondary(rs *volsyncv1alpha1.ReplicationSource, rd *volsyncv1alpha1.ReplicationDestination, image bool) *replication.State {
	state := &replication.State{Wanted: replication.Secondary, Reported: replication.Secondary, InSync: image}
	switch {
	case rs != nil:
		state.Reported = replication.Primary
		state.Message = fmt.Sprintf("ReplicationSource %s/%s is being removed", rs.Namespace, rs.Name)
		return state
	case rd != nil:
		state.Since = rd.CreationTimestamp.Time
		state.Message = destinationTrouble(rd)
	default:
		state.Message = "waits for the primary to say what it sends"
	}
	state.Role = replication.Secondary
	return state
}

// syncPoint is the point in time up to which a peer has the data of a sync that ended then and took so long: all that was
// written before it began. VolSync tells when a sync ended, in whole seconds, so this is at most a second too early.
func syncPoint(ended *metav1.Time, took *metav1.Duration) *metav1.Time {
	if ended.IsZero() || took == nil {
		return nil
	}
	point := metav1.NewTime(ended.Add(-took.Duration))
	return &point
}

// trouble says what is wrong with a source, and where to read on.
func trouble(kind string, rs *volsyncv1alpha1.ReplicationSource) string {
	if rs.Status == nil {
		return ""
	}
	return describe(fmt.Sprintf("%s %s/%s", kind, rs.Namespace, rs.Name), rs.Status.Conditions, rs.Status.LatestMoverStatus)
}

func destinationTrouble(rd *volsyncv1alpha1.ReplicationDestination) string {
	if rd.Status == nil {
		return ""
	}
	return describe(fmt.Sprintf("ReplicationDestination %s/%s", rd.Namespace, rd.Name), rd.Status.Conditions, rd.Status.LatestMoverStatus)
}

func describe(what string, conditions []metav1.Condition, mover *volsyncv1alpha1.MoverStatus) string {
	condition := apimeta.FindStatusCondition(conditions, volsyncv1alpha1.ConditionSynchronizing)
	switch {
	case condition != nil && condition.Reason == volsyncv1alpha1.SynchronizingReasonError:
		return fmt.Sprintf("%s: %s", what, condition.Message)
	case mover != nil && mover.Result == volsyncv1alpha1.MoverResultFailed:
		return what + ": the last transfer failed and is tried again; its status.latestMoverStatus.logs say why"
	default:
		return ""
	}
}
