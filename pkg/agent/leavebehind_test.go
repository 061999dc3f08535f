// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volsync"
	"github.com/ramendr/dr-apiserver/pkg/agent/restore"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// leaving has the command name claims to leave behind, which the restore has been told of.
func (w world) leaving(names ...string) world {
	w.Checkpoint.Spec.LeaveBehind, w.Group.Spec.LeaveBehind = names, names
	w.Restore.Without = names
	return w
}

// told has the command name claims to leave behind, which the restore knows nothing of yet.
func (w world) told(names ...string) world {
	w.leaving(names...).Restore.Without = nil
	return w
}

func refused(v *Volume) {
	v.State = &replication.State{Wanted: replication.Primary, Message: "the array refuses"}
}

func TestAFailoverGoesOnWithoutWhatIsLeftBehind(t *testing.T) {
	failing := func(w world) world {
		w.Restore.Volumes, w.Restore.Err, w.Restore.Retry = false, restore.ErrConflict, now.Add(time.Second)
		return w
	}
	run(t, map[string]row{
		"what is left behind is not waited for": {
			world: failedOver().with(vol("a", promoted)).restored("a", "b").leaving("b"), does: []string{"restore objects"},
			state: v1alpha1.PrimaryState, says: []string{"ClusterDataReady=True", "DataReady=True"},
		},
		"nor is it promoted": {
			world: failedOver().with(vol("a", promoted), vol("b", deleted, refused)).restored("a", "b").leaving("b"),
			does:  []string{"release b", "restore objects"}, state: v1alpha1.PrimaryState, says: []string{"DataReady=True", "DataProtected=True"},
		},
		"what was restored of it is taken away first": {
			world: failedOver().with(vol("a", promoted), vol("b", refused)).restored("a", "b").told("b"),
			does:  []string{"restore volumes"}, state: v1alpha1.UnknownState, says: []string{"ClusterDataReady=False Restoring"},
		},
		"a restore that has failed is tried again at once without it": {
			world: failing(failedOver().restored("a", "b")).told("b"), does: []string{"restore volumes"},
			state: v1alpha1.UnknownState, says: []string{"ClusterDataReady=False Restoring"},
		},
		"and later if that fails too": {
			world: failing(failedOver().restored("a", "b")).leaving("b"), state: v1alpha1.UnknownState, says: []string{"ClusterDataReady=False RestoreConflict"},
		},
		"its claim goes, also one that VolSync would make anew": {
			world: edit(failedOver().with(vol("a", promoted), vol("b", deleted, byVolSync)).restored("a", "b").leaving("b"), func(f *Facts) { f.Restore.Behind = []string{"b"} }),
			does:  []string{"release b", "restore objects"}, state: v1alpha1.PrimaryState,
		},
		"but not before its last image is nobody's, which would go with it": {
			world: failedOver().with(vol("a", promoted), vol("b", deleted, byVolSync)).restored("a", "b").told("b"), does: []string{"restore volumes"}, state: v1alpha1.UnknownState,
		},
		"nor as that has failed": {
			world: failing(failedOver().with(vol("b", deleted, byVolSync)).restored("a", "b")).leaving("b"), state: v1alpha1.UnknownState,
		},
		"nor before the capture is known": {
			world: failedOver().with(vol("b", deleted, byVolSync)).told("b"), does: []string{"restore volumes"}, state: v1alpha1.UnknownState,
		},
		"once settled it is a claim like any other that goes": {
			world: fullyCaptured(failedOver().settled().with(vol("a", promoted))).with(vol("b", deleted, refused)).leaving("b"),
			does:  []string{"release b"}, state: v1alpha1.PrimaryState, says: []string{"DataReady=True", "DataProtected=True"},
		},
		"a relocate leaves nothing behind": {
			world: command(v1alpha1.Primary, v1alpha1.VRGActionRelocate).with(vol("a", promoted)).restored("a", "b").told("b"),
			state: v1alpha1.UnknownState, says: []string{"ClusterDataReady=False Binding shop/b"},
		},
	})
}

func TestWhoeverWaitsIsToldHowToGoOnWithoutAVolume(t *testing.T) {
	long := now.Add(-time.Hour)
	since := func(w world, at time.Time) world { w.Restore.Since = at; return w }
	failing := func(w world, err error, since time.Time) world {
		w.Restore.Volumes, w.Restore.Err, w.Restore.Failing, w.Restore.Retry = false, err, since, now.Add(time.Second)
		return w
	}
	noImage := restore.OfClaim("b", volsync.ErrNoImage)
	byHand := failing(failedOver().restored("a", "b"), noImage, long)
	byHand.Checkpoint.PeersRequired = false
	relocating := failing(command(v1alpha1.Primary, v1alpha1.VRGActionRelocate).restored("a", "b"), noImage, long)
	one := "kubectl drpc failover shop -n shop --leave-behind=b"
	for name, tc := range map[string]struct {
		world     world
		condition string
		hint      string
	}{
		"of a volume that is refused":            {since(failedOver().with(vol("a", promoted), vol("b", refused)).restored("a", "b"), long), "DataReady", one},
		"not at once":                            {since(failedOver().with(vol("a", promoted), vol("b", refused)).restored("a", "b"), now), "DataReady", ""},
		"later of one that is slow":              {since(failedOver().with(vol("a", promoted), vol("b", promoting)).restored("a", "b"), long), "DataReady", one},
		"not soon of one that is slow":           {since(failedOver().with(vol("a", promoted), vol("b", promoting)).restored("a", "b"), now.Add(-time.Minute)), "DataReady", ""},
		"of one that nothing replicates here":    {since(failedOver().with(vol("a", promoted), vol("b", classGone)).restored("a", "b"), long), "DataReady", one},
		"of the one that its group waits for":    {since(failedOver().with(vol("a", behind), vol("b")).restored("a", "b"), long), "DataReady", one},
		"not if all of several are refused":      {since(failedOver().with(vol("a", refused), vol("b", refused)).restored("a", "b"), long), "DataReady", ""},
		"of the only one":                        {since(failedOver().with(vol("b", refused)).restored("b"), long), "DataReady", one},
		"of one without a complete copy":         {failing(failedOver().restored("a", "b"), errors.Join(noImage), long), "ClusterDataReady", one},
		"not before it is tried a second time":   {failing(failedOver().restored("a", "b"), noImage, now), "ClusterDataReady", ""},
		"of several":                             {failing(failedOver().restored("a", "b", "c"), errors.Join(restore.OfClaim("c", restore.ErrConflict), noImage), long), "ClusterDataReady", "--leave-behind=b,c"},
		"not of what is wrong with no volume":    {failing(failedOver().restored("a", "b"), errors.New("object store is away"), long), "ClusterDataReady", ""},
		"of one that does not get its volume":    {since(failedOver().with(vol("a", promoted), vol("b", unbound)).restored("a", "b"), long), "ClusterDataReady", one},
		"of a group without a placement":         {byHand, "ClusterDataReady", "add b to spec.leaveBehind"},
		"not of a relocate, which loses nothing": {relocating, "ClusterDataReady", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := Decide(tc.world.Facts).Report.Conditions[tc.condition]
			if got.Status != metav1.ConditionFalse || strings.Contains(got.Message, "go on without") != (tc.hint != "") || !strings.Contains(got.Message, tc.hint) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestACapturedVolumeThatIsNotHereYetHasARow(t *testing.T) {
	d := Decide(failedOver().with(vol("a", promoted)).restored("a", "b", "c").leaving("c").Facts)
	var rows []string
	for _, row := range d.Report.Volumes {
		rows = append(rows, row.Name+" "+row.Ready.Reason)
	}
	if strings.Join(rows, ", ") != "a Primary, b Restoring" {
		t.Errorf("%q", rows)
	}
}

func TestMoreIsLeftBehindInTheSameEpoch(t *testing.T) {
	w := failedOver().settled()
	w.Group.Spec.LeaveBehind = []string{"b"}
	accepted, refusal := checkpoint.Accept(w.Checkpoint, w.Group, "dr1", now)
	if refusal != nil || accepted == w.Checkpoint || len(accepted.History) != len(w.Checkpoint.History) || !accepted.Settled ||
		len(accepted.Spec.LeaveBehind) != 1 {
		t.Errorf("%+v, %+v", accepted, refusal)
	}
}

// leaveBehind is what the hub does once somebody has asked for it.
func (w *twoSites) leaveBehind(cluster string, claims ...string) {
	w.t.Helper()
	groups := w.hub.DrV1alpha1().VolumeReplicationGroups("shop")
	group, err := groups.Get(w.t.Context(), "shop."+cluster, metav1.GetOptions{})
	if err == nil {
		group.Generation++
		group.Spec.LeaveBehind = claims
		_, err = groups.Update(w.t.Context(), group, metav1.UpdateOptions{})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// recoverWithoutB is a failover to dr2, where the storage does not promote b.
func (w *twoSites) recoverWithoutB() {
	w.t.Helper()
	w.storage.refuses = "b"
	w.command("dr2", v1alpha1.Primary, v1alpha1.VRGActionFailover, 2, nil)
	w.until("waiting for b", func() bool {
		s := w.status("dr2")
		return isTrue(s.Conditions, v1alpha1.ConditionClusterDataReady) && w.storage.role("dr2", "a") == replication.Primary
	}, "dr2")
	w.leaveBehind("dr2", "b")
	w.until("recovered", w.is("dr2", v1alpha1.PrimaryState, v1alpha1.ConditionClusterDataReady, v1alpha1.ConditionKubeObjectsReady), "dr2")
	claim, volume := &corev1.PersistentVolumeClaim{}, &corev1.PersistentVolume{}
	if err := w.sites["dr2"].api.Get(w.t.Context(), client.ObjectKey{Namespace: "shop", Name: "b"}, claim); !apierrors.IsNotFound(err) {
		w.t.Errorf("the claim that is left behind: %v", err)
	}
	err := w.sites["dr2"].api.Get(w.t.Context(), client.ObjectKey{Name: "pv-b"}, volume)
	if err != nil || volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
		w.t.Errorf("its volume: %s, %v", volume.Spec.PersistentVolumeReclaimPolicy, err)
	}
	if w.sites["dr2"].replicas() != 2 {
		w.t.Error("the application does not run")
	}
	w.until("protected again", w.is("dr2", v1alpha1.PrimaryState, allGood...), "dr2")
}

func TestWhatWasRestoredIsLeftBehindOnceThatIsAskedFor(t *testing.T) {
	placed(t).recoverWithoutB()
}

func TestAnAgentThatLeavesAVolumeBehindMayDieAtAnyWrite(t *testing.T) {
	t.Parallel()
	const plenty = 1000
	w := placed(t)
	w.sites["dr2"].start(plenty)
	w.recoverWithoutB()
	for writes := range plenty - w.sites["dr2"].life.left {
		t.Run(fmt.Sprintf("after %d", writes), func(t *testing.T) {
			t.Parallel()
			w := placed(t)
			w.sites["dr2"].start(writes)
			w.recoverWithoutB()
			if w.sites["dr2"].life.left >= 0 {
				t.Error("it did not die")
			}
		})
	}
}

func TestTheFormerPrimaryKeepsWhatWasLeftBehind(t *testing.T) {
	w := placed(t)
	w.recoverWithoutB()
	w.command("dr1", v1alpha1.Secondary, v1alpha1.VRGActionFailover, 2, nil)
	w.until("given way", w.is("dr1", v1alpha1.SecondaryState, v1alpha1.ConditionQuiesced), "dr1")
	claim := &corev1.PersistentVolumeClaim{}
	if err := w.sites["dr1"].api.Get(t.Context(), types.NamespacedName{Namespace: "shop", Name: "b"}, claim); err != nil {
		t.Errorf("its claim: %v", err)
	}
}
