// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volsync"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// Facts are everything that is decided upon: one value per look at a group.
type Facts struct {
	Now     time.Time
	Cluster string
	Key     types.NamespacedName
	// Group as the hub has it; nil while the hub does not know it or can't be asked.
	Group *v1alpha1.VolumeReplicationGroup
	// Checkpoint of the last command accepted; nil if there never was one.
	Checkpoint *checkpoint.Checkpoint
	// Volumes that the selector covers or that belong to the group, sorted.
	Volumes []Volume
	// VolSync is what there is of the group's replication by VolSync; nil if the agent does not know how.
	VolSync *volsync.Facts
	Stop    StopFacts
	Restore RestoreFacts
	Capture CaptureFacts
	// Turn is true once it is this group's turn to change its role.
	Turn bool
	// Cleared is true once the captures of a group that is being deleted were deleted, or that was tried.
	Cleared bool
	// Failure is what went wrong when the last decision was carried out.
	Failure error
	// Refreshed is when and how often each volume's state was last asked for, since it last changed.
	Refreshed map[types.NamespacedName]Attempt
	// Unanswered is since when volumes are not what they were last told to be.
	Unanswered map[types.NamespacedName]time.Time
}

// Attempt counts tries and says when the last one was.
type Attempt struct {
	Count int
	Last  time.Time
}

// Volume is a claim and what is known of it.
type Volume struct {
	replication.Volume
	// Selected is true if the group's selector covers it.
	Selected bool
	// Owner is the group it says it belongs to; foreign is true if that is another one that this agent knows.
	Owner   string
	Foreign bool
	// Copy is true if the claim was left behind as a secondary by an earlier group of this name. Users are the pods that mount it,
	// on a standby.
	Copy  bool
	Users []string
	// Claimed is true once the claim says that it is the group's, and its volume is kept if the claim goes.
	Claimed bool
	// Method by which it is replicated; empty if none fits.
	Method v1alpha1.ReplicationMethod
	// Class that replicates it, or problem why none does.
	Class   string
	Problem *replication.Problem
	// State of its replication; nil if there is none, and awaited then says what it is waiting for, if that is known.
	State   *replication.State
	Awaited string
}

// StopFacts are what stopping the workload has come to. They are of the current command only.
type StopFacts struct {
	// Done is true once nothing runs any more; until then waiting names what does.
	Done    bool
	Waiting []string
	// Remembered are the application's objects, once they have been listed.
	Remembered []types.UID
	Listed     bool
}

// RestoreFacts are what the restore of the current command has come to.
type RestoreFacts struct {
	Running bool
	// Found is the capture it reads.
	Found *archive.Found
	// Volumes and objects are in place, the volumes since then.
	Volumes, Objects bool
	Since            time.Time
	// Without are the claims that the volumes were put in place without, or tried to be.
	Without []string
	// Behind are those of them of which what others would be made of outlives what is replicated by their names.
	Behind []string
	// Removed are the objects that were deleted because the application no longer has them, and left those that can't be.
	Removed, Left []string
	// Err is what went wrong last, and Failing since when something has each time.
	Err     error
	Failing time.Time
	Retry   time.Time
}

// CaptureFacts are what the newest capture has come to.
type CaptureFacts struct {
	Running bool
	Err     error
	Retry   time.Time
	// Taken is the capture that is being put, or was; nil if none since the agent started.
	Taken *checkpoint.Capture
	// Objects it holds, by their UIDs here.
	Objects []types.UID
	// Put are the profiles that have it, and failed why others do not.
	Put    []string
	Failed map[string]string
}

// primary tells whether the volume is confirmed to be primary. In a role that had settled, a state that is being looked
// at again counts as it was.
func (v *Volume) primary(settled bool) bool {
	return v.State != nil && !v.State.Ending && v.State.Wanted == replication.Primary &&
		(v.State.Role == replication.Primary || settled && v.State.Reported == replication.Primary)
}

func (v *Volume) secondary() bool {
	return v.State != nil && v.State.Wanted == replication.Secondary && v.State.Role == replication.Secondary
}

// bound tells whether the claim has its volume.
func (v *Volume) bound() bool { return v.PV != nil }

// going tells whether somebody has deleted the claim.
func (v *Volume) going() bool { return !v.PVC.DeletionTimestamp.IsZero() }

// leftBehind tells whether the claim is one of an earlier group of this name, as it was left.
func (v *Volume) leftBehind() bool {
	return v.Copy && v.Selected && !v.Foreign && v.bound() && !v.going() && len(v.Users) == 0
}

// unprotected tells whether nothing replicates the volume, and nothing can. One that is replicated goes on to be, also when
// what it got once could not be had again.
func (v *Volume) unprotected() bool { return v.Problem != nil && v.State == nil }

// noted tells whether the claim says how it is replicated.
func (v *Volume) noted() bool { return v.PVC.Annotations[mark.Method] == string(v.Method) }

// own tells whether the volume belongs to the group.
func (f *Facts) own(v *Volume) bool { return v.Owner == f.Key.String() }

// Members are the volumes that are replicated for the group, in the form of a handover token.
func (f *Facts) Members() []v1alpha1.HandoverVolume {
	var members []v1alpha1.HandoverVolume
	for i := range f.Volumes {
		if v := &f.Volumes[i]; f.Captured(v) {
			members = append(members, v1alpha1.HandoverVolume{Namespace: v.PVC.Namespace, Name: v.PVC.Name, VolumeHandle: v.Handle()})
		}
	}
	return members
}

// Captured tells whether a volume is part of captures: it is the group's, and replicated.
func (f *Facts) Captured(v *Volume) bool {
	return v.Selected && v.Claimed && v.bound() && !v.unprotected() && !v.going()
}

// VolumesWord is one word that changes when a member comes or goes.
func VolumesWord(members []v1alpha1.HandoverVolume) string {
	names := make([]string, 0, len(members))
	for _, m := range members {
		names = append(names, fmt.Sprintf("%s/%s=%s", m.Namespace, m.Name, m.VolumeHandle))
	}
	slices.SortFunc(names, cmp.Compare[string])
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	return hex.EncodeToString(sum[:8])
}

// volumesWord is one word that changes when a member comes, goes or grows, or has come to be replicated with others.
func (f *Facts) volumesWord() string {
	members := f.Members()
	for i := range f.Volumes {
		v := &f.Volumes[i]
		if !f.Captured(v) {
			continue
		}
		more := v1alpha1.HandoverVolume{Namespace: v.PVC.Namespace, Name: v.PVC.Name}
		if v.State != nil && v.State.Group != "" {
			more.VolumeHandle = "in " + v.State.Group
			members = append(members, more)
		}
		if capacity, ok := v.PV.Spec.Capacity[corev1.ResourceStorage]; ok {
			more.VolumeHandle = "of " + capacity.String()
			members = append(members, more)
		}
	}
	return VolumesWord(members)
}
