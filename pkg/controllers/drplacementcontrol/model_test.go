// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

// world is a hub that stores objects and decides on caches that lag, and two agents that act and report when they get to.
// Every step of it is one thing that can happen; the invariants are checked at each write.
type world struct {
	t      *testing.T
	random *rand.Rand
	trace  []string

	now       time.Time
	version   int64
	placement *v1alpha1.DRPlacementControl
	groups    map[string]*v1alpha1.VolumeReplicationGroup
	// caches hold what the hub's controllers last saw.
	cachedPlacement *v1alpha1.DRPlacementControl
	cachedGroups    map[string]*v1alpha1.VolumeReplicationGroup
	connected       map[string]bool
	agents          map[string]*agent

	primaryOf map[int64]string
	issued    map[int64]v1alpha1.HandoverToken
}

var bothClusters = []string{builder.DR1, builder.DR2}

func newWorld(t *testing.T, seed int64) *world {
	w := &world{
		t: t, random: rand.New(rand.NewSource(seed)), now: time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC),
		placement:    builder.DRPC("shop", "shop").Obj(),
		groups:       map[string]*v1alpha1.VolumeReplicationGroup{},
		cachedGroups: map[string]*v1alpha1.VolumeReplicationGroup{},
		connected:    map[string]bool{builder.DR1: true, builder.DR2: true},
		agents:       map[string]*agent{},
		primaryOf:    map[int64]string{},
		issued:       map[int64]v1alpha1.HandoverToken{},
	}
	for _, cluster := range bothClusters {
		w.agents[cluster] = &agent{cluster: cluster}
	}
	w.bump(&w.placement.ObjectMeta)
	return w
}

func (w *world) bump(m *metav1.ObjectMeta) {
	w.version++
	m.ResourceVersion = fmt.Sprint(w.version)
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	for _, line := range w.trace {
		w.t.Log(line)
	}
	w.t.Fatalf(format, args...)
}

// refreshCaches lets the hub's caches catch up with some or all objects.
func (w *world) refreshCaches(all bool) {
	if all || w.random.Intn(2) == 0 {
		w.cachedPlacement = w.placement.DeepCopy()
	}
	for _, cluster := range bothClusters {
		if all || w.random.Intn(2) == 0 {
			w.cachedGroups[cluster] = w.groups[cluster].DeepCopy()
		}
	}
}

func (w *world) facts(placement *v1alpha1.DRPlacementControl, groups map[string]*v1alpha1.VolumeReplicationGroup) Facts {
	f := Facts{
		Now: w.now, Placement: placement.DeepCopy(), Policy: builder.DRPolicy(builder.PolicyName).Obj(),
		Clusters: map[string]Cluster{}, Groups: map[string]*v1alpha1.VolumeReplicationGroup{},
	}
	for _, cluster := range bothClusters {
		f.Clusters[cluster] = Cluster{ClusterFacts: w.clusterFacts(cluster), S3Profile: "s3-" + cluster}
		if groups[cluster] != nil {
			f.Groups[cluster] = groups[cluster].DeepCopy()
		}
	}
	return f
}

func (w *world) clusterFacts(cluster string) action.ClusterFacts {
	return action.ClusterFacts{Exists: true, Connected: w.connected[cluster], LastHeartbeat: w.now}
}

// reconcile decides on the caches and carries the decision out, dying after so many writes.
func (w *world) reconcile(writes int) {
	if w.cachedPlacement == nil {
		return
	}
	d := Decide(w.facts(w.cachedPlacement, w.cachedGroups))
	w.note("reconcile: status changed %v, create %d, update %d, dies after %d writes", d.StatusChanged, len(d.Create), len(d.Update), writes)
	if d.StatusChanged {
		if writes == 0 || !w.writeStatus(w.cachedPlacement.ResourceVersion, d.Status) {
			return
		}
		writes--
	}
	for _, group := range d.Update {
		if writes == 0 || !w.writeGroup(group) {
			return
		}
		writes--
	}
	for _, group := range d.Create {
		if writes == 0 || !w.writeGroup(group) {
			return
		}
		writes--
	}
}

func (w *world) writeStatus(seen string, status v1alpha1.DRPlacementControlStatus) bool {
	if w.placement.ResourceVersion != seen {
		return false
	}
	if status.Epoch < w.placement.Status.Epoch {
		w.fail("the placement's epoch went from %d to %d", w.placement.Status.Epoch, status.Epoch)
	}
	before, after := w.placement.Status.CurrentAction, status.CurrentAction
	if before != nil && after != nil && before.Name == after.Name && action.Ended(before) && !action.Ended(after) {
		w.fail("an action that had ended began again")
	}
	w.placement.Status = *status.DeepCopy()
	w.bump(&w.placement.ObjectMeta)
	return true
}

// writeGroup checks the invariants that every command to an agent has to keep.
func (w *world) writeGroup(group *v1alpha1.VolumeReplicationGroup) bool {
	cluster, spec := group.Spec.ClusterName, group.Spec
	stored := w.groups[cluster]
	if (stored == nil) != (group.ResourceVersion == "") || stored != nil && stored.ResourceVersion != group.ResourceVersion {
		return false
	}
	w.note("command %s: %s/%s in epoch %d", cluster, spec.ReplicationState, spec.Action, spec.Epoch)
	if stored != nil && spec.Epoch < max(stored.Spec.Epoch, stored.Status.Epoch) {
		w.fail("%s was driven back to epoch %d", cluster, spec.Epoch)
	}
	if spec.ReplicationState == v1alpha1.Primary {
		w.checkPrimary(cluster, spec)
	}
	updated := group.DeepCopy()
	if stored != nil {
		updated.Status, updated.Generation = stored.Status, stored.Generation
		if !equality.Semantic.DeepEqual(stored.Spec, updated.Spec) {
			updated.Generation++
		}
	} else {
		updated.Generation = 1
	}
	w.bump(&updated.ObjectMeta)
	w.groups[cluster] = updated
	return true
}

func (w *world) checkPrimary(cluster string, spec v1alpha1.VolumeReplicationGroupSpec) {
	if other, taken := w.primaryOf[spec.Epoch]; taken && other != cluster {
		w.fail("both %s and %s were commanded to be primary in epoch %d", other, cluster, spec.Epoch)
	}
	w.primaryOf[spec.Epoch] = cluster
	if w.placement.Status.PrimaryCluster != cluster || w.placement.Status.Epoch != spec.Epoch {
		w.fail("%s was commanded to be primary in epoch %d before the placement's status said so", cluster, spec.Epoch)
	}
	if spec.Action != v1alpha1.VRGActionFailover && spec.Action != v1alpha1.VRGActionRelocate {
		return
	}
	if record := w.placement.Status.CurrentAction; record == nil || !action.PastPointOfNoReturn(record) {
		w.fail("%s was commanded to take over before the point of no return was stored", cluster)
	}
	if source := w.agents[w.placement.Status.CurrentAction.Spec.SourceCluster]; source.writable &&
		len(w.placement.Status.CurrentAction.Spec.Acknowledgements) == 0 {
		w.fail("%s was commanded to take over while %s writes, and nobody acknowledged that it may", cluster, source.cluster)
	}
	if spec.Action == v1alpha1.VRGActionRelocate {
		issued, ok := w.issued[spec.Epoch]
		if !ok || spec.HandoverToken == nil || spec.HandoverToken.Digest != issued.Digest {
			w.fail("%s was commanded to take over in a relocate without the token of epoch %d", cluster, spec.Epoch)
		}
	}
}

// request is a person's wish, judged by what is stored as the verbs do it.
func (w *world) request(r action.Request) {
	placement := w.placement.DeepCopy()
	f := action.Facts{
		Now: w.now, Placement: placement, Policy: builder.DRPolicy(builder.PolicyName).Obj(),
		Clusters: map[string]action.ClusterFacts{}, Groups: map[string]*v1alpha1.VolumeReplicationGroup{},
	}
	for _, cluster := range bothClusters {
		f.Clusters[cluster] = w.clusterFacts(cluster)
		if w.groups[cluster] != nil {
			f.Groups[cluster] = w.groups[cluster]
		}
	}
	record := action.Preflight(f, r)
	if refusal := action.Refusal(record); refusal != nil {
		return
	}
	action.Accept(placement, record)
	w.note("accepted %s (%+v)", record.Name, r)
	w.writeStatus(w.placement.ResourceVersion, placement.Status)
}

func (w *world) abort() {
	placement := w.placement.DeepCopy()
	if err := action.Abort(placement, "somebody", "", w.now); err == nil {
		w.note("abort")
		w.writeStatus(w.placement.ResourceVersion, placement.Status)
	}
}

// settle lets everything come back and everything that is on its way arrive.
func (w *world) settle() {
	w.note("settle")
	for range 60 {
		for _, cluster := range bothClusters {
			w.connected[cluster] = true
			w.agents[cluster].act(w)
			w.agents[cluster].report(w)
		}
		w.now = w.now.Add(time.Second)
		w.refreshCaches(true)
		w.reconcile(-1)
	}
}

// checkSettled checks that everything has come to its end.
func (w *world) checkSettled() {
	if action.Running(w.placement) {
		w.fail("action %s has not ended: %+v", w.placement.Status.CurrentAction.Name, w.placement.Status.CurrentAction.Status)
	}
	primary := w.placement.Status.PrimaryCluster
	for _, cluster := range bothClusters {
		want := v1alpha1.SecondaryState
		if cluster == primary {
			want = v1alpha1.PrimaryState
		}
		if !action.Confirms(w.groups[cluster], want, w.placement.Status.Epoch) {
			w.fail("%s does not confirm %s in epoch %d: %+v", cluster, want, w.placement.Status.Epoch, w.groups[cluster])
		}
	}
	for _, conditionType := range []string{v1alpha1.ConditionAvailable, v1alpha1.ConditionPeerReady, v1alpha1.ConditionProtected} {
		if !meta.IsStatusConditionTrue(w.placement.Status.Conditions, conditionType) {
			w.fail("%s is not True: %+v", conditionType, w.placement.Status.Conditions)
		}
	}
	d := Decide(w.facts(w.placement, w.groups))
	if d.StatusChanged || len(d.Create)+len(d.Update)+len(d.Delete)+len(d.Release) > 0 || d.RequeueAfter > 0 {
		w.fail("a decision on a settled world still wants something: %+v", d)
	}
}

// step lets one thing happen.
func (w *world) step() {
	cluster := bothClusters[w.random.Intn(2)]
	switch w.random.Intn(14) {
	case 0, 1, 2:
		w.refreshCaches(false)
	case 3, 4, 5:
		w.reconcile(w.random.Intn(5) - 1)
	case 6, 7, 8:
		w.agents[cluster].act(w)
	case 9, 10:
		w.agents[cluster].report(w)
	case 11:
		w.agents[cluster].repeatReport(w)
	case 12:
		w.connected[cluster] = !w.connected[cluster]
		w.note("%s connected: %v", cluster, w.connected[cluster])
	case 13:
		w.person()
	}
	w.now = w.now.Add(time.Second)
}

func (w *world) person() {
	target := bothClusters[w.random.Intn(2)]
	r := action.Request{Type: v1alpha1.ActionRelocate, TargetCluster: target}
	switch w.random.Intn(4) {
	case 0:
		w.abort()
		return
	case 1:
		r.Type, r.Force = v1alpha1.ActionFailover, true
	case 2:
		r.Type, r.Force = v1alpha1.ActionFailover, true
		r.Acknowledgements = []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite}
	}
	w.request(r)
}

func TestInvariantsHoldWhateverHappens(t *testing.T) {
	worlds := 400
	if testing.Short() {
		worlds = 50
	}
	results := map[string]int{}
	for seed := range worlds {
		w := newWorld(t, int64(seed))
		for range 30 {
			w.refreshCaches(true)
			w.reconcile(-1)
			for _, cluster := range bothClusters {
				w.agents[cluster].act(w)
				w.agents[cluster].report(w)
			}
		}
		for range 250 {
			w.step()
			if record := w.placement.Status.CurrentAction; record != nil && action.Ended(record) {
				c := meta.FindStatusCondition(record.Status.Conditions, v1alpha1.ConditionComplete)
				results[string(record.Spec.Type)+c.Reason]++
			}
		}
		w.settle()
		w.checkSettled()
	}
	for _, wanted := range []string{"FailoverSucceeded", "RelocateSucceeded", "FailoverAborted", "RelocateAborted"} {
		if results[wanted] == 0 {
			t.Errorf("no world came to %s: %v", wanted, results)
		}
	}
}
