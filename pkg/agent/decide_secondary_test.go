// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/handover"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

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

// superseding is a group that the hub tells that the application does not have these claims where it runs.
func superseding(w world, names ...string) world {
	for _, name := range names {
		w.Checkpoint.Spec.Superseded = append(w.Checkpoint.Spec.Superseded, v1alpha1.SupersededVolume{Name: name, VolumeHandle: "handle-" + name})
	}
	w.Group.Spec = w.Checkpoint.Spec
	return w
}

func TestWhatTheApplicationNoLongerHasHoldsNothingUp(t *testing.T) {
	array := by(v1alpha1.MethodVolumeReplication)
	stopped := func(volumes ...Volume) world { return givingWay().settled().with(volumes...).stopped() }
	handedOver := func(volumes ...Volume) world {
		w := handingOver().settled().with(volumes...).stopped()
		w.Checkpoint.Token = &v1alpha1.HandoverToken{Epoch: epoch}
		return w
	}
	again := func(w world) world {
		superseding(w, "b").Checkpoint.Spec.Superseded[0].NewVolumeHandle = "handle-b"
		return w
	}
	anew := superseding(stopped(vol("a", inSync), vol("b", array, behind)), "b")
	anew.Checkpoint.Spec.Superseded[0].NewVolumeHandle = "h-new"
	run(t, map[string]row{
		"its replication is ended": {
			world: superseding(stopped(vol("a", inSync), vol("b", array, behind)), "b"), does: []string{"quiesce", "end b"}, state: v1alpha1.SecondaryState,
			says: []string{
				"DataReady=True Secondary the application has no such claim on the other cluster", "DataReady=True Secondary (on dr1: kubectl delete pvc -n shop b)",
				"DataReady=True Secondary PersistentVolume pv-b beyond that", "DataProtected=True InSync",
			},
		},
		"also where it was made anew": {
			world: anew, does: []string{"quiesce", "end b"}, state: v1alpha1.SecondaryState,
			says: []string{"DataReady=True Secondary has another volume (h-new) under that name", "DataProtected=True InSync"},
		},
		"also before it is secondary, and nothing of it is given up": {
			world: superseding(stopped(vol("a", inSync), vol("b", array, promoted)), "b"), does: []string{"quiesce", "end b"}, state: v1alpha1.SecondaryState,
			says: []string{"DataReady=True", "DataProtected=True"},
		},
		"also if it can't become secondary": {
			world: superseding(stopped(vol("a", inSync), vol("b", array, demoting)), "b"), does: []string{"quiesce", "end b"}, state: v1alpha1.SecondaryState,
		},
		"after a handover too": {
			world: superseding(handedOver(vol("a", inSync), vol("b", array, behind)), "b"), does: []string{"quiesce", "end b"}, state: v1alpha1.SecondaryState,
			says: []string{"DataReady=True", "DataProtected=True InSync"},
		},
		"not while the workload runs": {
			world: superseding(givingWay().settled().with(vol("b", array, behind)), "b"), does: []string{"quiesce"}, state: v1alpha1.UnknownState,
		},
		"while it ends, what is wrong with that is told": {
			world: superseding(stopped(vol("b", array, ending, func(v *Volume) { v.State.Message = "the array says no" })), "b"),
			does:  []string{"quiesce", "end b"}, state: v1alpha1.SecondaryState, says: []string{"DataReady=True Secondary has not ended yet: the array says no"},
		},
		"what has ended is made sure of": {
			world: superseding(stopped(vol("a", inSync), vol("b", array)), "b"), does: []string{"quiesce", "end b"}, state: v1alpha1.SecondaryState,
			says: []string{"DataReady=True Secondary no such claim"},
		},
		"a copy that is in sync stays one": {
			world: superseding(stopped(vol("a", inSync), vol("b", array, inSync)), "b"), does: []string{"quiesce"}, state: v1alpha1.SecondaryState,
			says: []string{"DataReady=True Secondary no such claim", "DataProtected=True InSync"},
		},
		"the others are waited for": {
			world: superseding(stopped(vol("a", behind), vol("b", array, behind)), "b"), does: []string{"quiesce", "refresh a", "end b"}, state: v1alpha1.SecondaryState,
			says: []string{"DataProtected=False Resyncing shop/a"},
		},
		"a volume of another handle is not meant": {
			world: func() world {
				w := superseding(stopped(vol("b", array, behind)), "b")
				w.Volumes[0].PV.Spec.CSI.VolumeHandle = "handle-2"
				return w
			}(),
			does: []string{"quiesce", "refresh b"}, state: v1alpha1.SecondaryState, says: []string{"DataProtected=False Resyncing shop/b"},
		},
		"nor is one of another group": {
			world: superseding(stopped(vol("a", inSync), vol("b", array, foreign)), "b"), does: []string{"quiesce"}, state: v1alpha1.SecondaryState,
		},
		"a claim that is deleted may go, be it in sync": {
			world: superseding(stopped(vol("a", inSync), vol("b", array, inSync, deleted)), "b"), does: []string{"quiesce", "release b"}, state: v1alpha1.SecondaryState,
		},
		"or be it not": {
			world: superseding(stopped(vol("a", inSync), vol("b", array, demoting, deleted)), "b"), does: []string{"quiesce", "release b"}, state: v1alpha1.SecondaryState,
		},
		"or be it after a handover": {
			world: superseding(handedOver(vol("a", inSync), vol("b", array, behind, deleted)), "b"), does: []string{"quiesce", "release b"}, state: v1alpha1.SecondaryState,
		},
		"a copy that was not named is kept although its claim is deleted": {
			world: superseding(stopped(vol("a", inSync, deleted), vol("b", array, inSync)), "b"), does: []string{"quiesce"}, state: v1alpha1.SecondaryState,
		},
		"what the application has again is not replicated by itself, and is not called in sync": {
			world: again(stopped(vol("a", inSync), vol("b", array))), does: []string{"quiesce", "demote and resync b"}, state: v1alpha1.SecondaryState,
			says: []string{"DataReady=True", "DataProtected=False Resyncing shop/b was not replicated while the application did not have it"},
		},
		"also after a handover": {
			world: again(handedOver(vol("a", inSync), vol("b", array))), does: []string{"quiesce", "demote and resync b"}, state: v1alpha1.SecondaryState,
			says: []string{"DataProtected=False Resyncing shop/b"},
		},
		"once that has begun it is a copy like any other": {
			world: again(stopped(vol("a", inSync), vol("b", array, behind))), does: []string{"quiesce", "refresh b"}, state: v1alpha1.SecondaryState,
			says: []string{"DataProtected=False Resyncing shop/b is being resynced"},
		},
		"and in sync in the end": {
			world: again(stopped(vol("a", inSync), vol("b", array, inSync))), does: []string{"quiesce"}, state: v1alpha1.SecondaryState, says: []string{"DataProtected=True InSync"},
		},
		"what can't be replicated again is named": {
			world: again(stopped(vol("a", inSync), vol("b", array, classGone))), does: []string{"quiesce"}, state: v1alpha1.SecondaryState,
			says: []string{"DataProtected=False Resyncing shop/b has no class"},
		},
		"of what the hub says nothing, nothing is given up": {
			world: stopped(vol("a", inSync), vol("b", array)), does: []string{"quiesce"}, state: v1alpha1.SecondaryState,
		},
		"a cluster that hands over knows better": {
			world: superseding(handingOver().with(vol("a", inSync), vol("b", array, behind)).stopped().finallyCaptured(), "b"),
			does:  []string{"quiesce", "refresh b"}, state: v1alpha1.UnknownState, says: []string{"DataProtected=False Resyncing shop/b"},
		},
		"a standby has nothing from before": {
			world: superseding(standingBy().with(vol("b", array, behind)), "b"), state: v1alpha1.SecondaryState, says: []string{"DataProtected=False Resyncing"},
		},
	})
}

func TestRowsSayByWhatHandleStorageKnowsAVolume(t *testing.T) {
	w := primaryWorld().with(vol("a", promoted), vol("b", foreign), vol("c", unclaimed, unbound))
	var got []string
	for _, row := range Decide(w.Facts).Report.Volumes {
		got = append(got, row.VolumeHandle)
	}
	if want := []string{"handle-a", "", ""}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
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
				w.Capture.Taken = &checkpoint.Capture{
					CaptureReference: v1alpha1.CaptureReference{ID: "f", Epoch: epoch}, Volumes: w.volumesWord(), Quiesced: true,
				}
				w.Capture.Failed = map[string]string{"s3-dr1": "s3-dr1 is dead"}
				return w
			}(),
			does: []string{"quiesce"}, state: v1alpha1.UnknownState, says: []string{"DataReady=False Capturing", "ClusterDataProtected=False UploadFailed s3-dr1 is dead"},
		},
		"one profile will do": {
			world: func() world {
				w := handingOver().with(vol("a", promoted)).stopped()
				w.Capture.Taken = &checkpoint.Capture{
					CaptureReference: v1alpha1.CaptureReference{ID: "f", Epoch: epoch}, Volumes: w.volumesWord(), Quiesced: true,
				}
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
		"another capture is taken if a volume goes after the last one, for the target takes none but one that the token fits": {
			world: edit(handingOver().with(vol("a", inSync), vol("b", inSync)).stopped().finallyCaptured(), func(f *Facts) { deleted(&f.Volumes[1]) }),
			does:  []string{"quiesce", "capture"}, state: v1alpha1.UnknownState, says: []string{"DataReady=False Capturing"},
		},
		"or if the selector covers it no longer": {
			world: edit(handingOver().with(vol("a", inSync), vol("b", inSync)).stopped().finallyCaptured(), func(f *Facts) { deselected(&f.Volumes[1]) }),
			does:  []string{"quiesce", "capture"}, state: v1alpha1.UnknownState,
		},
		"the token is made durable before it is reported": {
			world: handingOver().with(vol("a", inSync), vol("b", inSync)).stopped().finallyCaptured(),
			does:  []string{"quiesce", "save"}, state: v1alpha1.UnknownState,
		},
	})
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
