// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Arrived tells of what a spec says is sent as one how far it is with being received: among other things which cycle arrived
// completely last.
func (f *Facts) Arrived(spec *v1alpha1.VRGVolSyncSpec) []v1alpha1.VolSyncGroupStatus {
	var groups []v1alpha1.VolSyncGroupStatus
	for _, g := range spec.Groups {
		g.Cycle = 0
		if set := f.arrived(g.Name, g.Stream); set != nil {
			g.Cycle = set.number
		}
		told := v1alpha1.VolSyncGroupStatus{VolSyncGroup: g}
		if _, alone := v1alpha1.SentByItself(g.Name); !alone {
			told.Destination = f.receipts(spec, g)
		}
		groups = append(groups, told)
	}
	return groups
}

// receipts are what has been received of a group.
func (f *Facts) receipts(spec *v1alpha1.VRGVolSyncSpec, g v1alpha1.VolSyncGroup) *v1alpha1.VolSyncGroupDestination {
	awaited := cycle{g.Stream, g.Cycle + 1}
	d := &v1alpha1.VolSyncGroupDestination{Current: awaited.String(), Committed: f.committed(g.Name)}
	var messages []string
	ready := true
	all := f.Received(spec)
	for _, m := range g.Members {
		i := slices.IndexFunc(all, func(r Received) bool { return r.Name == m && r.Spec.Group == g.Name })
		if i < 0 {
			ready = false
			messages = append(messages, fmt.Sprintf("waits for the primary to say what PersistentVolumeClaim %s/%s is like", f.Group.Namespace, m))
			continue
		}
		ready = ready && all[i].Ready
		if all[i].Message != "" {
			messages = append(messages, fmt.Sprintf("PersistentVolumeClaim %s/%s: %s", f.Group.Namespace, m, all[i].Message))
		}
		if f.hasArrived(m, awaited) {
			d.Arrived = append(d.Arrived, m)
		}
	}
	d.Message = firstOf(messages)
	switch {
	case !ready:
		d.Step = v1alpha1.ReplicationGroupPreparing
	case len(d.Arrived) == 0:
		d.Step = v1alpha1.ReplicationGroupWaiting
	case len(d.Arrived) < len(g.Members):
		d.Step = v1alpha1.ReplicationGroupReceiving
	default:
		d.Step = v1alpha1.ReplicationGroupCommitting
	}
	return d
}

// hasArrived tells whether the image of a member is there that the cycle awaited is to bring.
func (f *Facts) hasArrived(name string, awaited cycle) bool {
	rd := f.Destinations[name]
	return rd != nil && !receiving(rd) && rd.Spec.Trigger.Manual == awaited.String() && f.latest(rd) != nil
}

// committed is the newest complete set of images of a group.
func (f *Facts) committed(name string) *v1alpha1.VolSyncCommit {
	newest := newestOf(f.completeSets(func(id setID) bool { return id.name == name }))
	if newest == nil {
		return nil
	}
	commit := &v1alpha1.VolSyncCommit{Cycle: newest.cycle.String()}
	for _, m := range newest.members {
		image := newest.images[m]
		commit.Images = append(commit.Images, v1alpha1.VolSyncImage{PVCName: m, VolumeSnapshotName: image.Name})
		if commit.Time.Before(&image.CreationTimestamp) {
			commit.Time = image.CreationTimestamp
		}
	}
	slices.SortFunc(commit.Images, func(a, b v1alpha1.VolSyncImage) int { return cmp.Compare(a.PVCName, b.PVCName) })
	return commit
}
