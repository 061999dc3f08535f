// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

var (
	now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	key = types.NamespacedName{Namespace: "shop", Name: "shop.dr1"}
)

const epoch = 5

// world is a set of facts under construction: a group on dr1 whose checkpoint has accepted its command.
type world struct{ *Facts }

func command(state v1alpha1.ReplicationState, action v1alpha1.VRGAction) world {
	group := &v1alpha1.VolumeReplicationGroup{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: key.Namespace, Name: key.Name, UID: "uid", Generation: 7,
			Labels: map[string]string{v1alpha1.LabelDRPlacementControl: "shop"},
		},
		Spec: v1alpha1.VolumeReplicationGroupSpec{
			ClusterName: "dr1", ReplicationState: state, Action: action, Epoch: epoch,
			S3Profiles:  []string{"s3-dr1", "s3-dr2"},
			PVCSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}},
			Async:       &v1alpha1.VRGAsyncSpec{SchedulingInterval: "1m"},
		},
	}
	c := &checkpoint.Checkpoint{
		Namespace: key.Namespace, Name: key.Name, UID: "uid", CaptureName: "shop", PeersRequired: true, Generation: 7,
		Spec:    group.Spec,
		History: []checkpoint.Role{{Epoch: epoch, State: state, Action: action}},
		Settled: state == v1alpha1.Primary && action == "",
	}
	if state == v1alpha1.Secondary && action != "" {
		c.History = append([]checkpoint.Role{{Epoch: epoch - 1, State: v1alpha1.Primary}}, c.History...)
	}
	return world{&Facts{
		Now: now, Cluster: "dr1", Key: key, Group: group, Checkpoint: c, Turn: true,
		Refreshed: map[types.NamespacedName]Attempt{},
	}}
}

func (w world) settled() world {
	w.Checkpoint.Settled = true
	return w
}

func (w world) with(volumes ...Volume) world {
	w.Volumes = append(w.Volumes, volumes...)
	return w
}

func (w world) stopped() world {
	w.Stop = StopFacts{Done: true}
	return w
}

// unanswered has a volume not be, for a while, what it was told to be.
func (w world) unanswered(name string, age time.Duration) world {
	w.Unanswered = map[types.NamespacedName]time.Time{{Namespace: key.Namespace, Name: name}: now.Add(-age)}
	return w
}

func (w world) asked(name string, count int, age time.Duration) world {
	w.Refreshed[types.NamespacedName{Namespace: key.Namespace, Name: name}] = Attempt{Count: count, Last: now.Add(-age)}
	return w
}

func (w world) captured(age time.Duration, profiles ...string) world {
	w.Checkpoint.LastCapture = &checkpoint.Capture{
		CaptureReference: v1alpha1.CaptureReference{ID: "c", Epoch: epoch, Time: metav1.NewTime(now.Add(-age)), S3Profiles: profiles},
		Digest:           "digest", Volumes: VolumesWord(w.Members()),
	}
	return w
}

func (w world) finallyCaptured() world {
	w.captured(time.Second, "s3-dr1").Checkpoint.LastCapture.Quiesced = true
	return w
}

// restored is a restore whose volumes are in place.
func (w world) restored(names ...string) world {
	found := &archive.Found{Capture: archive.Capture{Ref: archive.Ref{Epoch: epoch - 1, ID: "c"}}, Profile: "s3-dr2"}
	for _, name := range names {
		found.Content.Volumes = append(found.Content.Volumes, archive.Volume{PVC: claim(name)})
	}
	w.Restore = RestoreFacts{Found: found, Volumes: true}
	return w
}

func claim(name string) corev1.PersistentVolumeClaim {
	return corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: name}}
}

// vol is a claim that is bound, selected, the group's, and not replicated yet.
func vol(name string, edits ...func(*Volume)) Volume {
	pvc := claim(name)
	v := Volume{
		Volume: replication.Volume{PVC: &pvc, PV: &corev1.PersistentVolume{
			ObjectMeta: metav1.ObjectMeta{Name: "pv-" + name},
			Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: corev1.PersistentVolumeSource{
				CSI: &corev1.CSIPersistentVolumeSource{Driver: "sim", VolumeHandle: "handle-" + name},
			}},
		}},
		Selected: true, Owner: key.String(), Claimed: true, Class: "fast",
	}
	for _, edit := range edits {
		edit(&v)
	}
	return v
}

func unclaimed(v *Volume)  { v.Owner, v.Claimed = "", false }
func foreign(v *Volume)    { v.Owner, v.Claimed, v.Foreign = "shop/other", false, true }
func deselected(v *Volume) { v.Selected = false }
func deleted(v *Volume)    { v.PVC.DeletionTimestamp = &metav1.Time{Time: now} }
func unbound(v *Volume) {
	v.PV, v.Claimed, v.Class = nil, false, ""
	v.Problem = &replication.Problem{Reason: "NotBound", Message: "PersistentVolumeClaim shop/" + v.PVC.Name + " is not bound"}
}
func by(method v1alpha1.ReplicationMethod) func(*Volume) {
	return func(v *Volume) { v.Method = method }
}
func left(v *Volume) { v.Copy = true }
func used(v *Volume) { v.Users = []string{"Pod shop/writer"} }
func classless(v *Volume) {
	v.Class, v.Claimed, v.Owner = "", false, ""
	v.Problem = &replication.Problem{Reason: "NoReplicationClass", Message: "PersistentVolumeClaim shop/" + v.PVC.Name + " has no class"}
}

func classGone(v *Volume) {
	v.Class, v.Problem = "", &replication.Problem{Reason: "NoReplicationClass", Message: "PersistentVolumeClaim shop/" + v.PVC.Name + " has no class"}
}
func byVolSync(v *Volume) { v.Method = v1alpha1.MethodVolSync }
func promoted(v *Volume) {
	v.State = &replication.State{
		Wanted: replication.Primary, Role: replication.Primary, Reported: replication.Primary, Since: now.Add(-time.Hour),
		LastSyncTime: &metav1.Time{Time: now.Add(-10 * time.Second)},
	}
}
func promoting(v *Volume) { v.State = &replication.State{Wanted: replication.Primary} }
func lookedAt(v *Volume) {
	promoted(v)
	v.State.Role = ""
}
func neverSynced(v *Volume) {
	promoted(v)
	v.State.LastSyncTime = nil
}
func overdue(v *Volume) {
	promoted(v)
	v.State.LastSyncTime = &metav1.Time{Time: now.Add(-3 * time.Minute)}
}
func demoting(v *Volume) { v.State = &replication.State{Wanted: replication.Secondary} }
func behind(v *Volume) {
	v.State = &replication.State{Wanted: replication.Secondary, Role: replication.Secondary, Reported: replication.Secondary, Since: now.Add(-time.Hour)}
}
func keeping(v *Volume) {
	inSync(v)
	v.State.Keeps = true
}
func held(v *Volume) {
	behind(v)
	v.State.Keeps = true
}
func inSync(v *Volume) {
	behind(v)
	v.State.InSync = true
}
func ending(v *Volume) {
	promoted(v)
	v.State.Ending = true
}

// words put a decision into words, so that tables can say what they want: everything that is to be done, sorted.
func words(d Decision) []string {
	var out []string
	flag := func(word string, set bool) {
		if set {
			out = append(out, word)
		}
	}
	list := func(word string, volumes []*Volume) {
		for _, v := range volumes {
			out = append(out, word+" "+v.PVC.Name)
		}
	}
	flag("save", d.Save != nil)
	flag("wait", d.Wait)
	flag("quiesce", d.Quiesce)
	flag("remember", d.Remember)
	list("claim", d.Claim)
	list("promote", d.Promote)
	if d.How == replication.Resync {
		list("demote and resync", d.Demote)
	} else {
		list("demote", d.Demote)
	}
	list("refresh", d.Refresh)
	list("copy", d.Copies)
	list("end", d.End)
	list("release", d.Release)
	flag("restore volumes", d.RestoreVolumes)
	flag("restore objects", d.RestoreObjects)
	flag("resume", d.Resume)
	flag("capture", d.Capture)
	flag("clear", d.Clear)
	flag("settle", d.Settle != nil)
	flag("forget", d.Forget)
	slices.Sort(out)
	return out
}

// says tells whether a report has a condition as in "DataReady=False NoPVCs app=shop": type, status, reason, and a part of
// the message.
func says(d Decision, want string) bool {
	head, rest, _ := strings.Cut(want, " ")
	reason, part, _ := strings.Cut(rest, " ")
	conditionType, conditionStatus, _ := strings.Cut(head, "=")
	c, found := d.Report.Conditions[conditionType]
	return found && string(c.Status) == conditionStatus && (reason == "" || reason == c.Reason) && strings.Contains(c.Message, part)
}

type row struct {
	world world
	does  []string
	state v1alpha1.VolumeReplicationGroupState
	says  []string
}

func run(t *testing.T, rows map[string]row) {
	t.Helper()
	for name, tc := range rows {
		t.Run(name, func(t *testing.T) {
			d := Decide(tc.world.Facts)
			slices.Sort(tc.does)
			if got := words(d); !slices.Equal(got, tc.does) {
				t.Errorf("does %q, want %q", got, tc.does)
			}
			if tc.state == "" {
				return
			}
			if d.Report == nil {
				t.Fatal("no report")
			}
			if d.Report.State != tc.state {
				t.Errorf("state %s, want %s", d.Report.State, tc.state)
			}
			for _, want := range tc.says {
				if !says(d, want) {
					t.Errorf("does not say %q but %+v", want, d.Report.Conditions)
				}
			}
		})
	}
}

func primaryWorld() world { return command(v1alpha1.Primary, "") }
func failedOver() world   { return command(v1alpha1.Primary, v1alpha1.VRGActionFailover) }
func givingWay() world    { return command(v1alpha1.Secondary, v1alpha1.VRGActionFailover) }
func handingOver() world  { return command(v1alpha1.Secondary, v1alpha1.VRGActionRelocate) }
func standingBy() world   { return command(v1alpha1.Secondary, "") }
func takingBack() world   { return command(v1alpha1.Primary, v1alpha1.VRGActionAbort) }

// edit changes what is known in a world.
func edit(w world, edits ...func(*Facts)) world {
	for _, f := range edits {
		f(w.Facts)
	}
	return w
}

func fullyCaptured(w world) world { return w.captured(time.Minute, "s3-dr1", "s3-dr2") }

func TestACommandIsMadeDurableBeforeAnythingIsDone(t *testing.T) {
	for _, state := range []v1alpha1.ReplicationState{v1alpha1.Primary, v1alpha1.Secondary} {
		for _, action := range []v1alpha1.VRGAction{"", v1alpha1.VRGActionFailover} {
			w := command(state, action).with(vol("a", unclaimed))
			w.Checkpoint = nil
			if got := words(Decide(w.Facts)); !slices.Equal(got, []string{"save"}) {
				t.Errorf("%s %s: %q", state, action, got)
			}
		}
	}
}

func TestARefusedCommandLeavesTheAgentAtWorkOnTheLast(t *testing.T) {
	w := fullyCaptured(primaryWorld().with(vol("a", promoted), vol("b", unclaimed)))
	w.Group = w.Group.DeepCopy()
	w.Group.Spec.Epoch, w.Group.Spec.ReplicationState, w.Group.Generation = epoch-1, v1alpha1.Secondary, 8
	d := Decide(w.Facts)
	if got := words(d); !slices.Equal(got, []string{"claim b", "promote b"}) {
		t.Errorf("does %q", got)
	}
	if d.Report.Epoch != epoch || d.Report.Generation != 8 || !says(d, "DataReady=False EpochConflict epoch 4") {
		t.Errorf("reports %+v", d.Report)
	}
}

func TestWithoutTheHubTheAgentGoesOn(t *testing.T) {
	for name, w := range map[string]world{
		"primary":      primaryWorld().with(vol("a", promoted), vol("b", unclaimed)),
		"giving way":   givingWay().with(vol("a", promoted)).stopped(),
		"handing over": handingOver().with(vol("a", promoted)),
	} {
		with := words(Decide(w.Facts))
		w.Group = nil
		if without := words(Decide(w.Facts)); !slices.Equal(with, without) {
			t.Errorf("%s: %q with the hub and %q without", name, with, without)
		}
	}
}
