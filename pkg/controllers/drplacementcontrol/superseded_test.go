// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

func storedRow(name, handle string) v1alpha1.ProtectedPVC {
	return v1alpha1.ProtectedPVC{Namespace: "shop", Name: name, VolumeHandle: handle, ReplicationMethod: v1alpha1.MethodVolumeReplication}
}

// lately is an application that was failed over to dr2, where it no longer has the claim late.
func lately() Facts {
	f := unplaced()
	f.Placement = builder.DRPC("shop", "shop").Finalizer(Finalizer).Running(dr2, 2, v1alpha1.PhaseFailedOver).Saved(saved).Obj()
	f.Groups[dr1] = vrg(dr1).Secondary(2, v1alpha1.VRGActionFailover).Reports(secondary).Healthy(saved).Obj()
	f.Groups[dr2] = vrg(dr2).Primary(2, v1alpha1.VRGActionFailover).Reports(primary).Healthy(saved).Obj()
	f.Groups[dr1].Status.ProtectedPVCs = []v1alpha1.ProtectedPVC{storedRow("late", "h-late"), storedRow("data", "h-data")}
	f.Groups[dr2].Status.ProtectedPVCs = []v1alpha1.ProtectedPVC{storedRow("data", "h-data")}
	f.Placement.Status = Decide(f).Status
	return f
}

func TestAFormerPrimaryIsToldWhatTheApplicationNoLongerHas(t *testing.T) {
	gone := v1alpha1.SupersededVolume{Name: "late", VolumeHandle: "h-late"}
	anew := v1alpha1.SupersededVolume{Name: "late", VolumeHandle: "h-late", NewVolumeHandle: "h-new"}
	again := v1alpha1.SupersededVolume{Name: "late", VolumeHandle: "h-late", NewVolumeHandle: "h-late"}
	older := v1alpha1.SupersededVolume{Name: "older", VolumeHandle: "h-older"}
	has := func(rows ...v1alpha1.ProtectedPVC) func(*Facts) {
		return func(f *Facts) {
			f.Groups[dr2].Status.ProtectedPVCs = append(f.Groups[dr2].Status.ProtectedPVCs, rows...)
		}
	}
	notYet := func(conditionType string) func(*Facts) {
		return func(f *Facts) { setCondition(f.Groups[dr2], conditionType, metav1.ConditionFalse) }
	}
	late := func(change func(*v1alpha1.ProtectedPVC)) func(*Facts) {
		return func(f *Facts) { change(&f.Groups[dr1].Status.ProtectedPVCs[0]) }
	}
	foreign := storedRow("late", "")
	foreign.ReplicationMethod = ""
	for name, tc := range map[string]struct {
		change func(*Facts)
		// before it was told, by default nothing.
		before, want []v1alpha1.SupersededVolume
	}{
		"a claim that was deleted":                                     {change: func(*Facts) {}, want: []v1alpha1.SupersededVolume{gone}},
		"a claim that was made anew":                                   {change: has(storedRow("late", "h-new")), want: []v1alpha1.SupersededVolume{anew}},
		"one made anew of storage that nothing replicates":             {change: has(v1alpha1.ProtectedPVC{Namespace: "shop", Name: "late", VolumeHandle: "h-new"}), want: []v1alpha1.SupersededVolume{anew}},
		"one that is there":                                            {change: has(storedRow("late", "h-late"))},
		"one that is there again, which may have to be followed again": {change: has(storedRow("late", "h-late")), before: []v1alpha1.SupersededVolume{gone}, want: []v1alpha1.SupersededVolume{again}},
		"and that leaves again":                                        {change: func(*Facts) {}, before: []v1alpha1.SupersededVolume{again}, want: []v1alpha1.SupersededVolume{gone}},
		"one that is about to have a volume, be it the same or not":    {change: has(storedRow("late", "")), before: []v1alpha1.SupersededVolume{gone}, want: []v1alpha1.SupersededVolume{gone}},
		"one made anew that is made anew once more":                    {change: has(storedRow("late", "")), before: []v1alpha1.SupersededVolume{anew}, want: []v1alpha1.SupersededVolume{anew}},
		"one whose volume has another claim":                           {change: has(storedRow("renamed", "h-late"))},
		"one that is not bound there yet":                              {change: has(storedRow("late", ""))},
		"one that is another group's there":                            {change: has(foreign)},
		"one of another namespace":                                     {change: has(v1alpha1.ProtectedPVC{Namespace: "other", Name: "late"}), want: []v1alpha1.SupersededVolume{gone}},
		"several, in order of their names": {
			change: func(f *Facts) {
				f.Groups[dr1].Status.ProtectedPVCs = append(f.Groups[dr1].Status.ProtectedPVCs, storedRow("a", "h-a"))
			},
			want: []v1alpha1.SupersededVolume{{Name: "a", VolumeHandle: "h-a"}, gone},
		},
		"one that is gone here too":                               {change: late(func(r *v1alpha1.ProtectedPVC) { *r = storedRow("data", "h-data") }), before: []v1alpha1.SupersededVolume{gone}},
		"one of a consistency group":                              {change: late(func(r *v1alpha1.ProtectedPVC) { r.ReplicationMethod = v1alpha1.MethodVolumeGroupReplication }), want: []v1alpha1.SupersededVolume{gone}},
		"one that VolSync copies":                                 {change: late(func(r *v1alpha1.ProtectedPVC) { r.ReplicationMethod = v1alpha1.MethodVolSync })},
		"one on shared storage":                                   {change: late(func(r *v1alpha1.ProtectedPVC) { r.ReplicationMethod = v1alpha1.MethodShared })},
		"one that was never replicated":                           {change: late(func(r *v1alpha1.ProtectedPVC) { r.ReplicationMethod = "" })},
		"one that can't be replicated any more since it was told": {change: late(func(r *v1alpha1.ProtectedPVC) { r.ReplicationMethod = "" }), before: []v1alpha1.SupersededVolume{gone}, want: []v1alpha1.SupersededVolume{gone}},
		"one that has another volume here since it was told":      {change: late(func(r *v1alpha1.ProtectedPVC) { r.VolumeHandle, r.ReplicationMethod = "h-2", "" }), before: []v1alpha1.SupersededVolume{gone}},
		"one that is not bound here":                              {change: late(func(r *v1alpha1.ProtectedPVC) { r.VolumeHandle = "" })},
		"the primary lists nothing":                               {change: func(f *Facts) { f.Groups[dr2].Status.ProtectedPVCs = nil }, before: []v1alpha1.SupersededVolume{older}, want: []v1alpha1.SupersededVolume{older}},
		"the primary's report is of an older generation":          {change: func(f *Facts) { f.Groups[dr2].Generation++ }, before: []v1alpha1.SupersededVolume{older}, want: []v1alpha1.SupersededVolume{older}},
		"the primary does not confirm its role":                   {change: func(f *Facts) { f.Groups[dr2].Status.State = unknown }},
		"the primary reports on an earlier epoch":                 {change: func(f *Facts) { f.Groups[dr2].Status.Epoch = 1 }},
		"the primary's volumes are being restored":                {change: notYet(v1alpha1.ConditionClusterDataReady)},
		"the primary's objects are being restored":                {change: notYet(v1alpha1.ConditionKubeObjectsReady), before: []v1alpha1.SupersededVolume{older}, want: []v1alpha1.SupersededVolume{older}},
		"the primary is not connected":                            {change: func(f *Facts) { f.Clusters[dr2] = lost(dr2) }, before: []v1alpha1.SupersededVolume{older}, want: []v1alpha1.SupersededVolume{older}},
		"the former primary is not connected":                     {change: func(f *Facts) { f.Clusters[dr1] = lost(dr1) }, want: []v1alpha1.SupersededVolume{gone}},
		"the former primary's report is of an older generation":   {change: func(f *Facts) { f.Groups[dr1].Generation++ }, before: []v1alpha1.SupersededVolume{older}, want: []v1alpha1.SupersededVolume{gone}},
		"the former primary reports on an earlier epoch":          {change: func(f *Facts) { f.Groups[dr1].Status.Epoch = 1 }, want: []v1alpha1.SupersededVolume{gone}},
		"the former primary has not become secondary":             {change: func(f *Facts) { f.Groups[dr1].Status.State = unknown }, want: []v1alpha1.SupersededVolume{gone}},
		"the former primary was lost before it was told its role": {
			change: func(f *Facts) {
				f.Clusters[dr1] = lost(dr1)
				f.Groups[dr1].Status.State, f.Groups[dr1].Status.Epoch, f.Groups[dr1].Status.ObservedGeneration = primary, 1, 0
			},
			want: []v1alpha1.SupersededVolume{gone},
		},
		"a standby that never was primary": {change: func(f *Facts) { f.Groups[dr1].Spec.Action = "" }},
		"the group is somebody else's":     {change: func(f *Facts) { f.Groups[dr2].Labels = nil }, before: []v1alpha1.SupersededVolume{older}, want: []v1alpha1.SupersededVolume{older}},
		"an action is under way": {
			change: func(f *Facts) { *f = accepted(*f, action.Request{Type: v1alpha1.ActionRelocate, TargetCluster: dr1}) },
			before: []v1alpha1.SupersededVolume{older}, want: []v1alpha1.SupersededVolume{older},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := lately()
			f.Groups[dr1].Spec.Superseded = tc.before
			tc.change(&f)
			d := Decide(f)
			after := carriedOut(f, d)
			if got := after.Groups[dr1].Spec.Superseded; !slices.Equal(got, tc.want) {
				t.Errorf("it is told %+v, not %+v", got, tc.want)
			}
			if got := after.Groups[dr2].Spec.Superseded; got != nil {
				t.Errorf("the primary is told %+v", got)
			}
			checkStable(t, f, d)
		})
	}
}

func TestWhatAFailoverGoesOnWithoutIsNotGivenUpByItsSource(t *testing.T) {
	for name, tc := range map[string]struct {
		leaveBehind []string
		change      func(*Facts)
		want        []string
	}{
		"what it is to leave behind": {leaveBehind: []string{"late"}, want: []string{"late"}},
		"nothing":                    {},
		"what it never had":          {leaveBehind: []string{"other"}},
		"what leaves with its group": {leaveBehind: []string{"late"}, change: func(f *Facts) {
			f.Groups[dr1].Status.ProtectedPVCs[0].ReplicationMethod = v1alpha1.MethodVolumeGroupReplication
		}},
		"what VolSync copies": {leaveBehind: []string{"late"}, change: func(f *Facts) { f.Groups[dr1].Status.ProtectedPVCs[0].ReplicationMethod = v1alpha1.MethodVolSync }},
	} {
		t.Run(name, func(t *testing.T) {
			f := deployed()
			f.Groups[dr1].Status.ProtectedPVCs = []v1alpha1.ProtectedPVC{storedRow("late", "h-late"), storedRow("data", "h-data")}
			if tc.change != nil {
				tc.change(&f)
			}
			f = accepted(f, action.Request{Type: v1alpha1.ActionFailover, TargetCluster: dr2, Force: true})
			f.Placement.Status.CurrentAction.Spec.LeaveBehind = tc.leaveBehind
			f.Placement.Status = Decide(f).Status
			told := func(when string) {
				t.Helper()
				d := Decide(f)
				checkStable(t, f, d)
				f = carriedOut(f, d)
				var got []string
				for _, s := range f.Groups[dr1].Spec.Superseded {
					got = append(got, s.Name)
				}
				if spec := f.Groups[dr1].Spec; spec.ReplicationState != v1alpha1.Secondary || !slices.Equal(got, tc.want) {
					t.Errorf("%s: %s is told %v, not %v", when, describe(spec), got, tc.want)
				}
			}
			told("with its new role")
			source := f.Groups[dr1].DeepCopy()
			source.Status.ObservedGeneration, source.Status.Epoch, source.Status.State = source.Generation, 2, secondary
			f.Groups[dr1] = source
			told("when it has stopped")
			target := f.Groups[dr2].DeepCopy()
			target.Status = *vrg(dr2).Primary(2, v1alpha1.VRGActionFailover).Reports(primary).Healthy(saved).Obj().Status.DeepCopy()
			target.Status.ObservedGeneration = target.Generation
			target.Status.ProtectedPVCs = []v1alpha1.ProtectedPVC{storedRow("data", "h-data")}
			if len(tc.want) == 0 {
				target.Status.ProtectedPVCs = append(target.Status.ProtectedPVCs, storedRow("late", "h-late"))
			}
			f.Groups[dr2] = target
			told("when the target is primary")
			if got := Decide(f); got.Status.CurrentAction == nil || result(got) != v1alpha1.ReasonSucceeded {
				t.Errorf("it ends as %q", result(got))
			}
		})
	}
}

func setCondition(group *v1alpha1.VolumeReplicationGroup, conditionType string, status metav1.ConditionStatus) {
	for i := range group.Status.Conditions {
		if c := &group.Status.Conditions[i]; c.Type == conditionType {
			c.Status = status
		}
	}
}

func TestWhatIsSupersededIsForgottenWhereTheApplicationComesBack(t *testing.T) {
	f := lately()
	f = carriedOut(f, Decide(f))
	told := f.Groups[dr1].Spec.Superseded
	if len(told) != 1 {
		t.Fatalf("told %+v", told)
	}
	f.Groups[dr1].Status.ObservedGeneration = f.Groups[dr1].Generation
	f = accepted(f, action.Request{Type: v1alpha1.ActionFailover, TargetCluster: dr1, Force: true})
	f = carriedOut(f, Decide(f))
	if got := f.Groups[dr1].Spec; got.ReplicationState != v1alpha1.Secondary || !slices.Equal(got.Superseded, told) {
		t.Errorf("before the source has stopped: %s, %+v", describe(got), got.Superseded)
	}
	source := f.Groups[dr2]
	source.Status.ObservedGeneration, source.Status.Epoch, source.Status.State = source.Generation, 3, secondary
	f = carriedOut(f, Decide(f))
	if got := f.Groups[dr1].Spec; got.ReplicationState != v1alpha1.Primary || got.Superseded != nil {
		t.Errorf("once it is to be primary: %s, %+v", describe(got), got.Superseded)
	}
}

func TestAPeerThatIsReadySaysWhatItKeeps(t *testing.T) {
	f := lately()
	f.Groups[dr1].Status.ProtectedPVCs[0].Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionDataReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSuperseded, Message: "PersistentVolumeClaim shop/late is kept."},
	}
	checkCondition(t, Decide(f), v1alpha1.ConditionPeerReady, metav1.ConditionTrue, "Ready", "dr1 is ready", "shop/late is kept.")
	for range 6 {
		f.Groups[dr1].Status.ProtectedPVCs = append(f.Groups[dr1].Status.ProtectedPVCs, f.Groups[dr1].Status.ProtectedPVCs[0])
	}
	checkCondition(t, Decide(f), v1alpha1.ConditionPeerReady, metav1.ConditionTrue, "Ready", "So are 2 more.")
}
