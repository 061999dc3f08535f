// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumegroupreplication

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volumereplication"
)

// observed is a claim's group as csi-addons has it; what is not there is nil.
type observed struct {
	vgr     *csiaddons.VolumeGroupReplication
	content *csiaddons.VolumeGroupReplicationContent
	vr      *csiaddons.VolumeReplication
}

// report is a member's state: its group's. csi-addons copies the state of the group's VolumeReplication to the group with the
// group's generation, be it an answer to what the group was told or to something before; so the VolumeReplication is asked.
// A volume that is being added to a group is not replicated yet: nil, unless the group is secondary and it follows.
func (o observed) report(pvc *corev1.PersistentVolumeClaim) *replication.State {
	if o.vgr == nil {
		return nil
	}
	wanted := replication.Role(o.vgr.Spec.ReplicationState)
	confirmed := o.content != nil && o.confirms(pvc)
	switch {
	case !o.vgr.DeletionTimestamp.IsZero():
		return &replication.State{Wanted: wanted, Group: o.vgr.Name, Ending: true, Message: o.vgr.Status.Message}
	case !o.lists(pvc):
		return nil
	case o.content == nil:
		return &replication.State{Wanted: wanted, Group: o.vgr.Name, Message: fmt.Sprintf(
			"VolumeGroupReplicationContent %s is not there", o.vgr.Spec.VolumeGroupReplicationContentName)}
	case !confirmed && wanted == replication.Primary:
		return nil
	}
	state := o.groupState()
	if !confirmed {
		state.InSync, state.Message = false, cmp.Or(o.awaited(pvc), state.Message)
	}
	if joined, ok := pvc.Annotations[mark.VolumeGroupJoined]; ok && !syncedSince(state, joined) {
		state.LastSyncTime, state.LastSyncDuration, state.LastSyncBytes = nil, nil, nil
	}
	return state
}

// awaited says why a claim that is to be in the group is not. What the storage answers to a change of the group's members,
// csi-addons writes into its log and nowhere else.
func (o observed) awaited(pvc *corev1.PersistentVolumeClaim) string {
	if o.vgr == nil {
		return ""
	}
	group, content := o.vgr.Namespace+"/"+o.vgr.Name, o.vgr.Spec.VolumeGroupReplicationContentName
	own := o.ownMessage()
	switch {
	case own != "":
		return fmt.Sprintf("VolumeGroupReplication %s: %s", group, own)
	case !o.lists(pvc):
		return fmt.Sprintf("csi-addons has not found it to be one of VolumeGroupReplication %s yet", group)
	case o.content == nil:
		return fmt.Sprintf("VolumeGroupReplicationContent %s is not there", content)
	case o.content.Spec.VolumeGroupReplicationHandle == "":
		return fmt.Sprintf("the storage has not made the group of VolumeGroupReplicationContent %s; if that lasts, the log of csi-addons' manager says why", content)
	case !o.confirms(pvc):
		return fmt.Sprintf("the storage has not confirmed that it is in the group of VolumeGroupReplicationContent %s; if that lasts, "+
			"the log of csi-addons' manager says why", content)
	}
	return ""
}

// ownMessage is what csi-addons could not do for the group itself. Once it could, it writes there what it says of the group's
// VolumeReplication.
func (o observed) ownMessage() string {
	if o.vgr.Status.ObservedGeneration != o.vgr.Generation || o.vr != nil && o.vgr.Status.Message == o.vr.Status.Message {
		return ""
	}
	return o.vgr.Status.Message
}

// groupState is the state of the group as a whole.
func (o observed) groupState() *replication.State {
	told := o.vgr.Spec
	if o.vr == nil {
		return &replication.State{
			Wanted: replication.Role(told.ReplicationState), Group: o.vgr.Name,
			Message: cmp.Or(o.vgr.Status.Message, "csi-addons has not looked at the group yet"),
		}
	}
	state := volumereplication.StateOf(o.vr)
	state.Group = o.vgr.Name
	if o.vr.Spec.ReplicationState != told.ReplicationState || o.vr.Spec.AutoResync != told.AutoResync {
		// It answers to what the group was told before.
		return &replication.State{
			Wanted: replication.Role(told.ReplicationState), Reported: state.Reported, Group: state.Group, Message: o.vgr.Status.Message,
			LastSyncTime: state.LastSyncTime, LastSyncDuration: state.LastSyncDuration, LastSyncBytes: state.LastSyncBytes,
		}
	}
	return state
}

// lists tells whether csi-addons has found a claim to be one of the group's.
func (o observed) lists(pvc *corev1.PersistentVolumeClaim) bool {
	return slices.Contains(o.vgr.Status.PersistentVolumeClaimsRefList, corev1.LocalObjectReference{Name: pvc.Name})
}

// confirms tells whether the storage has a claim's volume in the group: csi-addons notes volumes once it was told so.
func (o observed) confirms(pvc *corev1.PersistentVolumeClaim) bool {
	return o.content.Spec.VolumeGroupReplicationHandle != "" &&
		slices.Contains(o.content.Status.PersistentVolumeRefList, corev1.LocalObjectReference{Name: pvc.Spec.VolumeName})
}

// syncedSince tells whether the group was synced after a volume had joined it.
func syncedSince(state *replication.State, joined string) bool {
	at, err := time.Parse(time.RFC3339, joined)
	return err == nil && state.LastSyncTime != nil && !state.LastSyncTime.Time.Before(at)
}

// joinedNow is the time from which on a sync covers a volume that is in the group by now; times of syncs are whole seconds.
func joinedNow(now time.Time) string {
	return now.Add(time.Second - time.Nanosecond).Truncate(time.Second).UTC().Format(time.RFC3339)
}

// expected are the handles of the volumes that a group has to have before it is promoted: those it was captured with.
func (o observed) expected(epoch int64) []string {
	if o.content == nil || o.content.Annotations[mark.Restored] != fmt.Sprint(epoch) {
		return nil
	}
	return strings.Split(o.content.Annotations[mark.VolumeHandles], ",")
}
