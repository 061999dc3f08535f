// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"maps"
	"slices"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// sender sends one consistency group.
type sender struct {
	*planner
	name string
	// claims that can be sent, by name, and whether others are still to become so.
	claims  map[string]*Claim
	pending bool
	// epoch of the final sync; zero if there is none.
	epoch int64
}

// sendGroups sends the groups whose members were told to be primary, or to be sent a last time.
func (p *planner) sendGroups() {
	groups := map[string]*sender{}
	for i := range p.Claims {
		c := &p.Claims[i]
		epoch, sends := p.sends(c)
		if c.Group == "" || !sends {
			continue
		}
		s := groups[c.Group]
		if s == nil {
			s = &sender{planner: p, name: c.Group, claims: map[string]*Claim{}, epoch: epoch}
			groups[c.Group] = s
		}
		// Some are still to be told what the others were, or still to be restored.
		s.pending = s.pending || s.epoch != epoch || c.Role == rolePrimary && !p.Settled
		switch {
		case p.Destinations[c.Name] != nil:
			s.pending = true
		case !c.Bound:
		case c.Label != c.Group:
			p.out.Label = append(p.out.Label, c)
			s.pending = true
		default:
			s.claims[c.Name] = c
		}
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		groups[name].plan()
	}
	for _, snapshot := range p.GroupSnapshots {
		if groups[snapshot.GetAnnotations()[annotationGroup]] == nil {
			p.remove(snapshot)
		}
	}
	for _, claim := range p.Copies {
		if groups[claim.Annotations[annotationGroup]] == nil {
			p.remove(claim)
		}
	}
}

// sends tells whether a claim's volume is to be sent, and in which epoch for the last time.
func (p *planner) sends(c *Claim) (epoch int64, yes bool) {
	epoch, isFinal := finalEpoch(c.Role)
	return epoch, c.Role == rolePrimary || isFinal && !p.GivingUp && !p.receivesOf(c.Group)
}

// receivesOf tells whether the primary sends anything of a group here: then nothing of it is sent from here any more.
func (p *planner) receivesOf(group string) bool {
	return slices.ContainsFunc(p.Claims, func(c Claim) bool { return c.Group == group && p.wanted(c.Name) })
}

// plan goes on with the cycle that there is a snapshot of, or begins the next when it is due.
func (s *sender) plan() {
	current := s.GroupSnapshot(s.name)
	for _, other := range s.GroupSnapshots {
		if other != current && other.GetAnnotations()[annotationGroup] == s.name {
			s.remove(other)
		}
	}
	if current == nil {
		s.between()
	} else {
		s.under(current)
	}
	s.tidy(current)
}

// between begins a cycle, if one is due.
func (s *sender) between() {
	members := slices.Sorted(maps.Keys(s.claims))
	if s.pending || len(members) == 0 {
		return
	}
	sources := s.SourcesOf(s.name)
	last, whole := complete(sources)
	if !whole || !slices.Equal(slices.Sorted(maps.Keys(sources)), members) {
		s.begin(newStream(s.now), members)
		return
	}
	if s.epoch != 0 {
		if last.final != finalConfirm(s.epoch) {
			s.begin(last.cycle.next(), members)
		}
		return
	}
	if due := nextDue(last.at, s.Interval, s.Group.Namespace+"/"+s.name); s.now.Before(due) {
		s.again(due)
		return
	}
	s.begin(last.cycle.next(), members)
}

func (s *sender) begin(c cycle, members []string) {
	s.out.Snapshot = append(s.out.Snapshot, groupSnapshot(s.Group, s.name, s.claims[members[0]].GroupSnapshotClass, c, members, s.epoch))
}

// under goes on with a cycle. Should one of its members be gone, or not get through for long, another takes its place.
func (s *sender) under(snapshot *GroupSnapshot) {
	members := membersOf(snapshot.GetAnnotations())
	gone := slices.ContainsFunc(members, func(m string) bool { return s.claims[m] == nil })
	if len(members) == 0 || gone || s.stuck(snapshot) {
		s.remove(snapshot)
		return
	}
	if !snapshot.Ready() {
		return
	}
	wanted := s.wantedOf(snapshot)
	if arrived, told := s.hasArrivedOf(s.name, wanted.stream); told && arrived >= wanted.number && !s.allSentAs(members, wanted) {
		// The answer of a member was lost. All of them are sent once more, as the cycle that the peer waits for now.
		wanted.number = arrived + 1
	}
	sent := true
	for _, m := range members {
		sent = s.member(snapshot, s.claims[m], wanted) && sent
	}
	if sent && !isFirstFinal(wanted.final) {
		s.remove(snapshot)
	}
}

// wantedOf is what is to be sent of a snapshot: what its members were told last, or, once all of them have sent that of a final
// sync, the same a second time: that this succeeds proves that the peer keeps all of the first, for it does not take in another
// cycle before.
func (f *Facts) wantedOf(snapshot *GroupSnapshot) sending {
	wanted := sending{cycle: snapshot.cycle(), at: snapshot.taken(), final: snapshot.GetAnnotations()[annotationFinal]}
	members := membersOf(snapshot.GetAnnotations())
	for _, m := range members {
		rs := f.Sources[m]
		if rs == nil {
			continue
		}
		if told, ours := parseSending(trigger(rs)); ours && told.stream == wanted.stream && told.number > wanted.number {
			wanted = told
		}
	}
	if isFirstFinal(wanted.final) && f.allSentAs(members, wanted) {
		return sending{wanted.next(), wanted.at, wanted.final + confirmSuffix}
	}
	return wanted
}

// allSentAs tells whether all members have sent their volumes in a cycle.
func (f *Facts) allSentAs(members []string, s sending) bool {
	return !slices.ContainsFunc(members, func(m string) bool { return !sentAs(f.Sources[m], s) })
}

// member has one volume sent, from a claim made of its snapshot, and tells whether it was.
func (s *sender) member(snapshot *GroupSnapshot, claim *Claim, wanted sending) bool {
	name := copyName(claim.Name, snapshot.cycle())
	rs := s.Sources[claim.Name]
	if sentAs(rs, wanted) {
		return true
	}
	if s.Copies[name] == nil {
		image := s.snapshotOf(snapshot, claim.Name)
		if image == nil {
			s.again(snapshot.GetCreationTimestamp().Add(stuckAfter))
			return false
		}
		s.out.Create = append(s.out.Create, copyOf(s.Group, s.name, claim, name, snapshot.cycle(), image))
	}
	address := s.addressFor(claim.Name, rs)
	if address == "" {
		return false
	}
	to := s.source(claim, rs, address, wanted)
	to.Spec.SourcePVC = name
	to.Spec.RsyncTLS.CopyMethod, to.Spec.RsyncTLS.VolumeSnapshotClassName = volsyncv1alpha1.CopyMethodDirect, nil
	s.noteSynced(to)
	if rs == nil {
		to.Annotations[annotationJoined] = wanted.String()
		s.out.Create = append(s.out.Create, to)
		return false
	}
	s.tell(rs, to)
	return false
}

// noteSynced notes the last cycle that was completed on a source that goes on.
func (s *sender) noteSynced(to *volsyncv1alpha1.ReplicationSource) {
	sources := s.SourcesOf(s.name)
	last, took, found := lastNoted(sources)
	if newest, whole := complete(sources); whole {
		last, took, found = newest, costOf(sources, newest), true
	}
	if found {
		to.Annotations[annotationSynced] = sending{last.cycle, last.at, ""}.String()
		to.Annotations[annotationCost] = took.String()
	}
}

func (s *sender) snapshotOf(snapshot *GroupSnapshot, claim string) *snapshotv1.VolumeSnapshot {
	for _, image := range s.Snapshots {
		of := image.Spec.Source.PersistentVolumeClaimName
		if of != nil && *of == claim && ready(image) && ownedByUID(image, snapshot.GetUID()) {
			return image
		}
	}
	return nil
}

// tidy takes claims away that were made of the snapshots of other cycles and from which nothing is being sent any more.
func (s *sender) tidy(current *GroupSnapshot) {
	keep := map[string]bool{}
	if current != nil && !slices.Contains(s.out.Delete, client.Object(current)) {
		for _, m := range membersOf(current.GetAnnotations()) {
			keep[copyName(m, current.cycle())] = true
		}
	}
	for _, rs := range s.SourcesOf(s.name) {
		if !idle(rs) {
			keep[rs.Spec.SourcePVC] = true
		}
	}
	for name, claim := range s.Copies {
		if claim.Annotations[annotationGroup] == s.name && !keep[name] {
			s.remove(claim)
		}
	}
}

// copyOf is the claim that a member is sent from.
func copyOf(group types.NamespacedName, name string, claim *Claim, copied string, c cycle, image *snapshotv1.VolumeSnapshot) *corev1.PersistentVolumeClaim {
	pvc := &corev1.PersistentVolumeClaim{ObjectMeta: meta(group, copied)}
	pvc.Annotations[annotationGroup], pvc.Annotations[annotationCycle], pvc.Annotations[annotationClaim] = name, c.String(), claim.Name
	size := claim.Capacity.DeepCopy()
	if image.Status.RestoreSize != nil && image.Status.RestoreSize.Cmp(size) > 0 {
		size = image.Status.RestoreSize.DeepCopy()
	}
	of := snapshotv1.GroupName
	pvc.Spec = corev1.PersistentVolumeClaimSpec{
		AccessModes: claim.AccessModes, VolumeMode: claim.VolumeMode,
		DataSourceRef: &corev1.TypedObjectReference{APIGroup: &of, Kind: dataSourceKind, Name: image.Name},
		Resources:     corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: size}},
	}
	if claim.StorageClass != "" {
		pvc.Spec.StorageClassName = ptr.To(claim.StorageClass)
	}
	return pvc
}
