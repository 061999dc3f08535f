// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"slices"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// receiveGroups has what the primary sends as one received cycle by cycle: a member is received once for each, and what arrived
// is kept until all members of a later cycle have. VolSync would have a member received again while the snapshot of what came
// last is still being cut, and mix what comes next into it: so it is told to only once all of a cycle is kept.
func (p *planner) receiveGroups() {
	for _, g := range p.Spec.Groups {
		var members []v1alpha1.VolSyncDestination
		for _, d := range p.Spec.Destinations {
			if sentBy(d) == g.Name && slices.Contains(g.Members, d.Name) {
				members = append(members, d)
			}
		}
		if len(members) == len(g.Members) {
			p.receiveGroup(g, members)
		}
	}
}

func (p *planner) receiveGroup(g v1alpha1.VolSyncGroup, members []v1alpha1.VolSyncDestination) {
	awaited := cycle{g.Stream, 1}
	kept := p.arrived(g.Name, g.Stream)
	if kept != nil {
		awaited = kept.next()
		p.dropOlder(g, kept, awaited)
	}
	if p.keepArrived(g, members, awaited) {
		return
	}
	for _, d := range members {
		p.receiveVolume(d, awaited.String(), p.key(g.Name, awaited))
	}
}

// keepArrived keeps the images of a cycle once all of them are there, and tells whether they are.
func (p *planner) keepArrived(g v1alpha1.VolSyncGroup, members []v1alpha1.VolSyncDestination, awaited cycle) bool {
	for _, d := range members {
		if !p.hasArrived(d.Name, awaited) {
			return false
		}
	}
	for _, d := range members {
		if image := p.latest(p.Destinations[d.Name]); image.Annotations[annotationCycle] != awaited.String() {
			p.out.Update = append(p.out.Update, keepMember(p.Group, image, d.Name, g.Name, awaited, g.Members))
		}
	}
	return true
}

// dropOlder drops the images of members that are older than the cycle of which all have arrived.
func (p *planner) dropOlder(g v1alpha1.VolSyncGroup, kept *imageSet, awaited cycle) {
	for _, m := range g.Members {
		for _, s := range p.images(m) {
			if of := s.Annotations[annotationCycle]; of != kept.String() && of != awaited.String() {
				p.remove(s)
			}
		}
	}
}

// receiving tells whether a destination has yet to answer its trigger.
func receiving(rd *volsyncv1alpha1.ReplicationDestination) bool {
	return rd.Spec.Trigger == nil || rd.Status == nil || !rd.Status.LastSyncStartTime.IsZero() || rd.Status.LastManualSync != rd.Spec.Trigger.Manual
}

// turn has a destination receive something else than it waits for. It is paused first, unless it waits for nothing, so that
// nothing which was on its way counts as what is awaited now.
func (p *planner) turn(rd, to *volsyncv1alpha1.ReplicationDestination) {
	updated := rd.DeepCopy()
	switch {
	case !receiving(rd) || rd.Spec.Paused && p.Quiet[rd.UID]:
		updated.Spec = to.Spec
	case rd.Spec.Paused:
		p.again(p.now.Add(quietEvery))
		return
	default:
		updated.Spec.Paused = true
	}
	p.out.Update = append(p.out.Update, updated)
}

// key is the Secret with the key of a cycle, which is to be there before anything refers to it.
func (p *planner) key(name string, c cycle) string {
	secret := cycleKey(p.Group, name, c)
	if !slices.ContainsFunc(p.out.CycleKeys, func(k CycleKey) bool { return k.Secret == secret }) {
		p.out.CycleKeys = append(p.out.CycleKeys, CycleKey{Secret: secret, group: name, cycle: c})
	}
	return secret
}
