// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const (
	together     = "shop-together"
	syncInterval = time.Minute
)

// job is a mover of the model.
type job struct {
	key, claim string
	content    int
	paused     bool
	done       bool
}

// side is one cluster of the model, with VolSync and the storage in it.
type side struct {
	facts Facts
	keys  map[string]string
	jobs  map[types.UID]*job
	// holds is what claims and snapshots hold.
	holds map[string]int
	// points are what VolSync has snapshotted of volumes that are sent by themselves, for what their sources are at.
	points map[types.UID]int
	uids   int
}

func newSide(name string) *side {
	f := there()
	f.Group = types.NamespacedName{Namespace: "shop", Name: name}
	f.Copies, f.Quiet = map[string]*corev1.PersistentVolumeClaim{}, map[types.UID]bool{}
	return &side{facts: *f, keys: map[string]string{}, jobs: map[types.UID]*job{}, holds: map[string]int{}, points: map[types.UID]int{}}
}

// ahead is how much the clock of the cluster is ahead where volumes are received.
const ahead = 90 * time.Second

// model is two clusters that replicate volumes, and the hub between them.
type model struct {
	t        *testing.T
	random   *rand.Rand
	now      time.Time
	from, to *side
	// written is what the application has written to all of its volumes, and since when each of it.
	written int
	since   []time.Time
	// sent and received are what the clusters have told the hub, and known up to when that takes the peer to have everything.
	sent, received v1alpha1.VolumeReplicationGroup
	known          *metav1.Time
	spec           v1alpha1.VRGVolSyncSpec
	told           v1alpha1.VRGVolSyncSpec
	role           string
	// joined is when claims became members, synced up to when their sources said last that the peer has their data.
	joined, synced map[string]time.Time
}

func newModel(t *testing.T, seed uint64, claims ...string) *model {
	m := &model{t: t, random: rand.New(rand.NewPCG(seed, 1)), now: noon, from: newSide("shop.dr1"), to: newSide("shop.dr2"), role: rolePrimary,
		since: []time.Time{noon}, joined: map[string]time.Time{}, synced: map[string]time.Time{}}
	for _, name := range claims {
		m.join(name)
	}
	return m
}

// alone are the volumes that are sent by themselves.
func alone(name string) bool { return strings.HasPrefix(name, "alone") }

func (m *model) join(name string) {
	m.joined[name] = m.now
	c := Claim{Name: name, Role: m.role, Bound: true, SnapshotClass: "snap", StorageClass: "fast", Capacity: resource.MustParse("1Gi")}
	if !alone(name) {
		c.Group, c.GroupSnapshotClass = together, "together"
	}
	m.from.facts.Claims = append(m.from.facts.Claims, c)
}

func (m *model) write() {
	m.written++
	m.since = append(m.since, m.now)
}

// leave takes a claim out, as its release does, or without one: then the plan is to end what it sends.
func (m *model) leave(name string) {
	f := &m.from.facts
	f.Claims = slices.DeleteFunc(f.Claims, func(c Claim) bool { return c.Name == name })
	if rs := f.Sources[name]; rs != nil && m.random.IntN(2) == 0 {
		delete(m.from.jobs, rs.UID)
		delete(f.Sources, name)
	}
}

// apply carries out parts of a plan, as an agent does that may be killed at any time.
func (s *side) apply(m *model, p Plan, whole bool) {
	some := func() bool { return whole || m.random.IntN(4) > 0 }
	for _, k := range p.CycleKeys {
		s.keys[k.Secret] = deriveKey("secret", k.group, k.cycle)
	}
	for _, o := range p.Delete {
		if some() {
			s.drop(o)
		}
	}
	for _, c := range p.Label {
		if some() {
			i := slices.IndexFunc(s.facts.Claims, func(o Claim) bool { return o.Name == c.Name })
			s.facts.Claims[i].Label = c.Group
		}
	}
	for _, g := range p.Snapshot {
		if some() {
			s.born(g)
			g.SetCreationTimestamp(metav1.NewTime(m.now))
			s.facts.GroupSnapshots = append(s.facts.GroupSnapshots, g)
		}
	}
	for _, o := range append(p.Create, p.Update...) {
		if some() {
			s.put(m, o)
		}
	}
	for _, stream := range p.Streams {
		i := slices.IndexFunc(s.facts.Claims, func(c Claim) bool { return c.Name == stream.Claim.Name })
		s.facts.Claims[i].Stream, s.facts.Claims[i].Begun = stream.name, stream.source != nil
		if stream.source != nil && some() {
			s.put(m, stream.source)
		}
	}
}

func (s *side) born(o client.Object) {
	if o.GetUID() == "" {
		s.uids++
		o.SetUID(types.UID(fmt.Sprintf("uid-%d", s.uids)))
	}
}

func (s *side) put(m *model, o client.Object) {
	s.born(o)
	switch o := o.(type) {
	case *volsyncv1alpha1.ReplicationSource:
		s.facts.Sources[o.Name] = o
	case *volsyncv1alpha1.ReplicationDestination:
		s.facts.Destinations[o.Name] = o
	case *snapshotv1.VolumeSnapshot:
		s.facts.Snapshots[o.Name] = o
	case *corev1.PersistentVolumeClaim:
		s.facts.Copies[o.Name] = o
		s.holds[o.Name] = s.holds[o.Spec.DataSourceRef.Name]
	default:
		m.t.Fatalf("%T", o)
	}
}

func (s *side) drop(o client.Object) {
	switch o := o.(type) {
	case *volsyncv1alpha1.ReplicationSource:
		delete(s.facts.Sources, o.Name)
		delete(s.jobs, o.UID)
	case *volsyncv1alpha1.ReplicationDestination:
		delete(s.facts.Destinations, o.Name)
		delete(s.jobs, o.UID)
	case *snapshotv1.VolumeSnapshot:
		delete(s.facts.Snapshots, o.Name)
	case *corev1.PersistentVolumeClaim:
		delete(s.facts.Copies, o.Name)
	case *GroupSnapshot:
		s.facts.GroupSnapshots = slices.DeleteFunc(s.facts.GroupSnapshots, func(g *GroupSnapshot) bool { return g.GetUID() == o.GetUID() })
		maps.DeleteFunc(s.facts.Snapshots, func(_ string, v *snapshotv1.VolumeSnapshot) bool { return ownedByUID(v, o.GetUID()) })
	}
}

// hub carries what each cluster says to the other, as each said it last.
func (m *model) hub() {
	if m.random.IntN(2) == 0 {
		m.sent.Status = m.reportSent()
	}
	if m.random.IntN(2) == 0 {
		m.received.Status.VolSync = &v1alpha1.VRGVolSyncStatus{Groups: m.to.facts.Arrived(&m.told)}
		for _, r := range m.to.facts.Received(&m.told) {
			m.received.Status.VolSync.Destinations = append(m.received.Status.VolSync.Destinations, r.VolSyncDestinationStatus)
		}
	}
	if m.sent.Status.VolSync == nil || m.received.Status.VolSync == nil {
		return
	}
	m.told, m.spec = v1alpha1.VRGVolSyncSpec{}, v1alpha1.VRGVolSyncSpec{}
	for _, g := range m.sent.Status.VolSync.Groups {
		if g.Stream != "" {
			m.told.Groups = append(m.told.Groups, v1alpha1.VolSyncGroup{Name: g.Name, Stream: g.Stream, Members: g.Members})
		}
		arrived := action.SentAsOne(&m.received, g.Name)
		if arrived.Stream == g.Stream && g.Asking && arrived.Cycle != g.Cycle {
			m.spec.Arrived = append(m.spec.Arrived, arrived.VolSyncGroup)
		}
	}
	for _, row := range m.sent.Status.ProtectedPVCs {
		m.told.Destinations = append(m.told.Destinations, v1alpha1.VolSyncDestination{
			Name: row.Name, Group: row.ConsistencyGroup, Capacity: resource.MustParse("1Gi"), StorageClassName: "fast"})
	}
	for _, r := range m.received.Status.VolSync.Destinations {
		if r.Address != "" {
			m.spec.Sources = append(m.spec.Sources, v1alpha1.VolSyncSource{Name: r.Name, Address: r.Address})
		}
	}
	m.known = action.SyncPoint(&m.sent, &m.received, m.known)
}

// reportSent is what the primary says: of each volume up to when the peer has been sent it, and of what is sent as one, how far it is.
func (m *model) reportSent() v1alpha1.VolumeReplicationGroupStatus {
	f := &m.from.facts
	status := v1alpha1.VolumeReplicationGroupStatus{VolSync: &v1alpha1.VRGVolSyncStatus{Groups: f.Sent(m.now)}}
	first, all := metav1.NewTime(m.now.Add(time.Hour)), true
	for _, c := range f.Claims {
		row := v1alpha1.ProtectedPVC{Name: c.Name, ConsistencyGroup: c.Group, ReplicationMethod: v1alpha1.MethodVolSync}
		if c.Group != "" {
			row.ReplicationMethod = v1alpha1.MethodVolSyncGroup
		}
		if rs := f.Sources[c.Name]; rs != nil && alone(c.Name) {
			row.LastSyncTime = reportPrimary(rs, nil).LastSyncTime
		} else if rs != nil {
			row.LastSyncTime = f.syncedSince(rs)
		}
		if row.LastSyncTime == nil {
			all = false
		} else if row.LastSyncTime.Before(&first) {
			first = *row.LastSyncTime
		}
		status.ProtectedPVCs = append(status.ProtectedPVCs, row)
	}
	if all {
		status.LastGroupSyncTime = &first
	}
	return status
}

func (s *side) observeQuiet() {
	clear(s.facts.Quiet)
	for _, rs := range s.facts.Sources {
		j := s.jobs[rs.UID]
		s.facts.Quiet[rs.UID] = rs.Spec.Paused && (j == nil || j.paused && !j.done)
	}
	for _, rd := range s.facts.Destinations {
		j := s.jobs[rd.UID]
		s.facts.Quiet[rd.UID] = rd.Spec.Paused && (j == nil || j.paused && !j.done)
	}
}

func (m *model) agents(whole bool) {
	for i := range m.from.facts.Claims {
		m.from.facts.Claims[i].Role = m.role
	}
	m.from.observeQuiet()
	m.from.apply(m, MakePlan(&m.from.facts, Command{Spec: &m.spec, Interval: syncInterval, Settled: true}, m.now), whole)
	m.check()
	m.to.observeQuiet()
	m.to.apply(m, MakePlan(&m.to.facts, Command{Spec: &m.told, Interval: syncInterval, Receiving: true}, m.now), whole)
	m.check()
}

// step is one thing that happens.
func (m *model) step() {
	m.now = m.now.Add(time.Duration(m.random.IntN(2000)) * time.Millisecond)
	switch m.random.IntN(8) {
	case 0:
		m.write()
	case 1:
		m.storage()
	case 2:
		m.volsyncFrom()
	case 3:
		m.volsyncTo()
	case 4:
		m.transfer()
	case 5:
		m.hub()
	default:
		m.agents(false)
	}
	m.checkSynced()
	m.checkTold()
	m.checkKnown()
}

// disturb is what people and failures do meanwhile.
func (m *model) disturb(turn int) {
	switch m.random.IntN(7) {
	case 0:
		m.join(fmt.Sprintf("late-%d", turn))
	case 5:
		m.join(fmt.Sprintf("alone-%d", turn))
	case 6:
		for name, rs := range m.from.facts.Sources {
			if alone(name) {
				rs.Spec.Trigger.Manual = fmt.Sprintf("by-hand-%d", turn)
			}
		}
	case 1:
		if claims := m.from.facts.Claims; len(claims) > 2 {
			m.leave(claims[m.random.IntN(len(claims))].Name)
		}
	case 2:
		for _, g := range slices.Clone(m.from.facts.GroupSnapshots) {
			m.from.drop(g)
		}
	case 3:
		for _, name := range slices.Sorted(maps.Keys(m.from.facts.Sources)) {
			m.from.drop(m.from.facts.Sources[name])
			clear(m.synced) // it may have been the only one on which was noted what was sent
			break
		}
	case 4:
		for _, name := range slices.Sorted(maps.Keys(m.to.facts.Destinations)) {
			m.to.drop(m.to.facts.Destinations[name])
			break
		}
	}
}

func TestWhatArrivesIsWhatItIsTakenForAndOfAGroupOfOnePointInTimeWhateverHappens(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			m := newModel(t, seed, "a", "b", "c", "alone")
			for turn := range 400 {
				m.step()
				if turn%40 == 39 {
					m.disturb(turn)
				}
			}
			m.arrives()
		})
	}
}
