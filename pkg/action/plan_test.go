// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

func TestDataLossWindow(t *testing.T) {
	f := healthy()
	newer := metav1.Time{Time: now.Add(-20 * time.Second)}
	f.Groups[builder.DR1].Status.LastGroupSyncTime = &newer
	window := action.Preflight(f, failover()).Status.DataLossWindow
	if window == nil || !window.SyncPoint.Equal(&newer) || window.Duration.Duration != 20*time.Second {
		t.Errorf("failover names the newest sync point: got %+v", window)
	}
	if window := action.Preflight(f, relocate()).Status.DataLossWindow; window != nil {
		t.Errorf("relocate loses nothing: got %+v", window)
	}
	f.Groups[builder.DR1].Status.Epoch = 2
	window = action.Preflight(f, failover()).Status.DataLossWindow
	if window == nil || window.Duration.Duration != time.Minute {
		t.Errorf("a report on an earlier epoch says nothing about this one's sync point: got %+v", window)
	}
	back := action.Request{Type: v1alpha1.ActionFailover, TargetCluster: builder.DR1}
	window = action.Preflight(lostAfterHandover(4), back).Status.DataLossWindow
	if window == nil || window.Duration.Duration != time.Second {
		t.Errorf("a failover back gives up what was written since the handover: got %+v", window)
	}
}

func TestPlan(t *testing.T) {
	for name, test := range map[string]struct {
		request action.Request
		steps   []v1alpha1.StepName
	}{
		"failover": {failover(), []v1alpha1.StepName{v1alpha1.StepStopSource, v1alpha1.StepPromote, v1alpha1.StepRestore}},
		"relocate": {relocate(), []v1alpha1.StepName{v1alpha1.StepHandOver, v1alpha1.StepPromote, v1alpha1.StepRestore}},
	} {
		t.Run(name, func(t *testing.T) {
			var steps []v1alpha1.StepName
			for _, step := range action.Preflight(healthy(), test.request).Status.Steps {
				steps = append(steps, step.Name)
				if step.State != v1alpha1.StepPending {
					t.Errorf("%s is %s in the plan", step.Name, step.State)
				}
				if step.PointOfNoReturn != (step.Name == v1alpha1.StepPromote) {
					t.Errorf("%s: pointOfNoReturn is %v", step.Name, step.PointOfNoReturn)
				}
			}
			if !slices.Equal(steps, test.steps) {
				t.Errorf("got %v, want %v", steps, test.steps)
			}
		})
	}
}

func TestSynchronousFailoverWaitsForTheFenceAndLosesNothing(t *testing.T) {
	f := dead()
	f.Policy.Spec.SchedulingInterval = ""
	record := action.Preflight(f, failover())
	if refusal := action.Refusal(record); refusal != nil {
		t.Fatalf("refused: %v", refusal)
	}
	if first := record.Status.Steps[0]; first.Name != v1alpha1.StepFence || first.Cluster != builder.DR1 {
		t.Errorf("the first step is %s on %s, want Fence on dr1", first.Name, first.Cluster)
	}
	if window := record.Status.DataLossWindow; window == nil || window.Duration.Duration != 0 {
		t.Errorf("the data loss window is %+v, want one of 0s", window)
	}
	found := false
	for _, check := range record.Status.Checks {
		found = found || check.Name == action.CheckSourceStopped && strings.Contains(check.Message, "waits until it is fenced off")
	}
	if !found {
		t.Errorf("no check says that the failover waits for the fence: %+v", record.Status.Checks)
	}
	action.Accept(f.Placement, record)
	if action.PastPointOfNoReturn(f.Placement.Status.CurrentAction) {
		t.Error("the failover is past its point of no return though nothing is known to stop the source")
	}
}

func TestTheDataLossWindowOfCopiesIsThatOfTheImagesThatTheTargetHasWhateverItsClockSays(t *testing.T) {
	known, reported, ahead := now.Add(-2*time.Minute), now.Add(-time.Minute), now.Add(time.Hour)
	type groups = []v1alpha1.VolSyncGroupStatus
	of := func(name, stream string, cycle int64) v1alpha1.VolSyncGroupStatus {
		return v1alpha1.VolSyncGroupStatus{VolSyncGroup: v1alpha1.VolSyncGroup{Name: name, Stream: stream, Cycle: cycle}}
	}
	const volume, together = "volume/data", "shop-together"
	for name, tc := range map[string]struct {
		group          string
		sent, received groups
		want           time.Time
	}{
		"the image of the last sync":              {"", groups{of(volume, "k1", 4)}, groups{of(volume, "k1", 4)}, reported},
		"the image of the one before":             {"", groups{of(volume, "k1", 4)}, groups{of(volume, "k1", 3)}, known},
		"an image of which the source can't know": {"", groups{of(volume, "k1", 4)}, groups{of(volume, "k1", 5)}, reported},
		"an image of another stream":              {"", groups{of(volume, "k2", 1)}, groups{of(volume, "k1", 4)}, known},
		"nothing sent in this stream yet":         {"", groups{of(volume, "k2", 0)}, groups{of(volume, "k2", 0)}, known},
		"no image at all":                         {"", groups{of(volume, "k1", 4)}, nil, known},
		"an image that nobody says was sent":      {"", nil, groups{of(volume, "k1", 4)}, known},
		"all of a group":                          {together, groups{of(together, "k1", 4)}, groups{of(together, "k1", 4)}, reported},
		"all of what a group was sent before":     {together, groups{of(together, "k1", 4)}, groups{of(together, "k1", 3)}, known},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			row := v1alpha1.ProtectedPVC{Namespace: "shop", Name: "data", ReplicationMethod: v1alpha1.MethodVolSync, LastSyncTime: &metav1.Time{Time: reported}}
			if tc.group != "" {
				row.ReplicationMethod, row.ConsistencyGroup = v1alpha1.MethodVolSyncGroup, tc.group
			}
			f.Placement.Status.LastGroupSyncTime = &metav1.Time{Time: known}
			f.Groups[builder.DR1].Status.LastGroupSyncTime = &metav1.Time{Time: reported}
			f.Groups[builder.DR1].Status.ProtectedPVCs = []v1alpha1.ProtectedPVC{row}
			f.Groups[builder.DR1].Status.VolSync = &v1alpha1.VRGVolSyncStatus{Groups: tc.sent}
			f.Groups[builder.DR2].Status.VolSync = &v1alpha1.VRGVolSyncStatus{
				Groups: tc.received, Destinations: []v1alpha1.VolSyncDestinationStatus{{Name: "data", LatestImage: "image", LastSyncTime: &metav1.Time{Time: ahead}}},
			}
			window := action.Preflight(f, failover()).Status.DataLossWindow
			if window == nil || !window.SyncPoint.Time.Equal(tc.want) {
				t.Errorf("%+v, not %s", window, tc.want)
			}
		})
	}
}
