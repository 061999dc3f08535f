// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// copies is a deployed application of which dr1 says that VolSync replicates the claim data, and dr2 where it receives it.
func copies() Facts {
	f := deployed()
	f.Groups[dr1].Status.ProtectedPVCs = []v1alpha1.ProtectedPVC{
		sentRow("data", saved),
		{Namespace: "shop", Name: "by-the-array", ReplicationMethod: v1alpha1.MethodVolumeReplication, Capacity: ptr.To(resource.MustParse("1Gi"))},
	}
	f.Groups[dr2].Status.VolSync = &v1alpha1.VRGVolSyncStatus{Destinations: []v1alpha1.VolSyncDestinationStatus{
		{Name: "data", Address: "198.51.100.7", LatestImage: "image", LastSyncTime: &metav1.Time{Time: saved.Add(time.Second)}},
	}}
	return f
}

func sentRow(name string, synced time.Time) v1alpha1.ProtectedPVC {
	return v1alpha1.ProtectedPVC{
		Namespace: "shop", Name: name, ReplicationMethod: v1alpha1.MethodVolSync, StorageClassName: "fast",
		Capacity: ptr.To(resource.MustParse("1Gi")), LastSyncTime: &metav1.Time{Time: synced},
	}
}

func TestEachClusterIsToldWhatVolSyncNeedsOfTheOther(t *testing.T) {
	f := copies()
	d := Decide(f)
	f = carriedOut(f, d)
	sources, destinations := f.Groups[dr1].Spec.VolSync, f.Groups[dr2].Spec.VolSync
	if sources == nil || len(sources.Destinations) > 0 || len(sources.Sources) != 1 ||
		sources.Sources[0] != (v1alpha1.VolSyncSource{Name: "data", Address: "198.51.100.7"}) {
		t.Errorf("the primary is told %+v", sources)
	}
	if destinations == nil || len(destinations.Sources) > 0 || len(destinations.Destinations) != 1 || destinations.Destinations[0].Name != "data" ||
		destinations.Destinations[0].StorageClassName != "fast" || destinations.Destinations[0].Capacity.String() != "1Gi" {
		t.Errorf("the secondary is told %+v", destinations)
	}
	for _, group := range f.Groups {
		if group.Spec.Epoch != 1 || group.Spec.Action != "" {
			t.Errorf("carrying commands something: %s", describe(group.Spec))
		}
	}
}

func TestWhoHasNothingToDoWithVolSyncIsToldNothingOfIt(t *testing.T) {
	f := deployed()
	if d := Decide(f); len(d.Update) > 0 {
		t.Errorf("%v", commands(d.Update))
	}
	f.Placement.Spec.VolSyncSpec = &v1alpha1.VolSyncSpec{CopyMethod: v1alpha1.VolSyncCopyDirect}
	f = carriedOut(f, Decide(f))
	for cluster, group := range f.Groups {
		if group.Spec.VolSync == nil || group.Spec.VolSync.CopyMethod != v1alpha1.VolSyncCopyDirect {
			t.Errorf("%s is told %+v", cluster, group.Spec.VolSync)
		}
	}
}

func TestWhatWasCarriedStaysUntilAnAgentSaysOtherwiseOfItsPresentRole(t *testing.T) {
	before := carriedOut(copies(), Decide(copies()))
	for name, tc := range map[string]struct {
		change func(*Facts)
		stays  bool
	}{
		"the secondary's report is of an earlier epoch": {func(f *Facts) { f.Groups[dr2].Status.Epoch, f.Groups[dr2].Status.VolSync = 0, nil }, true},
		"the secondary has not said anything":           {func(f *Facts) { f.Groups[dr2].Status.VolSync = nil }, true},
		"the primary is not confirmed":                  {func(f *Facts) { f.Groups[dr1].Status.State, f.Groups[dr1].Status.ProtectedPVCs = unknown, nil }, true},
		"the primary has no such volume any more":       {func(f *Facts) { f.Groups[dr1].Status.ProtectedPVCs = nil }, false},
		"the secondary receives elsewhere":              {func(f *Facts) { f.Groups[dr2].Status.VolSync.Destinations[0].Address = "198.51.100.8" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := before
			f.Groups = map[string]*v1alpha1.VolumeReplicationGroup{dr1: before.Groups[dr1].DeepCopy(), dr2: before.Groups[dr2].DeepCopy()}
			for _, group := range f.Groups {
				group.Status.ObservedGeneration = group.Generation
			}
			tc.change(&f)
			after := carriedOut(f, Decide(f))
			stays := equality.Semantic.DeepEqual(after.Groups[dr1].Spec.VolSync, before.Groups[dr1].Spec.VolSync) &&
				equality.Semantic.DeepEqual(after.Groups[dr2].Spec.VolSync, before.Groups[dr2].Spec.VolSync)
			if stays != tc.stays {
				t.Errorf("dr1 %+v, dr2 %+v", after.Groups[dr1].Spec.VolSync, after.Groups[dr2].Spec.VolSync)
			}
		})
	}
}

func TestRolesAreNotSwappedInWhatIsCarried(t *testing.T) {
	f := carriedOut(copies(), Decide(copies()))
	f = accepted(f, action.Request{Type: v1alpha1.ActionFailover, TargetCluster: dr2, Force: true})
	f = carriedOut(f, Decide(f))
	if source := f.Groups[dr1].Spec; source.ReplicationState != v1alpha1.Secondary || source.VolSync != nil {
		t.Errorf("the source is told what it receives before that is known: %+v", source.VolSync)
	}
	if target := f.Groups[dr2].Spec; target.ReplicationState == v1alpha1.Secondary && len(target.VolSync.Destinations) != 1 {
		t.Errorf("the target forgets what it received before it is promoted: %+v", target.VolSync)
	}
}

func TestASyncCountsOnceThePeerHasItsImage(t *testing.T) {
	f := copies()
	later := saved.Add(30 * time.Second)
	f.Groups[dr1].Status.LastGroupSyncTime = &metav1.Time{Time: later}
	f.Groups[dr1].Status.ProtectedPVCs = []v1alpha1.ProtectedPVC{sentRow("data", later)}
	if got := Decide(f).Status.LastGroupSyncTime; got == nil || !got.Time.Equal(saved) {
		t.Errorf("while the image is not made: %v, not %s", got, saved)
	}
	f.Placement.Status.LastGroupSyncTime = nil
	if got := Decide(f).Status; got.LastGroupSyncTime != nil || apimeta.IsStatusConditionTrue(got.Conditions, v1alpha1.ConditionProtected) {
		t.Errorf("while the first image is not made: %v, %+v", got.LastGroupSyncTime, got.Conditions)
	}
	f.Groups[dr2].Status.VolSync.Destinations[0].LastSyncTime = &metav1.Time{Time: later.Add(time.Second)}
	if got := Decide(f).Status.LastGroupSyncTime; got == nil || !got.Time.Equal(later) {
		t.Errorf("once it is: %v, not %s", got, later)
	}
	f.Groups[dr1].Status.LastGroupSyncTime = nil
	if got := Decide(f).Status.LastGroupSyncTime; got != nil {
		t.Errorf("a volume was never synced: %v", got)
	}
}
