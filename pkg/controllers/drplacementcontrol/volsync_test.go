// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"slices"
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
	f.Groups[dr1].Status.VolSync = &v1alpha1.VRGVolSyncStatus{Groups: sentAs("k1", 4)}
	f.Groups[dr2].Status.VolSync = &v1alpha1.VRGVolSyncStatus{Groups: sentAs("k1", 4), Destinations: []v1alpha1.VolSyncDestinationStatus{
		{Name: "data", Address: "198.51.100.7", LatestImage: "image"},
	}}
	return f
}

// sentAs is what a cluster says of the claim data: so many cycles of a stream were sent, or have arrived.
func sentAs(stream string, cycle int64) []v1alpha1.VolSyncGroupStatus {
	return []v1alpha1.VolSyncGroupStatus{{VolSyncGroup: v1alpha1.VolSyncGroup{Name: "volume/data", Stream: stream, Members: []string{"data"}, Cycle: cycle}}}
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
		destinations.Destinations[0].StorageClassName != "fast" || destinations.Destinations[0].Capacity.String() != "1Gi" ||
		len(destinations.Groups) != 1 || destinations.Groups[0].Stream != "k1" || destinations.Groups[0].Cycle != 0 {
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

func TestWhatLeavesThePrimaryIsReceivedUntilThereIsACaptureWithoutIt(t *testing.T) {
	f := carriedOut(copies(), Decide(copies()))
	report := func(protected metav1.ConditionStatus, rows ...v1alpha1.ProtectedPVC) {
		for _, group := range f.Groups {
			group.Status.ObservedGeneration = group.Generation
		}
		f.Groups[dr1].Status.ProtectedPVCs = rows
		setCondition(f.Groups[dr1], v1alpha1.ConditionClusterDataProtected, protected)
	}
	told := func(when string, want ...string) {
		t.Helper()
		d := Decide(f)
		checkStable(t, f, d)
		f = carriedOut(f, d)
		var got []string
		for _, to := range f.Groups[dr2].Spec.VolSync.Destinations {
			got = append(got, to.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: dr2 receives %v, not %v", when, got, want)
		}
	}
	report(metav1.ConditionFalse, sentRow("another", saved))
	told("it has left, and may still be captured", "another", "data")
	report(metav1.ConditionFalse, sentRow("another", saved))
	told("nothing has changed", "another", "data")
	report(metav1.ConditionTrue, sentRow("another", saved))
	told("there is a capture without it", "another")
	report(metav1.ConditionFalse)
	told("nothing was received of what leaves")
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

func TestAVolumeThatGrowsAsItIsHandedOverHasRoomForTheFinalSync(t *testing.T) {
	for name, tc := range map[string]struct{ has, want string }{
		"it has grown":     {"2Gi", "2Gi"},
		"it has not":       {"1Gi", "1Gi"},
		"it never shrinks": {"512Mi", "1Gi"},
		"it is not known":  {"", "1Gi"},
	} {
		t.Run(name, func(t *testing.T) {
			f := carriedOut(copies(), Decide(copies()))
			f = accepted(f, action.Request{Type: v1alpha1.ActionRelocate, TargetCluster: dr2})
			f = carriedOut(f, Decide(f))
			source := f.Groups[dr1]
			source.Status.Epoch, source.Status.ObservedGeneration, source.Status.State = source.Spec.Epoch, source.Generation, unknown
			row := sentRow("data", saved)
			if row.Capacity = nil; tc.has != "" {
				row.Capacity = ptr.To(resource.MustParse(tc.has))
			}
			source.Status.ProtectedPVCs = []v1alpha1.ProtectedPVC{row, sentRow("other", saved)}
			d := Decide(f)
			after := carriedOut(f, d)
			spec := after.Groups[dr2].Spec
			if spec.ReplicationState != v1alpha1.Secondary || len(spec.VolSync.Destinations) != 1 || spec.VolSync.Destinations[0].Capacity.String() != tc.want {
				t.Errorf("%s is told %+v", describe(spec), spec.VolSync.Destinations)
			}
			checkStable(t, f, d)
		})
	}
}

func TestASyncCountsOnceThePeerHasItsImage(t *testing.T) {
	f := copies()
	later := saved.Add(30 * time.Second)
	f.Groups[dr1].Status.LastGroupSyncTime = &metav1.Time{Time: later}
	f.Groups[dr1].Status.ProtectedPVCs = []v1alpha1.ProtectedPVC{sentRow("data", later)}
	f.Groups[dr1].Status.VolSync.Groups = sentAs("k1", 5)
	if got := Decide(f).Status.LastGroupSyncTime; got == nil || !got.Time.Equal(saved) {
		t.Errorf("while the image is not made: %v, not %s", got, saved)
	}
	f.Placement.Status.LastGroupSyncTime = nil
	if got := Decide(f).Status; got.LastGroupSyncTime != nil || apimeta.IsStatusConditionTrue(got.Conditions, v1alpha1.ConditionProtected) {
		t.Errorf("while the first image is not made: %v, %+v", got.LastGroupSyncTime, got.Conditions)
	}
	f.Groups[dr2].Status.VolSync.Groups = sentAs("k1", 5)
	if got := Decide(f).Status.LastGroupSyncTime; got == nil || !got.Time.Equal(later) {
		t.Errorf("once it is: %v, not %s", got, later)
	}
	f.Groups[dr1].Status.LastGroupSyncTime = nil
	if got := Decide(f).Status.LastGroupSyncTime; got != nil {
		t.Errorf("a volume was never synced: %v", got)
	}
}

func TestThePrimaryIsToldHowMuchHasArrivedWhereItAsks(t *testing.T) {
	handsOver := func(f *Facts) { *f = accepted(*f, action.Request{Type: v1alpha1.ActionRelocate, TargetCluster: dr2}) }
	confirmed := func(f *Facts) {
		f.Groups[dr1].Status.Epoch, f.Groups[dr1].Status.ObservedGeneration = f.Groups[dr1].Spec.Epoch, f.Groups[dr1].Generation
	}
	for name, tc := range map[string]struct {
		stream         string
		sent, received int64
		asking, away   bool
		handsOver      bool
		atRest         bool
		want           int64
	}{
		"as much as was sent":                    {stream: "k1", sent: 5, received: 5, asking: true},
		"more than it knows":                     {stream: "k1", sent: 4, received: 5, asking: true, want: 5},
		"less than it knows":                     {stream: "k1", sent: 5, received: 3, asking: true, want: 3},
		"what it did not ask":                    {stream: "k1", sent: 4, received: 5},
		"more in another stream":                 {stream: "k2", sent: 4, received: 5, asking: true},
		"what is not known now":                  {stream: "k1", sent: 4, received: 5, asking: true, away: true},
		"more than it knows while it hands over": {stream: "k1", sent: 4, received: 5, asking: true, handsOver: true, want: 5},
		"once it has come to rest":               {stream: "k1", sent: 4, received: 5, asking: true, handsOver: true, atRest: true},
		"nothing new while it hands over":        {stream: "k1", sent: 5, received: 5, asking: true, handsOver: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := carriedOut(copies(), Decide(copies()))
			confirmed(&f)
			if tc.handsOver {
				handsOver(&f)
				f = carriedOut(f, Decide(f))
				confirmed(&f)
				f.Groups[dr1].Status.State = unknown
			}
			if tc.atRest {
				f.Groups[dr1].Status.State = v1alpha1.SecondaryState
			}
			f.Groups[dr1].Status.VolSync = &v1alpha1.VRGVolSyncStatus{Groups: sentAs("k1", tc.sent)}
			f.Groups[dr1].Status.VolSync.Groups[0].Asking = tc.asking
			f.Groups[dr2].Status.VolSync.Groups = sentAs(tc.stream, tc.received)
			if tc.away {
				away := f.Clusters[dr2]
				away.Connected = false
				f.Clusters[dr2] = away
			}
			f = carriedOut(f, Decide(f))
			var got int64
			if spec := f.Groups[dr1].Spec.VolSync; spec != nil && len(spec.Arrived) == 1 {
				got = spec.Arrived[0].Cycle
			}
			if got != tc.want {
				t.Errorf("it is told %d, not %d: %+v", got, tc.want, f.Groups[dr1].Spec.VolSync)
			}
			if spec := f.Groups[dr1].Spec.VolSync; tc.handsOver && tc.want == 0 && spec != nil {
				t.Errorf("it is told %+v", spec)
			}
		})
	}
}
