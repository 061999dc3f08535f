// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"maps"
	"slices"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Claim is a claim of the group that VolSync replicates.
type Claim struct {
	Name string
	// Role it was last told; empty if none.
	Role string
	// Bound is true once it has its volume, which nobody has begun to take away.
	Bound bool
	// Capacity that was asked for.
	Capacity resource.Quantity
	// SnapshotClass its volume is snapshotted by.
	SnapshotClass string
	// Group is the consistency group that it is sent with; empty if it is sent by itself. GroupSnapshotClass snapshots that, and
	// Label is what the claim has, by which it is one of the group's.
	Group, GroupSnapshotClass, Label string
	// Stream is noted on it as the one that it is to be sent in by itself, and Begun is true if that has begun. Version is that of
	// the claim as it was looked at.
	Stream, Version string
	Begun           bool
	// Made is when the claim was created.
	Made time.Time
	// Image is what VolSync was about to make of it, or has made, for a destination that was removed before it was done.
	Image string
	// StorageClass, AccessModes and VolumeMode that were asked for.
	StorageClass string
	AccessModes  []corev1.PersistentVolumeAccessMode
	VolumeMode   *corev1.PersistentVolumeMode
}

// Facts are what there is of a group's replication by VolSync.
type Facts struct {
	Group types.NamespacedName
	// Present is false where VolSync is not installed.
	Present bool
	// Exports is true where Services are made known to the other cluster by ServiceExports, which are those of the namespace.
	Exports        bool
	ServiceExports map[string]*unstructured.Unstructured
	// Keyed is true while the group's key is known to be there.
	Keyed        bool
	Claims       []Claim
	Sources      map[string]*volsyncv1alpha1.ReplicationSource
	Destinations map[string]*volsyncv1alpha1.ReplicationDestination
	// Snapshots that are VolSync's images or kept here, by name.
	Snapshots map[string]*snapshotv1.VolumeSnapshot
	// GroupSnapshots are those of cycles, Copies the claims that members are sent from, by name.
	GroupSnapshots []*GroupSnapshot
	Copies         map[string]*corev1.PersistentVolumeClaim
	// Temporary are the names of the claims that VolSync has made, and has not got rid of yet.
	Temporary sets.Set[string]
	// Quiet are sources and destinations that are paused and of which nothing runs any more.
	Quiet map[types.UID]bool
	// SnapshotClasses by the name of the StorageClass of a destination, and why there is none.
	SnapshotClasses map[string]string
	Problems        map[string]string
	// Without are claims that nothing is recovered of.
	Without []string
}

// Command is what a group shall do, as far as it matters here.
type Command struct {
	Spec *v1alpha1.VRGVolSyncSpec
	// Interval between two syncs; zero if they are not at intervals.
	Interval time.Duration
	// Receiving is true for a secondary that has come to rest: it prepares what its spec lists and nothing else.
	Receiving bool
	// GivingUp is true for a secondary that gives up what its peer does not have.
	GivingUp bool
	// Leaving is true once replication ends; then nothing is to be left.
	Leaving bool
	// Left are claims of which the application was failed over without what is in them here, in Epoch: it is kept.
	Left  []string
	Epoch int64
	// Settled is true for a primary that has nothing left to restore.
	Settled bool
}

// Plan is what is to be done, in the order of its fields. All of it is done again without harm.
type Plan struct {
	// Key is to be got.
	Key bool
	// CycleKeys are to be there.
	CycleKeys []CycleKey
	// Label claims as members of their groups, and take snapshots of groups.
	Label    []*Claim
	Snapshot []*GroupSnapshot
	// Streams are offered or begun.
	Streams []Stream
	// Unname has VolSync forget which image it was about to make of these claims.
	Unname []*Claim
	// Delete, and then create or update.
	Delete, Create, Update []client.Object
	// Expand makes claims that are received into as large as the primary's.
	Expand []v1alpha1.VolSyncDestination
	// Export makes the Services of these destinations known to the other cluster.
	Export []*volsyncv1alpha1.ReplicationDestination
	// DropKey takes the group's key away.
	DropKey bool
	// After is when to plan again, if nothing happens before; zero for no time in particular.
	After time.Duration
}

// CycleKey is the Secret with the key of a cycle.
type CycleKey struct {
	Secret string
	group  string
	cycle  cycle
}

type planner struct {
	*Facts
	Command
	now time.Time
	out Plan
	// receives are the destinations that shall be.
	receives map[string]bool
}

// MakePlan compares what there is with what shall be. It is pure: the same facts make the same plan.
func MakePlan(f *Facts, c Command, now time.Time) Plan {
	if !f.Present {
		return Plan{}
	}
	p := &planner{Facts: f, Command: c, now: now, receives: map[string]bool{}}
	p.freeMembers()
	if c.Leaving {
		p.leave()
		return p.out
	}
	p.removeOrphans()
	for i := range p.Claims {
		p.claim(&p.Claims[i])
	}
	p.sendGroups()
	p.receive()
	p.dismiss()
	p.out.Key = !p.Keyed && len(p.out.Create)+len(p.out.Update)+len(p.out.Streams)+len(p.Sources)+len(p.Destinations) > 0
	return p.out
}

// removeOrphans ends the sending of claims that are gone. Nothing holds a claim that no pod uses: it may be gone before it could be
// released, and would have its group wait for ever for what it still has to send. What was sent of it says nothing of a claim that
// was made anew by its name since.
func (p *planner) removeOrphans() {
	for name, rs := range p.Sources {
		if !slices.ContainsFunc(p.Claims, func(c Claim) bool { return c.Name == name && !c.madeAfter(rs) }) {
			p.remove(rs)
		}
	}
}

// madeAfter tells whether a source of the claim's name was made for another that had the name before.
func (c *Claim) madeAfter(rs *volsyncv1alpha1.ReplicationSource) bool {
	return rs != nil && c.Made.After(rs.CreationTimestamp.Time)
}

// leave takes away what was made. Claims that have their roles yet are released one by one, with what is theirs.
func (p *planner) leave() {
	claimed := map[string]bool{}
	for _, c := range p.Claims {
		claimed[c.Name] = c.Role != ""
	}
	for name, rd := range p.Destinations {
		if !claimed[name] {
			p.remove(rd)
		}
	}
	for name, rs := range p.Sources {
		if !claimed[name] {
			p.remove(rs)
		}
	}
	for _, s := range p.Snapshots {
		if ours(s, p.Group.String()) && !claimed[s.Annotations[annotationClaim]] {
			p.remove(s)
		}
	}
	for _, s := range p.GroupSnapshots {
		p.remove(s)
	}
	for _, c := range p.Copies {
		p.remove(c)
	}
	p.out.DropKey = len(p.Sources)+len(p.Destinations)+len(p.Claims) == 0
}

// claim has a claim's volume sent, or sent a last time, or not sent any more, as it was told.
func (p *planner) claim(c *Claim) {
	rs := p.Sources[c.Name]
	epoch, isFinal := finalEpoch(c.Role)
	switch {
	case c.madeAfter(rs):
	case c.Role == rolePrimary:
		if rd := p.Destinations[c.Name]; rd != nil {
			p.remove(rd)
			return
		}
		if c.Bound && c.Group == "" {
			p.sendVolume(c, 0)
		}
		if c.Bound && (c.Group == "" || p.Settled) {
			// Until all members of a group are restored, which images are of one point in time follows from all of theirs.
			p.dropImages(c.Name)
		}
	case isFinal && !p.GivingUp && !p.wanted(c.Name):
		if c.Group == "" {
			p.sendVolume(c, epoch)
		}
	case c.Role != "" && rs != nil:
		p.remove(rs)
	}
}

func (p *planner) copying() v1alpha1.VolSyncSpec {
	if p.Spec == nil {
		return v1alpha1.VolSyncSpec{}
	}
	return p.Spec.VolSyncSpec
}

// source is what sends a volume: as the hub says, or, while it is handed over, as it was sent before.
func (p *planner) source(c *Claim, before *volsyncv1alpha1.ReplicationSource, address string, s sending) *volsyncv1alpha1.ReplicationSource {
	rs := source(p.Group, *c, p.copying(), address, s.String())
	if c.Role != rolePrimary && before != nil && before.Spec.RsyncTLS != nil {
		tls := before.Spec.RsyncTLS
		rs.Spec.RsyncTLS.MoverConfig = tls.MoverConfig
		rs.Spec.RsyncTLS.CopyMethod, rs.Spec.RsyncTLS.VolumeSnapshotClassName = tls.CopyMethod, tls.VolumeSnapshotClassName
	}
	rs.Spec.RsyncTLS.KeySecret = ptr.To(p.key(c.sentBy(), s.cycle))
	rs.Annotations[annotationGroup] = c.sentBy()
	return rs
}

// tell has a source send something, which it may be doing already.
func (p *planner) tell(rs, to *volsyncv1alpha1.ReplicationSource) {
	switch {
	case !rs.DeletionTimestamp.IsZero():
	case trigger(rs) == trigger(to):
		p.update(rs, to)
	default:
		p.turnSource(rs, to)
	}
	if at, mayAsk := asksAt(rs); mayAsk {
		p.over(at)
	}
}

// turnSource has a source go on with another cycle. One that is under way is paused first, so that what it was doing does not
// count as the other.
func (p *planner) turnSource(rs, to *volsyncv1alpha1.ReplicationSource) {
	updated := rs.DeepCopy()
	switch {
	case idle(rs) || rs.Spec.Paused && p.Quiet[rs.UID]:
		updated.Spec = to.Spec
		updated.Annotations = maps.Clone(rs.Annotations)
		maps.Copy(updated.Annotations, to.Annotations)
	case rs.Spec.Paused:
		p.again(p.now.Add(quietEvery))
		return
	default:
		updated.Spec.Paused = true
	}
	p.out.Update = append(p.out.Update, updated)
}

// hasArrivedOf is how much of a stream has arrived, if the hub says so.
func (p *planner) hasArrivedOf(name, stream string) (int64, bool) {
	if p.Spec != nil {
		for _, g := range p.Spec.Arrived {
			if g.Name == name && g.Stream == stream {
				return g.Cycle, true
			}
		}
	}
	return 0, false
}

func addressOf(rs *volsyncv1alpha1.ReplicationSource) string {
	if rs == nil || rs.Spec.RsyncTLS == nil || rs.Spec.RsyncTLS.Address == nil {
		return ""
	}
	return *rs.Spec.RsyncTLS.Address
}

func (p *planner) update(rs, wanted *volsyncv1alpha1.ReplicationSource) {
	if equality.Semantic.DeepEqual(rs.Spec, wanted.Spec) {
		return
	}
	updated := rs.DeepCopy()
	updated.Spec = wanted.Spec
	p.out.Update = append(p.out.Update, updated)
}

func (p *planner) dropImages(claim string) {
	for _, s := range p.images(claim) {
		p.remove(s)
	}
}

func (p *planner) remove(object client.Object) {
	if object.GetDeletionTimestamp().IsZero() {
		p.out.Delete = append(p.out.Delete, object)
	}
}

// over tells whether it is that time, and else has the plan made again then.
func (p *planner) over(at time.Time) bool {
	if p.now.Before(at) {
		p.again(at)
		return false
	}
	return true
}

func (p *planner) again(at time.Time) {
	after := max(at.Sub(p.now), time.Millisecond)
	if p.out.After == 0 || after < p.out.After {
		p.out.After = after
	}
}
