// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"slices"
	"strings"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	"k8s.io/apimachinery/pkg/types"
)

// imageSet are the images of one cycle that are kept, by claim, of what is sent by that name.
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

// setID tells sets of images apart.
type setID struct{ name, cycle string }

// completeSets are the complete sets of images there are, of those that are asked for.
func (f *Facts) completeSets(asked func(id setID) bool) []*imageSet {
	sets := map[setID]*imageSet{}
	for _, s := range f.Snapshots {
		id, kept := f.setOf(s)
		if !kept || !asked(id) {
			continue
		}
		if sets[id] == nil {
			c, _ := parseCycle(id.cycle)
			sets[id] = &imageSet{cycle: c, name: id.name, members: f.needed(s.Annotations), images: map[string]*snapshotv1.VolumeSnapshot{}}
		}
		sets[id].images[s.Annotations[annotationClaim]] = s
	}
	var complete []*imageSet
	for _, set := range sets {
		if set.complete() {
			complete = append(complete, set)
		}
	}
	return complete
}

// setOf is the set that an image is kept as one of.
func (f *Facts) setOf(s *snapshotv1.VolumeSnapshot) (setID, bool) {
	id := setID{s.Annotations[annotationGroup], s.Annotations[annotationCycle]}
	if id.cycle == "" || !ours(s, f.Group.String()) {
		return setID{}, false
	}
	_, valid := parseCycle(id.cycle)
	return id, valid
}

// newestOf is the newest of sets; nil if there are none.
func newestOf(sets []*imageSet) *imageSet {
	var newest *imageSet
	for _, set := range sets {
		if newest == nil || set.newer(newest) {
			newest = set
		}
	}
	return newest
}

// newestSet is the newest complete set that a claim is a member of; nil if there is none.
func (f *Facts) newestSet(claim string) *imageSet {
	of := map[setID]bool{}
	for _, s := range f.Snapshots {
		if s.Annotations[annotationClaim] != claim {
			continue
		}
		if id, kept := f.setOf(s); kept {
			of[id] = true
		}
	}
	if len(of) == 0 {
		return nil
	}
	return newestOf(f.completeSets(func(id setID) bool { return of[id] }))
}

// arrived is the newest complete set of a stream; nil if there is none.
func (f *Facts) arrived(name, stream string) *imageSet {
	return newestOf(f.completeSets(func(id setID) bool { return id.name == name && strings.HasPrefix(id.cycle, stream+".") }))
}

// keepMember keeps an image as that of a member of a cycle, until all of a later one have arrived.
func keepMember(group types.NamespacedName, image *snapshotv1.VolumeSnapshot, claim, name string, c cycle, members []string) *snapshotv1.VolumeSnapshot {
	s := keep(group, image, claim, "")
	delete(s.Annotations, annotationEpoch)
	s.Annotations[annotationGroup], s.Annotations[annotationCycle], s.Annotations[annotationMembers] = name, c.String(), strings.Join(members, ",")
	return s
}

// needed are the members of a cycle whose images it takes to be complete. Images are kept once those of all members are there; so
// that of one which is gone was there, and the others are of the same point in time.
func (f *Facts) needed(annotations map[string]string) []string {
	return slices.DeleteFunc(membersOf(annotations), func(m string) bool { return slices.Contains(f.Without, m) })
}

func membersOf(annotations map[string]string) []string {
	if annotations[annotationMembers] == "" {
		return nil
	}
	return strings.Split(annotations[annotationMembers], ",")
}
