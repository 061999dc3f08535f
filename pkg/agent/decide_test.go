// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/handover"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/restore"
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

func primaryWorld() world         { return command(v1alpha1.Primary, "") }
func failedOver() world           { return command(v1alpha1.Primary, v1alpha1.VRGActionFailover) }
func givingWay() world            { return command(v1alpha1.Secondary, v1alpha1.VRGActionFailover) }
func handingOver() world          { return command(v1alpha1.Secondary, v1alpha1.VRGActionRelocate) }
func standingBy() world           { return command(v1alpha1.Secondary, "") }
func takingBack() world           { return command(v1alpha1.Primary, v1alpha1.VRGActionAbort) }
func fullyCaptured(w world) world { return w.captured(time.Minute, "s3-dr1", "s3-dr2") }

func TestAPrimaryProtects(t *testing.T) {
	run(t, map[string]row{
		"a volume that is not the group's yet is claimed and promoted, and captured once it is": {
			world: primaryWorld().with(vol("a", unclaimed)),
			does:  []string{"claim a", "promote a"}, state: v1alpha1.UnknownState,
			says: []string{"DataReady=False Promoting shop/a", "DataProtected=False Promoting shop/a", "ClusterDataReady=True", "KubeObjectsReady=True", "ClusterDataProtected=False Capturing"},
		},
		"while a volume is being promoted the role is unknown": {
			world: fullyCaptured(primaryWorld().with(vol("a", promoting), vol("b", promoted))),
			state: v1alpha1.UnknownState, says: []string{"DataReady=False Promoting shop/a"},
		},
		"all volumes primary and synced, every profile with the capture": {
			world: fullyCaptured(primaryWorld().with(vol("a", promoted), vol("b", promoted))),
			state: v1alpha1.PrimaryState,
			says:  []string{"DataReady=True Primary", "DataProtected=True Replicating", "ClusterDataProtected=True Captured"},
		},
		"a volume that is merely being looked at again stays primary": {
			world: fullyCaptured(primaryWorld().with(vol("a", lookedAt))),
			state: v1alpha1.PrimaryState, says: []string{"DataReady=True"},
		},
		"a volume that was never synced is not protected, and is asked for": {
			world: fullyCaptured(primaryWorld().with(vol("a", neverSynced))),
			does:  []string{"refresh a"}, state: v1alpha1.PrimaryState,
			says: []string{"DataReady=True", "DataProtected=False NeverSynced shop/a"},
		},
		"a sync that is overdue by more than an interval": {
			world: fullyCaptured(primaryWorld().with(vol("a", overdue))),
			does:  []string{"refresh a"}, state: v1alpha1.PrimaryState,
			says: []string{"DataProtected=False SyncOverdue 03:01:05"},
		},
		"a volume is claimed anew to note how it is replicated": {
			world: fullyCaptured(primaryWorld().with(vol("a", promoted, byVolSync))), does: []string{"claim a"}, state: v1alpha1.PrimaryState,
		},
		"a volume that is replicated goes on to be, and to be captured, when its class is gone": {
			world: fullyCaptured(primaryWorld().with(vol("a", promoted, classGone), vol("b", promoted))), state: v1alpha1.PrimaryState,
			says: []string{"DataReady=True", "DataProtected=True", "ClusterDataProtected=True"},
		},
		"a primary that the storage says is not replicating": {
			world: fullyCaptured(primaryWorld().with(vol("a", promoted, func(v *Volume) { v.State.Unhealthy, v.State.Message = true, "link down" }))),
			state: v1alpha1.PrimaryState, says: []string{"DataReady=True", "DataProtected=False NotReplicating link down"},
		},
		"a selector that matches nothing": {
			world: fullyCaptured(primaryWorld()),
			state: v1alpha1.PrimaryState,
			says:  []string{"DataReady=False NoPVCs app=shop", "DataProtected=False NoPVCs correct the selector"},
		},
		"a volume without a class is named, and the others are protected": {
			world: fullyCaptured(primaryWorld().with(vol("a", unclaimed), vol("plain", classless))),
			does:  []string{"claim a", "promote a"}, state: v1alpha1.UnknownState,
			says: []string{"DataProtected=False Promoting shop/plain has no class"},
		},
		"with the others primary, so is the group": {
			world: fullyCaptured(primaryWorld().with(vol("a", promoted), vol("plain", classless))),
			state: v1alpha1.PrimaryState,
			says:  []string{"DataReady=True Primary shop/plain has no class", "DataProtected=False NoReplicationClass shop/plain has no class"},
		},
		"a claim that is not bound yet": {
			world: fullyCaptured(primaryWorld().with(vol("a", promoted), vol("new", unbound))),
			state: v1alpha1.PrimaryState, says: []string{"DataReady=False NotBound shop/new", "DataProtected=False NotBound"},
		},
		"a volume of another group is left to it": {
			world: fullyCaptured(primaryWorld().with(vol("a", promoted), vol("b", foreign))),
			state: v1alpha1.PrimaryState, says: []string{"DataReady=False PVCConflict protected by VolumeReplicationGroup shop/other"},
		},
		"a volume the selector no longer covers is let go": {
			world: fullyCaptured(primaryWorld().with(vol("a", promoted), vol("b", promoted, deselected))),
			does:  []string{"release b"}, state: v1alpha1.PrimaryState, says: []string{"DataReady=True"},
		},
		"a claim that somebody deletes is let go": {
			world: fullyCaptured(primaryWorld().with(vol("a", promoted), vol("b", promoted, deleted))),
			does:  []string{"release b"}, state: v1alpha1.PrimaryState, says: []string{"DataReady=False Deleting shop/b"},
		},
		"what is being let go is not promoted again": {
			world: fullyCaptured(primaryWorld().with(vol("a", ending))),
			state: v1alpha1.UnknownState,
		},
		"a volume that is secondary is promoted": {
			world: fullyCaptured(primaryWorld().with(vol("a", inSync))),
			does:  []string{"promote a"}, state: v1alpha1.UnknownState,
		},
		"what a volume waits for that has no state yet is said": {
			world: primaryWorld().with(vol("a", func(v *Volume) { v.Awaited = "the group is full" })),
			does:  []string{"capture", "promote a"}, state: v1alpha1.UnknownState, says: []string{"DataReady=False Promoting shop/a is being made primary: the group is full"},
		},
		"what went wrong last is said": {
			world: func() world {
				w := fullyCaptured(primaryWorld().with(vol("a", promoting)))
				w.Failure = errors.New("quota exceeded")
				return w
			}(),
			state: v1alpha1.UnknownState, says: []string{"DataReady=False Promoting quota exceeded"},
		},
	})
}

func TestAPrimaryCaptures(t *testing.T) {
	one := func() world { return primaryWorld().with(vol("a", promoted)) }
	edit := func(w world, f func(*Facts)) world { f(w.Facts); return w }
	taken := &checkpoint.Capture{
		CaptureReference: v1alpha1.CaptureReference{ID: "d", Epoch: epoch, Time: metav1.NewTime(now.Add(-10 * time.Millisecond))},
		Volumes:          VolumesWord(one().Members()),
	}
	run(t, map[string]row{
		"not before the interval is over": {world: one().captured(4*time.Minute, "s3-dr1", "s3-dr2"), state: v1alpha1.PrimaryState},
		"when the interval is over": {
			world: one().captured(6*time.Minute, "s3-dr1", "s3-dr2"), does: []string{"capture"},
			state: v1alpha1.PrimaryState, says: []string{"ClusterDataProtected=True"},
		},
		"a capture older than twice the interval does not protect": {
			world: one().captured(11*time.Minute, "s3-dr1", "s3-dr2"), does: []string{"capture"},
			state: v1alpha1.PrimaryState, says: []string{"ClusterDataProtected=False CaptureStale 5m"},
		},
		"at the interval the group asks for": {
			world: edit(one().captured(time.Minute, "s3-dr1", "s3-dr2"), func(f *Facts) {
				f.Checkpoint.Spec.KubeObjectProtection = &v1alpha1.KubeObjectProtection{CaptureInterval: &metav1.Duration{Duration: 30 * time.Second}}
				f.Group.Spec = f.Checkpoint.Spec
			}), does: []string{"capture"}, state: v1alpha1.PrimaryState,
		},
		"when a volume has come": {
			world: one().captured(time.Minute, "s3-dr1", "s3-dr2").with(vol("b", promoted)), does: []string{"capture"}, state: v1alpha1.PrimaryState,
			says: []string{"ClusterDataProtected=False Capturing come or gone"},
		},
		"the first one as soon as there is something": {world: one(), does: []string{"capture"}, state: v1alpha1.PrimaryState},
		"when a profile lacks the last capture of an agent that has restarted": {
			world: one().captured(time.Minute, "s3-dr1"), does: []string{"capture"}, state: v1alpha1.PrimaryState,
			says: []string{"ClusterDataProtected=False Capturing s3-dr2"},
		},
		"in every new role": {
			world: edit(one().captured(time.Minute, "s3-dr1", "s3-dr2"), func(f *Facts) { f.Checkpoint.LastCapture.Epoch-- }),
			does:  []string{"capture"}, state: v1alpha1.PrimaryState, says: []string{"ClusterDataProtected=False Capturing"},
		},
		"not while one is being taken": {world: edit(one(), func(f *Facts) { f.Capture.Running = true }), state: v1alpha1.PrimaryState},
		"a failed capture is said and tried later": {
			world: edit(one(), func(f *Facts) { f.Capture.Err, f.Capture.Retry = errors.New("no list"), now.Add(time.Second) }),
			state: v1alpha1.PrimaryState, says: []string{"ClusterDataProtected=False CaptureFailed no list"},
		},
		"recorded when every profile has it": {
			world: edit(one(), func(f *Facts) { f.Capture.Taken, f.Capture.Put = taken, []string{"s3-dr1", "s3-dr2"} }),
			does:  []string{"settle"}, state: v1alpha1.PrimaryState, says: []string{"ClusterDataProtected=True"},
		},
		"not recorded while the other profile may have it any moment": {
			world: edit(one(), func(f *Facts) { f.Capture.Taken, f.Capture.Put = taken, []string{"s3-dr1"} }),
			state: v1alpha1.PrimaryState, says: []string{"ClusterDataProtected=False"},
		},
		"recorded without the profile that is dead, which is named": {
			world: edit(one(), func(f *Facts) {
				f.Capture.Taken, f.Capture.Put, f.Capture.Failed = taken, []string{"s3-dr1"}, map[string]string{"s3-dr2": "s3-dr2 is dead"}
			}),
			does: []string{"settle"}, state: v1alpha1.PrimaryState, says: []string{"ClusterDataProtected=False UploadFailed s3-dr2 is dead"},
		},
	})
}

func TestAFailoverRestoresThenPromotesThenRestoresObjects(t *testing.T) {
	failing := func(err error) world {
		w := failedOver()
		w.Restore = RestoreFacts{Err: err, Retry: now.Add(time.Second)}
		return w
	}
	run(t, map[string]row{
		"others first, if it is their turn": {
			world: func() world { w := failedOver(); w.Turn = false; return w }(), does: []string{"wait"}, state: v1alpha1.UnknownState,
			says: []string{"ClusterDataReady=False Waiting", "DataReady=False Waiting"},
		},
		"volumes first": {
			world: failedOver(), does: []string{"restore volumes"}, state: v1alpha1.UnknownState,
			says: []string{"ClusterDataReady=False Restoring", "DataReady=False Restoring", "KubeObjectsReady=False Restoring"},
		},
		"nothing is promoted that was not restored": {
			world: failedOver().with(vol("a", inSync)), does: []string{"restore volumes"}, state: v1alpha1.UnknownState,
		},
		"a claim that is made anew of what VolSync has of it keeps that, before the capture is known": {
			world: failedOver().with(vol("a", deleted, byVolSync)), does: []string{"restore volumes"}, state: v1alpha1.UnknownState,
		},
		"and after, be it alone or one of a group": {
			world: func() world {
				w := failedOver().with(vol("a", deleted, byVolSync), vol("b", deleted, by(v1alpha1.MethodVolSyncGroup))).restored("a", "b")
				w.Restore.Volumes = false
				return w
			}(), does: []string{"restore volumes"}, state: v1alpha1.UnknownState,
		},
		"one that was not captured is let go of": {
			world: failedOver().with(vol("a", deleted, byVolSync), vol("b", promoted)).restored("b"),
			does:  []string{"release a", "restore objects"}, state: v1alpha1.PrimaryState,
		},
		"so is one in whose place another volume is, before the capture is known": {
			world: failedOver().with(vol("a", deleted, inSync)), does: []string{"release a", "restore volumes"}, state: v1alpha1.UnknownState,
		},
		"without a capture it says so and tries again": {
			world: failing(archive.ErrNoCapture), state: v1alpha1.UnknownState, says: []string{"ClusterDataReady=False NoCapture"},
		},
		"a conflict is named": {
			world: failing(restore.ErrConflict), state: v1alpha1.UnknownState, says: []string{"ClusterDataReady=False RestoreConflict"},
		},
		"a claim that is not bound is waited for, and the others are promoted meanwhile": {
			world: failedOver().with(vol("a", unbound), vol("b")).restored("a", "b"), does: []string{"promote b"},
			state: v1alpha1.UnknownState, says: []string{"ClusterDataReady=False Binding shop/a"},
		},
		"a claim that the cache does not have yet is waited for": {
			world: failedOver().with(vol("b", promoted)).restored("a", "b"), state: v1alpha1.UnknownState,
			says: []string{"ClusterDataReady=False Binding shop/a"},
		},
		"a volume that was left behind as secondary is promoted": {
			world: failedOver().with(vol("a", inSync)).restored("a"), does: []string{"promote a"},
			state: v1alpha1.UnknownState, says: []string{"ClusterDataReady=True Restored"},
		},
		"objects wait for the last volume": {
			world: failedOver().with(vol("a", promoted), vol("b", promoting)).restored("a", "b"),
			state: v1alpha1.UnknownState, says: []string{"ClusterDataReady=True", "DataReady=False Promoting"},
		},
		"a volume that is merely being looked at is not taken for promoted": {
			world: failedOver().with(vol("a", lookedAt)).restored("a"), state: v1alpha1.UnknownState,
		},
		"with all volumes primary the role is confirmed and objects follow": {
			world: failedOver().with(vol("a", promoted)).restored("a"), does: []string{"restore objects"}, state: v1alpha1.PrimaryState,
			says: []string{"ClusterDataReady=True Restored s3-dr2", "DataReady=True", "KubeObjectsReady=False"},
		},
		"what can't be replicated on from here is said": {
			world: failedOver().with(vol("a", classless)).restored("a"), does: []string{"claim a"}, state: v1alpha1.UnknownState,
			says: []string{"DataProtected=False NoReplicationClass"},
		},
		"objects that conflict are named": {
			world: func() world {
				w := failedOver().with(vol("a", promoted)).restored("a")
				w.Restore.Err, w.Restore.Retry = errors.Join(restore.ErrConflict, errors.New("ConfigMap shop/x exists")), now.Add(time.Second)
				return w
			}(),
			state: v1alpha1.PrimaryState, says: []string{"KubeObjectsReady=False RestoreConflict shop/x"},
		},
		"once objects are in place the role is settled": {
			world: func() world {
				w := failedOver().with(vol("a", promoted)).restored("a")
				w.Restore.Objects = true
				return w
			}(),
			does: []string{"settle"}, state: v1alpha1.PrimaryState, says: []string{"KubeObjectsReady=True Restored"},
		},
		"and protected like any other": {
			world: func() world {
				w := fullyCaptured(failedOver().settled().with(vol("a", promoted)))
				w.Checkpoint.Restored = "Restored from capture c"
				return w
			}(), state: v1alpha1.PrimaryState,
			says: []string{"ClusterDataReady=True Restored", "KubeObjectsReady=True Restored", "ClusterDataProtected=True"},
		},
	})
}

func TestARestoredVolumeThatNothingReplicatesHereIsNamed(t *testing.T) {
	d := Decide(failedOver().with(vol("a", classGone), vol("b", promoted)).restored("a", "b").Facts)
	if d.Report.State != v1alpha1.UnknownState || !says(d, "DataReady=False NoReplicationClass shop/a") {
		t.Errorf("%s, %+v", d.Report.State, d.Report.Conditions)
	}
}

func TestAStandbyTouchesNothing(t *testing.T) {
	run(t, map[string]row{
		"with nothing here": {
			world: standingBy(), state: v1alpha1.SecondaryState,
			says: []string{"DataReady=True Secondary", "DataProtected=True InSync", "ClusterDataReady=True", "KubeObjectsReady=True"},
		},
		"with copies it made earlier": {world: standingBy().with(vol("a", inSync)), state: v1alpha1.SecondaryState, says: []string{"DataProtected=True"}},
		"with copies being resynced": {
			world: standingBy().with(vol("a", behind)), state: v1alpha1.SecondaryState, says: []string{"DataProtected=False Resyncing shop/a"},
		},
		"what storage says of a copy that is not complete is said": {
			world: standingBy().with(vol("a", behind, func(v *Volume) { v.State.Message = "no such peer" })),
			state: v1alpha1.SecondaryState, says: []string{"DataProtected=False Resyncing shop/a is being resynced from the primary: no such peer"},
		},
		"with a claim in the way of a recovery": {
			world: standingBy().with(vol("a", unclaimed)), state: v1alpha1.SecondaryState,
			says: []string{"DataReady=False PVCConflict shop/a", "DataProtected=False PVCConflict"},
		},
		"with a claim that an earlier group left behind": {
			world: standingBy().with(vol("a", unclaimed, left)), does: []string{"claim a"}, state: v1alpha1.SecondaryState,
			says: []string{"DataReady=True Secondary", "DataProtected=True"},
		},
		"with a claim in the way that somebody uses": {
			world: standingBy().with(vol("a", unclaimed, used)), state: v1alpha1.SecondaryState,
			says: []string{"DataReady=False PVCConflict preferredCluster: dr"},
		},
		"with one that is the group's again": {
			world: standingBy().with(vol("a", left)), state: v1alpha1.SecondaryState, says: []string{"DataReady=True Secondary", "DataProtected=True"},
		},
		"with one that somebody uses": {
			world: standingBy().with(vol("a", unclaimed, left, used)), state: v1alpha1.SecondaryState,
			says: []string{"DataReady=False PVCConflict Pod shop/writer"},
		},
		"with one that somebody has begun to use": {
			world: standingBy().with(vol("a", left, used)), state: v1alpha1.SecondaryState, says: []string{"DataReady=False PVCConflict Pod shop/writer"},
		},
		"with one that is bound to nothing": {
			world: standingBy().with(vol("a", unclaimed, left, unbound)), state: v1alpha1.SecondaryState, says: []string{"DataReady=False PVCConflict kubectl delete pvc"},
		},
		"a volume that is still primary is not confirmed": {world: standingBy().with(vol("a", promoted)), state: v1alpha1.UnknownState},
	})
}

func TestAFailedAwayPrimaryGivesWay(t *testing.T) {
	run(t, map[string]row{
		"the workload is stopped before volumes are demoted": {
			world: givingWay().with(vol("a", promoted)), does: []string{"quiesce"}, state: v1alpha1.UnknownState,
			says: []string{"Quiesced=False Stopping", "DataReady=False Stopping"},
		},
		"what still runs is named": {
			world: func() world {
				w := givingWay().with(vol("a", promoted))
				w.Stop.Waiting = []string{"Pod shop/lonely"}
				return w
			}(),
			does: []string{"quiesce"}, state: v1alpha1.UnknownState, says: []string{"Quiesced=False Stopping Pod shop/lonely"},
		},
		"then they are demoted and follow the new primary": {
			world: givingWay().with(vol("a", promoted), vol("b", promoted)).stopped(),
			does:  []string{"quiesce", "remember", "demote and resync a", "demote and resync b"}, state: v1alpha1.UnknownState,
			says: []string{"Quiesced=True Stopped", "DataReady=False Demoting"},
		},
		"also those that were to give nothing up at a handover that came to nothing, unless the peer has it all": {
			world: givingWay().settled().with(vol("a", held), vol("b", keeping)).stopped(), does: []string{"quiesce", "demote and resync a"},
			state: v1alpha1.SecondaryState, says: []string{"DataProtected=False Resyncing shop/a"},
		},
		"it is secondary when all are demoted, and protected when they have caught up": {
			world: givingWay().settled().with(vol("a", behind)).stopped(), does: []string{"quiesce", "refresh a"}, state: v1alpha1.SecondaryState,
			says: []string{"DataReady=True Secondary", "DataProtected=False Resyncing"},
		},
		"caught up": {
			world: givingWay().settled().with(vol("a", inSync)).stopped(), does: []string{"quiesce"}, state: v1alpha1.SecondaryState,
			says: []string{"DataProtected=True InSync"},
		},
		"while one is still being demoted it is not": {
			world: givingWay().settled().with(vol("a", inSync), vol("b", demoting)).stopped(), does: []string{"quiesce"}, state: v1alpha1.UnknownState,
			says: []string{"DataReady=False Demoting shop/b"},
		},
		"a claim that was never replicated stops nothing": {
			world: givingWay().settled().with(vol("a", inSync), vol("plain", classless)).stopped(), does: []string{"quiesce"}, state: v1alpha1.SecondaryState,
		},
		"what the new primary has nothing for any more can be deleted": {
			world: givingWay().settled().with(vol("a", inSync), vol("b", demoting, deleted)).stopped(), does: []string{"quiesce", "release b"},
			state: v1alpha1.UnknownState,
		},
		"a copy is kept although somebody deletes its claim": {
			world: givingWay().settled().with(vol("a", inSync, deleted)).stopped(), does: []string{"quiesce"}, state: v1alpha1.SecondaryState,
		},
		"the application's objects are noted once": {
			world: func() world {
				w := givingWay().with(vol("a", inSync)).stopped()
				w.Stop.Listed, w.Stop.Remembered = true, []types.UID{"u"}
				return w
			}(),
			does: []string{"quiesce", "settle"}, state: v1alpha1.SecondaryState,
		},
		"objects of a cluster that never was primary are not its own": {
			world: func() world {
				w := givingWay().with(vol("a", inSync)).stopped()
				w.Checkpoint.History = []checkpoint.Role{{Epoch: 1, State: v1alpha1.Secondary}, w.Checkpoint.Current()}
				return w
			}(),
			does: []string{"quiesce", "settle"}, state: v1alpha1.SecondaryState,
		},
		"one that never was primary has nothing to stop": {
			world: givingWay().settled().stopped(), does: []string{"quiesce"}, state: v1alpha1.SecondaryState,
		},
	})
}

func TestAHandoverLosesNothing(t *testing.T) {
	run(t, map[string]row{
		"others hand over first, if it is their turn": {
			world: func() world { w := handingOver().with(vol("a", promoted)); w.Turn = false; return w }(), does: []string{"wait"},
			state: v1alpha1.UnknownState, says: []string{"DataReady=False Waiting"},
		},
		"the workload is stopped first": {
			world: handingOver().with(vol("a", promoted)), does: []string{"quiesce"}, state: v1alpha1.UnknownState,
		},
		"also if a volume is replicated whose class is gone": {
			world: handingOver().with(vol("a", promoted, classGone)), does: []string{"quiesce"}, state: v1alpha1.UnknownState,
		},
		"nothing is stopped if a volume is not replicated": {
			world: handingOver().with(vol("a", promoted), vol("plain", classless)), state: v1alpha1.UnknownState,
			says: []string{"DataReady=False CannotHandOver shop/plain"},
		},
		"nor if one has just come": {
			world: handingOver().with(vol("a", promoted), vol("new", unclaimed)), state: v1alpha1.UnknownState,
			says: []string{"DataReady=False CannotHandOver shop/new"},
		},
		"then a final capture is taken": {
			world: handingOver().with(vol("a", promoted)).stopped(), does: []string{"quiesce", "capture"}, state: v1alpha1.UnknownState,
			says: []string{"Quiesced=True", "DataReady=False Capturing"},
		},
		"one taken before the stop does not do": {
			world: fullyCaptured(handingOver().with(vol("a", promoted)).stopped()), does: []string{"quiesce", "capture"}, state: v1alpha1.UnknownState,
		},
		"it is waited for until one profile has it": {
			world: func() world {
				w := handingOver().with(vol("a", promoted)).stopped()
				w.Capture.Taken = &checkpoint.Capture{CaptureReference: v1alpha1.CaptureReference{ID: "f", Epoch: epoch}, Quiesced: true}
				w.Capture.Failed = map[string]string{"s3-dr1": "s3-dr1 is dead"}
				return w
			}(),
			does: []string{"quiesce"}, state: v1alpha1.UnknownState, says: []string{"DataReady=False Capturing", "ClusterDataProtected=False UploadFailed s3-dr1 is dead"},
		},
		"one profile will do": {
			world: func() world {
				w := handingOver().with(vol("a", promoted)).stopped()
				w.Capture.Taken = &checkpoint.Capture{CaptureReference: v1alpha1.CaptureReference{ID: "f", Epoch: epoch}, Quiesced: true}
				w.Capture.Put = []string{"s3-dr2"}
				return w
			}(),
			does: []string{"quiesce", "demote a"}, state: v1alpha1.UnknownState,
		},
		"then volumes are demoted without any resync": {
			world: handingOver().with(vol("a", promoted)).stopped().finallyCaptured(), does: []string{"quiesce", "demote a"}, state: v1alpha1.UnknownState,
		},
		"a volume that may not have caught up is asked again, and no token issued": {
			world: handingOver().with(vol("a", behind), vol("b", inSync)).stopped().finallyCaptured(),
			does:  []string{"quiesce", "refresh a"}, state: v1alpha1.UnknownState, says: []string{"DataProtected=False Resyncing shop/a"},
		},
		"nothing is given up while the final sync is under way": {
			world: handingOver().with(vol("a", held)).stopped().finallyCaptured(),
			does:  []string{"quiesce", "refresh a"}, state: v1alpha1.UnknownState, says: []string{"DataProtected=False Resyncing shop/a"},
		},
		"no token while one is being demoted": {
			world: handingOver().with(vol("a", demoting), vol("b", inSync)).stopped().finallyCaptured(),
			does:  []string{"quiesce"}, state: v1alpha1.UnknownState,
		},
		"the token is made durable before it is reported": {
			world: handingOver().with(vol("a", inSync), vol("b", inSync)).stopped().finallyCaptured(),
			does:  []string{"quiesce", "save"}, state: v1alpha1.UnknownState,
		},
	})
}

func TestAVolumeThatHasGrownIsCapturedAnew(t *testing.T) {
	grown := func(capacity string) func(*Volume) {
		return func(v *Volume) {
			v.PV.Spec.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(capacity)}
		}
	}
	w := primaryWorld().with(vol("a", promoted, grown("1Gi")))
	w = fullyCaptured(w)
	w.Checkpoint.LastCapture.Volumes = w.volumesWord()
	if d := Decide(w.Facts); d.Capture || !says(d, "ClusterDataProtected=True") {
		t.Errorf("before: capture %t, %+v", d.Capture, d.Report.Conditions)
	}
	grown("2Gi")(&w.Volumes[0])
	if d := Decide(w.Facts); !d.Capture || !says(d, "ClusterDataProtected=False Capturing") {
		t.Errorf("afterwards: capture %t, %+v", d.Capture, d.Report.Conditions)
	}
}

func TestWhatCannotBeReplicatedHasNoSyncTimeToWaitFor(t *testing.T) {
	d := Decide(fullyCaptured(primaryWorld().with(vol("a", promoted), vol("b", neverSynced), vol("plain", classless))).Facts)
	for _, v := range d.Report.Volumes {
		if v.Counts != (v.Name != "plain") || (v.Method == "") != (v.Name == "plain") && v.Name == "plain" {
			t.Errorf("%s counts: %t, and its method is %q", v.Name, v.Counts, v.Method)
		}
	}
}

func TestTheTokenNamesWhatWasHandedOver(t *testing.T) {
	w := handingOver().with(vol("a", inSync), vol("b", inSync)).stopped().finallyCaptured()
	d := Decide(w.Facts)
	token := d.Save.Token
	if err := handover.Verify(token, epoch, "dr2"); err != nil {
		t.Fatal(err)
	}
	if token.SourceCluster != "dr1" || token.CaptureID != "c" || token.CaptureDigest != "digest" || len(token.Volumes) != 2 || token.Volumes[0].VolumeHandle != "handle-a" {
		t.Errorf("%+v", token)
	}
	w.Checkpoint = d.Save
	if d = Decide(w.Facts); d.Report.State != v1alpha1.SecondaryState || d.Report.Token == nil {
		t.Errorf("with the token saved: %+v", d.Report)
	}
}

func TestAnAbortedHandoverIsTakenBack(t *testing.T) {
	run(t, map[string]row{
		"volumes first": {
			world: takingBack().with(vol("a", inSync), vol("b", demoting)), does: []string{"promote a", "promote b"}, state: v1alpha1.UnknownState,
			says: []string{"KubeObjectsReady=False TakingBack"},
		},
		"then the workload": {
			world: takingBack().with(vol("a", promoted)), does: []string{"resume", "settle"}, state: v1alpha1.PrimaryState,
			says: []string{"KubeObjectsReady=False TakingBack", "ClusterDataReady=True"},
		},
		"then it is as before": {
			world: fullyCaptured(takingBack().settled().with(vol("a", promoted))), state: v1alpha1.PrimaryState, says: []string{"KubeObjectsReady=True"},
		},
		"a final capture is followed by another": {
			world: takingBack().settled().with(vol("a", promoted)).finallyCaptured(), does: []string{"capture"}, state: v1alpha1.PrimaryState,
		},
	})
}

func TestDeletionLeavesTheApplicationAndNothingElse(t *testing.T) {
	deletedGroup := func(w world) world {
		w.Group.DeletionTimestamp = &metav1.Time{Time: now}
		return w
	}
	run(t, map[string]row{
		"replication is ended first": {
			world: deletedGroup(primaryWorld().with(vol("a", promoted), vol("b", ending))), does: []string{"release a", "release b"},
			state: v1alpha1.UnknownState, says: []string{"DataReady=False Deleting shop/a"},
		},
		"a primary deletes its captures":                   {world: deletedGroup(primaryWorld().with(vol("a", unclaimed))), does: []string{"clear"}},
		"a secondary leaves them to the primary":           {world: deletedGroup(standingBy()), does: []string{"forget"}},
		"then it is forgotten":                             {world: func() world { w := deletedGroup(primaryWorld()); w.Cleared = true; return w }(), does: []string{"forget"}},
		"also if it was never accepted":                    {world: func() world { w := deletedGroup(primaryWorld()); w.Checkpoint = nil; return w }(), does: []string{"forget"}},
		"volumes of other groups stay theirs":              {world: deletedGroup(standingBy().with(vol("a", foreign))), does: []string{"forget"}},
		"a claim that is being deleted anyway is released": {world: deletedGroup(primaryWorld().with(vol("a", promoted, deleted))), does: []string{"release a"}},
		"who was failed away from learns that first":       {world: deletedGroup(failedAwayUnawares()), does: []string{"save"}},
		"and stops the application before anything else": {
			world: deletedGroup(givingWay().with(vol("a", promoted))), does: []string{"quiesce"}, state: v1alpha1.UnknownState,
			says: []string{"Quiesced=False Stopping"},
		},
		"volumes that have all that the peer has are noted to be copies": {
			world: deletedGroup(givingWay().with(vol("a", inSync, by(v1alpha1.MethodVolumeReplication)))).stopped(), state: v1alpha1.UnknownState,
			does: []string{"copy a", "quiesce", "release a"},
		},
		"those that have not are not": {
			world: deletedGroup(givingWay().with(vol("a", behind, by(v1alpha1.MethodVolumeReplication)))).stopped(), state: v1alpha1.UnknownState,
			does: []string{"quiesce", "release a"},
		},
		"nor those whose bytes come in other volumes": {
			world: deletedGroup(givingWay().with(vol("a", inSync, by(v1alpha1.MethodVolSync)))).stopped(), state: v1alpha1.UnknownState,
			does: []string{"quiesce", "release a"},
		},
		"then its volumes are released": {world: deletedGroup(givingWay().with(vol("a", promoted)).stopped()), does: []string{"quiesce", "release a"}, state: v1alpha1.UnknownState},
	})
}

// failedAwayUnawares is a primary that hears of the failover and the deletion at the same time.
func failedAwayUnawares() world {
	w := primaryWorld().with(vol("a", promoted))
	w.Group = w.Group.DeepCopy()
	w.Group.Spec.Epoch, w.Group.Spec.ReplicationState, w.Group.Spec.Action = epoch+1, v1alpha1.Secondary, v1alpha1.VRGActionFailover
	return w
}

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
