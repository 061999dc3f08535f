// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"slices"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// wanted tells whether the primary says that it sends a volume here.
func (p *planner) wanted(name string) bool {
	return p.Receiving && p.Spec != nil && slices.ContainsFunc(p.Spec.Destinations, func(d v1alpha1.VolSyncDestination) bool { return d.Name == name })
}

// receive prepares a destination for each volume that the primary sends.
func (p *planner) receive() {
	if !p.Receiving || p.Spec == nil {
		return
	}
	for _, d := range p.Spec.Destinations {
		p.receives[d.Name] = true
	}
	p.receiveGroups()
}

// sentBy is the name by which a volume is sent that is to be received.
func sentBy(d v1alpha1.VolSyncDestination) string { return v1alpha1.VolSyncGroupFor(d.Group, d.Name) }

// receiveVolume has a volume received once for the trigger, from whoever has the key.
func (p *planner) receiveVolume(d v1alpha1.VolSyncDestination, trigger, key string) {
	if p.Problems[d.StorageClassName] != "" {
		return
	}
	into := p.into(d.Name)
	if into != nil && (p.Sources[d.Name] != nil || !p.kept(into)) {
		// What the volume holds is kept as an image before anything else is written to it.
		return
	}
	if into != nil && p.Destinations[d.Name] == nil && !p.leftAsItIs(into) {
		return
	}
	if into != nil && into.Capacity.Cmp(d.Capacity) < 0 {
		p.out.Expand = append(p.out.Expand, d)
	}
	wanted := destination(p.Group, d, p.copying(), p.SnapshotClasses[d.StorageClassName], into, p.Exports)
	wanted.Spec.Trigger = &volsyncv1alpha1.ReplicationDestinationTriggerSpec{Manual: trigger}
	wanted.Spec.RsyncTLS.KeySecret = ptr.To(key)
	wanted.Annotations[annotationGroup] = sentBy(d)
	rd := p.Destinations[d.Name]
	switch {
	case rd == nil && into != nil && into.Image != "":
		// VolSync would take that for the image of what is to come, or wait until it is gone.
		p.out.Unname = append(p.out.Unname, into)
	case rd == nil:
		p.out.Create = append(p.out.Create, wanted)
	case !rd.DeletionTimestamp.IsZero():
	case rd.Annotations[annotationGroup] != sentBy(d):
		// It is received in another way now, from where nothing of before can get into it.
		p.remove(rd)
	case rd.Spec.Trigger == nil || rd.Spec.Trigger.Manual != trigger:
		p.turn(rd, wanted)
	case !equality.Semantic.DeepEqual(rd.Spec, wanted.Spec):
		updated := rd.DeepCopy()
		updated.Spec = wanted.Spec
		p.out.Update = append(p.out.Update, updated)
	case p.Exports && !p.exported(rd):
		p.out.Export = append(p.out.Export, rd)
	}
}

// into is the claim that a volume is received into; nil if there is none.
func (p *planner) into(name string) *Claim {
	i := slices.IndexFunc(p.Claims, func(c Claim) bool { return c.Name == name && c.Bound })
	if i < 0 {
		return nil
	}
	return &p.Claims[i]
}

// kept tells whether there is a complete image of a claim that is to be written to, and has one made if there is none.
func (p *planner) kept(c *Claim) bool {
	if p.Destinations[c.Name] != nil {
		return true
	}
	for _, s := range p.images(c.Name) {
		return ready(s)
	}
	p.out.Create = append(p.out.Create, origin(p.Group, c))
	return false
}

// dismiss removes the destinations of volumes that are not sent here any more, where it is known what is.
func (p *planner) dismiss() {
	if !p.Settled && !(p.Receiving && p.Spec != nil) {
		return
	}
	for name, rd := range p.Destinations {
		if !p.receives[name] && !slices.Contains(p.out.Delete, client.Object(rd)) {
			p.remove(rd)
			if receivedAlone(rd) {
				p.dropImages(name)
			}
		}
	}
}
