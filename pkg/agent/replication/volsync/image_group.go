// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"slices"
	"strings"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	"k8s.io/apimachinery/pkg/types"
)

// imageSet are the images of one cycle of the group of that name that are kept, by claim.
type imageSet struct {
	cycle
	name    string
	members []string
	images  map[string]*snapshotv1.VolumeSnapshot
}

// complete tells whether there is a usable image of every member.
func (s *imageSet) complete() bool {
	return len(s.members) > 0 && !slices.ContainsFunc(s.members, func(m string) bool { return !ready(s.images[m]) })
}

// newer orders sets: within a stream by number, else by when the first of their images was made here.
func (s *imageSet) newer(than *imageSet) bool {
	if s.stream == than.stream {
		return s.number > than.number
	}
	return s.born().CreationTimestamp.After(than.born().CreationTimestamp.Time)
}

func (s *imageSet) born() *snapshotv1.VolumeSnapshot {
	first := s.images[s.members[0]]
	for _, image := range s.images {
		if image.CreationTimestamp.Before(&first.CreationTimestamp) {
			first = image
		}
	}
	return first
}

// completeSets are the complete sets of images there are of consistency groups.
func (f *Facts) completeSets() []*imageSet {
	type id struct{ group, cycle string }
	sets := map[id]*imageSet{}
	for _, s := range f.Snapshots {
		c, ok := parseCycle(s.Annotations[annotationCycle])
		if !ok || !ours(s, f.Group.String()) {
			continue
		}
		of := id{s.Annotations[annotationGroup], c.String()}
		if sets[of] == nil {
			sets[of] = &imageSet{cycle: c, name: of.group, members: membersOf(s.Annotations), images: map[string]*snapshotv1.VolumeSnapshot{}}
		}
		sets[of].images[s.Annotations[annotationClaim]] = s
	}
	var complete []*imageSet
	for _, set := range sets {
		if set.complete() {
			complete = append(complete, set)
		}
	}
	return complete
}

// newestSet is the newest complete set that a claim is a member of; nil if there is none.
func (f *Facts) newestSet(claim string) *imageSet {
	var newest *imageSet
	for _, set := range f.completeSets() {
		if slices.Contains(set.members, claim) && (newest == nil || set.newer(newest)) {
			newest = set
		}
	}
	return newest
}

// arrived is the newest complete set of a stream; nil if there is none.
func (f *Facts) arrived(stream string) *imageSet {
	var newest *imageSet
	for _, set := range f.completeSets() {
		if set.stream == stream && (newest == nil || set.newer(newest)) {
			newest = set
		}
	}
	return newest
}

// keepMember keeps an image as that of a member of a cycle, until all of a later one have arrived.
func keepMember(group types.NamespacedName, image *snapshotv1.VolumeSnapshot, claim, name string, c cycle, members []string) *snapshotv1.VolumeSnapshot {
	s := keep(group, image, claim, "")
	delete(s.Annotations, annotationEpoch)
	s.Annotations[annotationGroup], s.Annotations[annotationCycle], s.Annotations[annotationMembers] = name, c.String(), strings.Join(members, ",")
	return s
}

func membersOf(annotations map[string]string) []string {
	if annotations[annotationMembers] == "" {
		return nil
	}
	return strings.Split(annotations[annotationMembers], ",")
}
