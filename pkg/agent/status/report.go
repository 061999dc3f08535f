// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package status reports to the hub: what an agent found becomes the status of a VolumeReplicationGroup, and is sent when
// it changes.
package status

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Condition is what is found of one condition.
type Condition struct {
	Status          metav1.ConditionStatus
	Reason, Message string
}

// True makes a condition that holds.
func True(reason, message string) Condition { return Condition{metav1.ConditionTrue, reason, message} }

// False makes a condition that does not hold.
func False(reason, message string) Condition {
	return Condition{metav1.ConditionFalse, reason, message}
}

// Report is what an agent found of a group.
type Report struct {
	// Generation of the spec it speaks of.
	Generation int64
	// Epoch accepted.
	Epoch int64
	// Session of the spec it speaks of.
	Session string
	State   v1alpha1.VolumeReplicationGroupState
	// Conditions by type; those not named are taken away.
	Conditions map[string]Condition
	Volumes    []Volume
	Capture    *v1alpha1.CaptureReference
	Token      *v1alpha1.HandoverToken
	// VolSync is what is received by VolSync.
	VolSync *v1alpha1.VRGVolSyncStatus
	// Awaited is the type of a condition that somebody waits for although the role is not confirmed yet.
	Awaited string
}

// Volume is what an agent found of one claim.
type Volume struct {
	Namespace, Name  string
	StorageClassName string
	Provisioner      string
	VolumeHandle     string
	Capacity         *resource.Quantity
	AccessModes      []corev1.PersistentVolumeAccessMode
	VolumeMode       *corev1.PersistentVolumeMode
	// Method by which it is replicated with the peer, in a group if it is one's; empty if it can't be.
	Method           v1alpha1.ReplicationMethod
	ConsistencyGroup string
	Peer             string
	Ready, Protected Condition
	LastSyncTime     *metav1.Time
	LastSyncDuration *metav1.Duration
	LastSyncBytes    *int64
	// Counts is false for a claim that takes no part in the group's sync time, because nothing is replicated at
	// intervals or it is a copy.
	Counts bool
}

// Status is the report as the hub has it. Conditions that were so before keep their time of transition.
func (r *Report) Status(before v1alpha1.VolumeReplicationGroupStatus, now time.Time) v1alpha1.VolumeReplicationGroupStatus {
	s := v1alpha1.VolumeReplicationGroupStatus{
		ObservedGeneration: r.Generation,
		Epoch:              r.Epoch,
		Session:            r.Session,
		State:              r.State,
		Conditions:         conditions(before.Conditions, r.Conditions, r.Generation, now),
		LastCapture:        r.Capture.DeepCopy(),
		HandoverToken:      r.Token.DeepCopy(),
		VolSync:            r.VolSync.DeepCopy(),
		LastUpdateTime:     before.LastUpdateTime,
	}
	for _, v := range r.Volumes {
		s.ProtectedPVCs = append(s.ProtectedPVCs, row(v, rowOf(before, v), r.Generation, now))
	}
	s.LastGroupSyncTime, s.LastGroupSyncDuration, s.LastGroupSyncBytes = groupSync(r.Volumes)
	return s
}

func rowOf(before v1alpha1.VolumeReplicationGroupStatus, v Volume) v1alpha1.ProtectedPVC {
	i := slices.IndexFunc(before.ProtectedPVCs, func(p v1alpha1.ProtectedPVC) bool {
		return p.Namespace == v.Namespace && p.Name == v.Name
	})
	if i < 0 {
		return v1alpha1.ProtectedPVC{}
	}
	return before.ProtectedPVCs[i]
}

func row(v Volume, before v1alpha1.ProtectedPVC, generation int64, now time.Time) v1alpha1.ProtectedPVC {
	return v1alpha1.ProtectedPVC{
		Namespace: v.Namespace, Name: v.Name, StorageClassName: v.StorageClassName, Provisioner: v.Provisioner,
		VolumeHandle: v.VolumeHandle, Capacity: v.Capacity, AccessModes: v.AccessModes, VolumeMode: v.VolumeMode,
		ReplicationMethod: v.Method, ConsistencyGroup: v.ConsistencyGroup, Peer: v.Peer,
		Conditions: conditions(before.Conditions, map[string]Condition{
			v1alpha1.ConditionDataReady: v.Ready, v1alpha1.ConditionDataProtected: v.Protected,
		}, generation, now),
		LastSyncTime: v.LastSyncTime, LastSyncDuration: v.LastSyncDuration, LastSyncBytes: v.LastSyncBytes,
	}
}

func conditions(before []metav1.Condition, found map[string]Condition, generation int64, now time.Time) []metav1.Condition {
	out := make([]metav1.Condition, 0, len(found))
	for conditionType, c := range found {
		transition := metav1.NewTime(now.Truncate(time.Second))
		if old := meta.FindStatusCondition(before, conditionType); old != nil && old.Status == c.Status {
			transition = old.LastTransitionTime
		}
		out = append(out, metav1.Condition{
			Type: conditionType, Status: c.Status, Reason: c.Reason, Message: c.Message,
			ObservedGeneration: generation, LastTransitionTime: transition,
		})
	}
	slices.SortFunc(out, func(a, b metav1.Condition) int { return cmp.Compare(a.Type, b.Type) })
	return out
}

// groupSync is the minimum of the volumes' times, absent if any was never synced, with the longest duration and the sum
// of bytes; what volumes tell that their storage replicates as one are the group's bytes, which count once.
func groupSync(volumes []Volume) (*metav1.Time, *metav1.Duration, *int64) {
	var oldest *metav1.Time
	var longest *metav1.Duration
	var bytes *int64
	counted := sets.New[string]()
	for _, v := range volumes {
		if !v.Counts {
			continue
		}
		if v.LastSyncTime == nil {
			return nil, nil, nil
		}
		if oldest == nil || v.LastSyncTime.Before(oldest) {
			oldest = v.LastSyncTime
		}
		if v.LastSyncDuration != nil && (longest == nil || v.LastSyncDuration.Duration > longest.Duration) {
			longest = v.LastSyncDuration
		}
		asOne := v.Method == v1alpha1.MethodVolumeGroupReplication && v.ConsistencyGroup != ""
		if v.LastSyncBytes != nil && !(asOne && counted.Has(v.ConsistencyGroup)) {
			counted.Insert(v.ConsistencyGroup)
			sum := *v.LastSyncBytes
			if bytes != nil {
				sum += *bytes
			}
			bytes = &sum
		}
	}
	return oldest.DeepCopy(), longest, bytes
}
