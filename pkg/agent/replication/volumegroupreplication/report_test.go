// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumegroupreplication

import (
	"testing"
	"time"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
)

var syncedAt = metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))

// conditions of a VolumeReplication whose storage has done what it was told.
func conditions(completed string) []metav1.Condition {
	return []metav1.Condition{
		{Type: csiaddons.ConditionCompleted, Status: metav1.ConditionTrue, Reason: completed},
		{Type: csiaddons.ConditionDegraded, Status: metav1.ConditionFalse},
		{Type: csiaddons.ConditionResyncing, Status: metav1.ConditionFalse},
	}
}

// healthy is a group with its volumes "a" and "b" in it, all of them as told.
func healthy(role csiaddons.ReplicationState) observed {
	state, reason := csiaddons.PrimaryState, csiaddons.Promoted
	if role == csiaddons.Secondary {
		state, reason = csiaddons.SecondaryState, csiaddons.Demoted
	}
	o := observed{
		vgr: &csiaddons.VolumeGroupReplication{ObjectMeta: ownMeta("shop", "g"), Spec: csiaddons.VolumeGroupReplicationSpec{ReplicationState: role}},
		vr: &csiaddons.VolumeReplication{
			Spec:   csiaddons.VolumeReplicationSpec{ReplicationState: role},
			Status: csiaddons.VolumeReplicationStatus{State: state, Conditions: conditions(reason), LastSyncTime: &syncedAt},
		},
		content: &csiaddons.VolumeGroupReplicationContent{Spec: csiaddons.VolumeGroupReplicationContentSpec{VolumeGroupReplicationHandle: "array-group"}},
	}
	for _, name := range []string{"a", "b"} {
		o.vgr.Status.PersistentVolumeClaimsRefList = append(o.vgr.Status.PersistentVolumeClaimsRefList, corev1.LocalObjectReference{Name: name})
		o.content.Status.PersistentVolumeRefList = append(o.content.Status.PersistentVolumeRefList, corev1.LocalObjectReference{Name: "pv-" + name})
	}
	return o
}

func member(name string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{mark.VolumeGroup: "g"}},
		Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: "pv-" + name},
	}
}

func TestTheStateOfAMemberIsItsGroups(t *testing.T) {
	with := func(role csiaddons.ReplicationState, edit func(*observed)) observed {
		o := healthy(role)
		edit(&o)
		return o
	}
	primary := replication.State{Wanted: replication.Primary, Role: replication.Primary, Reported: replication.Primary, Group: "g", LastSyncTime: &syncedAt}
	secondary := replication.State{
		Wanted: replication.Secondary, Role: replication.Secondary, Reported: replication.Secondary, Group: "g", InSync: true, Keeps: true, LastSyncTime: &syncedAt,
	}
	lagging := secondary
	lagging.InSync = false
	unconfirmed := lagging
	unconfirmed.Message = "the storage has not confirmed that it is in the group of VolumeGroupReplicationContent content; if that lasts, " +
		"the log of csi-addons' manager says why"
	unsynced := primary
	unsynced.LastSyncTime = nil
	for name, tc := range map[string]struct {
		group observed
		pvc   *corev1.PersistentVolumeClaim
		want  *replication.State
	}{
		"primary with its group":          {healthy(csiaddons.Primary), member("a"), &primary},
		"secondary and in sync with it":   {healthy(csiaddons.Secondary), member("a"), &secondary},
		"none without a group":            {observed{}, member("a"), nil},
		"none before csi-addons found it": {healthy(csiaddons.Primary), member("c"), nil},
		"none before the storage has it in the group": {with(csiaddons.Primary, func(o *observed) {
			o.content.Status.PersistentVolumeRefList = o.content.Status.PersistentVolumeRefList[:1]
		}), member("b"), nil},
		"secondary with the others but not in sync while the storage does not have it in the group": {with(csiaddons.Secondary, func(o *observed) {
			o.vgr.Spec.VolumeGroupReplicationContentName = "content"
			o.content.Status.PersistentVolumeRefList = o.content.Status.PersistentVolumeRefList[:1]
		}), member("b"), &unconfirmed},
		"not in sync while the group is not": {with(csiaddons.Secondary, func(o *observed) { o.vr.Status.Conditions[1].Status = metav1.ConditionTrue }), member("a"), &lagging},
		"unknown while csi-addons has not passed on what the group was told": {with(csiaddons.Primary, func(o *observed) {
			o.vgr.Spec.ReplicationState = csiaddons.Secondary
			o.vgr.Status.VolumeReplicationStatus = o.vr.Status
		}), member("a"), &replication.State{Wanted: replication.Secondary, Reported: replication.Primary, Group: "g", LastSyncTime: &syncedAt}},
		"unknown while the way of demotion has not been passed on": {with(csiaddons.Secondary, func(o *observed) { o.vgr.Spec.AutoResync = true }), member("a"),
			&replication.State{Wanted: replication.Secondary, Reported: replication.Secondary, Group: "g", LastSyncTime: &syncedAt}},
		"what went wrong with a group that was never told": {with(csiaddons.Primary, func(o *observed) {
			o.vr, o.vgr.Status.Message = nil, "no such class"
		}), member("a"), &replication.State{Wanted: replication.Primary, Group: "g", Message: "no such class"}},
		"unknown without the group's content": {with(csiaddons.Primary, func(o *observed) {
			o.content, o.vgr.Spec.VolumeGroupReplicationContentName = nil, "content"
		}), member("a"), &replication.State{Wanted: replication.Primary, Group: "g", Message: "VolumeGroupReplicationContent content is not there"}},
		"ending with its group": {with(csiaddons.Primary, func(o *observed) { o.vgr.DeletionTimestamp = &syncedAt }), member("a"),
			&replication.State{Wanted: replication.Primary, Group: "g", Ending: true}},
		"never synced while it has not joined": {healthy(csiaddons.Primary), joined(member("a"), ""), &unsynced},
		"never synced since it joined":         {healthy(csiaddons.Primary), joined(member("a"), joinedNow(syncedAt.Add(time.Nanosecond))), &unsynced},
		"synced since it joined":               {healthy(csiaddons.Primary), joined(member("a"), joinedNow(syncedAt.Time)), &primary},
	} {
		t.Run(name, func(t *testing.T) {
			got := tc.group.report(tc.pvc)
			if (got == nil) != (tc.want == nil) || got != nil && *got != *tc.want {
				t.Errorf("got %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

func joined(pvc *corev1.PersistentVolumeClaim, at string) *corev1.PersistentVolumeClaim {
	pvc.Annotations = map[string]string{mark.VolumeGroupJoined: at}
	return pvc
}

func TestWhatAMemberWaitsForIsSaid(t *testing.T) {
	only := func(edit func(*observed)) observed {
		o := healthy(csiaddons.Primary)
		o.vgr.Spec.VolumeGroupReplicationContentName = "content"
		edit(&o)
		return o
	}
	const nothingFound = "csi-addons has not found it to be one of VolumeGroupReplication shop/g yet"
	for name, tc := range map[string]struct {
		group observed
		pvc   *corev1.PersistentVolumeClaim
		want  string
	}{
		"nothing of a member":                 {only(func(*observed) {}), member("a"), ""},
		"nothing where there is no group":     {observed{}, member("a"), ""},
		"that csi-addons has not found it":    {only(func(*observed) {}), member("c"), nothingFound},
		"that the group's content is not":     {only(func(o *observed) { o.content = nil }), member("a"), "VolumeGroupReplicationContent content is not there"},
		"what csi-addons could not do":        {only(func(o *observed) { o.vr, o.vgr.Status.Message = nil, "no class gold" }), member("c"), "VolumeGroupReplication shop/g: no class gold"},
		"not what csi-addons said long ago":   {only(func(o *observed) { o.vgr.Generation, o.vgr.Status.Message = 2, "no class gold" }), member("c"), nothingFound},
		"not what its VolumeReplication says": {only(func(o *observed) { o.vgr.Status.Message, o.vr.Status.Message = "promoted", "promoted" }), member("c"), nothingFound},
		"what keeps csi-addons from taking a further member": {only(func(o *observed) {
			o.vgr.Status.Message, o.vr.Status.Message = "more than 100 claims", "promoted"
		}), member("c"), "VolumeGroupReplication shop/g: more than 100 claims"},
		"that the storage has not made the group": {only(func(o *observed) { o.content.Spec.VolumeGroupReplicationHandle = "" }), member("a"),
			"the storage has not made the group of VolumeGroupReplicationContent content; if that lasts, the log of csi-addons' manager says why"},
		"that the storage has not confirmed it": {only(func(o *observed) { o.content.Status.PersistentVolumeRefList = nil }), member("a"),
			"the storage has not confirmed that it is in the group of VolumeGroupReplicationContent content; if that lasts, the log of csi-addons' manager says why"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.group.awaited(tc.pvc); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func TestACopyThatIsNotInTheGroupSaysWhy(t *testing.T) {
	o := healthy(csiaddons.Secondary)
	o.vgr.Spec.VolumeGroupReplicationContentName, o.content.Status.PersistentVolumeRefList = "content", nil
	state := o.report(member("a"))
	if state == nil || state.InSync || state.Message != o.awaited(member("a")) || state.Message == "" {
		t.Errorf("got %+v", state)
	}
}
