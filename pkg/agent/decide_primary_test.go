// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/restore"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

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
		"a volume that is being promoted for long is looked at again": {
			world: fullyCaptured(primaryWorld().with(vol("a", promoting), vol("b", promoting)).unanswered("a", 16*time.Second)),
			does:  []string{"refresh a"}, state: v1alpha1.UnknownState,
		},
		"but not sooner": {
			world: fullyCaptured(primaryWorld().with(vol("a", promoting)).unanswered("a", 14*time.Second)), state: v1alpha1.UnknownState,
		},
		"nor over and over": {
			world: fullyCaptured(primaryWorld().with(vol("a", promoting)).unanswered("a", time.Hour).asked("a", 9, 59*time.Second)), state: v1alpha1.UnknownState,
		},
		"but never less than once a minute": {
			world: fullyCaptured(primaryWorld().with(vol("a", promoting)).unanswered("a", time.Hour).asked("a", 99, 61*time.Second)),
			does:  []string{"refresh a"}, state: v1alpha1.UnknownState,
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
		"what the next sync waits for, if that is known": {
			world: fullyCaptured(primaryWorld().with(vol("a", overdue, func(v *Volume) { v.State.Message = "waits until it is clean" }))),
			does:  []string{"refresh a"}, state: v1alpha1.PrimaryState, says: []string{"DataProtected=False SyncOverdue waits until it is clean"},
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

func TestARestoredClaimThatIsTakenAwayIsRestoredAgain(t *testing.T) {
	since := func(w world, ago time.Duration) world { w.Restore.Since = now.Add(-ago); return w }
	captured := func(w world, volume string, method v1alpha1.ReplicationMethod) world {
		v := &w.Restore.Found.Content.Volumes[0]
		v.PV.Name, v.PVC.Annotations = volume, map[string]string{mark.Method: string(method)}
		return w
	}
	both := func(edits ...func(*Volume)) world {
		return failedOver().with(vol("a", append([]func(*Volume){promoted}, edits...)...), vol("b", promoted)).restored("a", "b")
	}
	only := func() world { return failedOver().with(vol("b", promoted)).restored("a", "b") }
	array := v1alpha1.MethodVolumeReplication
	run(t, map[string]row{
		"one that was deleted": {
			world: since(only(), time.Minute), does: []string{"restore volumes"}, state: v1alpha1.UnknownState, says: []string{"ClusterDataReady=False Restoring"},
		},
		"not while the cache may not have it yet": {
			world: since(only(), time.Second), state: v1alpha1.UnknownState, says: []string{"ClusterDataReady=False Binding shop/a"},
		},
		"one that is being deleted is not promoted, and let go": {
			world: since(both(deleted), time.Minute), does: []string{"release a"}, state: v1alpha1.UnknownState,
			says: []string{"ClusterDataReady=False Binding shop/a", "DataReady=False Deleting shop/a"},
		},
		"one that has another volume now": {
			world: since(captured(both(), "pv-other", array), time.Minute), does: []string{"restore volumes"}, state: v1alpha1.UnknownState,
		},
		"one that has its volume": {
			world: since(captured(both(), "pv-a", array), time.Minute), does: []string{"restore objects"}, state: v1alpha1.PrimaryState,
		},
		"one that VolSync copied has its own": {
			world: since(captured(both(), "pv-other", v1alpha1.MethodVolSync), time.Minute), does: []string{"restore objects"}, state: v1alpha1.PrimaryState,
		},
		"not what is left behind": {
			world: since(only().leaving("a"), time.Minute), does: []string{"restore objects"}, state: v1alpha1.PrimaryState,
		},
		"once settled the application is its own": {
			world: since(fullyCaptured(failedOver().settled().with(vol("b", promoted))), time.Minute), state: v1alpha1.PrimaryState,
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
