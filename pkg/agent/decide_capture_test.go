// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// noted is a volume of which the claim says by which method it is replicated.
func noted(method v1alpha1.ReplicationMethod) func(*Volume) {
	return func(v *Volume) {
		v.Method, v.PVC.Annotations = method, map[string]string{mark.Method: string(method)}
	}
}

func TestTheFirstCaptureWaitsForGroupsButNotForLong(t *testing.T) {
	grouped, copied := noted(v1alpha1.MethodVolumeGroupReplication), noted(v1alpha1.MethodVolSyncGroup)
	in := func(v *Volume) { v.State.Group = "g" }
	for name, tc := range map[string]struct {
		volumes []Volume
		since   time.Duration
		want    bool
	}{
		"of volumes that are replicated one by one": {[]Volume{vol("a", promoting)}, time.Second, true},
		"of groups that there are":                  {[]Volume{vol("a", grouped, promoting, in), vol("b", copied, promoting, in)}, time.Second, true},
		"of one that is to be":                      {[]Volume{vol("a", promoted), vol("b", grouped)}, time.Second, false},
		"of one that VolSync is to copy":            {[]Volume{vol("a", promoted), vol("b", copied, promoting)}, time.Second, false},
		"of one that does not come":                 {[]Volume{vol("a", promoted), vol("b", grouped)}, captureSpacing, true},
		"of one that can't be":                      {[]Volume{vol("a", promoted), vol("b", grouped, classless)}, time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := primaryWorld().with(tc.volumes...)
			w.Checkpoint.History[0].Time = metav1.NewTime(now.Add(-tc.since))
			d := Decide(w.Facts)
			if d.Capture != tc.want || !tc.want && d.After > captureSpacing {
				t.Errorf("captures: %t, looks again after %s", d.Capture, d.After)
			}
		})
	}
}

func TestLaterCapturesWaitForNoGroup(t *testing.T) {
	w := primaryWorld().with(vol("a", noted(v1alpha1.MethodVolumeGroupReplication))).captured(time.Minute, "s3-dr1", "s3-dr2")
	w.Checkpoint.History[0].Time = metav1.NewTime(now.Add(-time.Second))
	w.Checkpoint.LastCapture.Volumes = "others"
	if !Decide(w.Facts).Capture {
		t.Error("it waits")
	}
}

func TestAVolumeIsLetGoOnceCapturesNoLongerHaveIt(t *testing.T) {
	putToOne := func(f *Facts) {
		f.Checkpoint.LastCapture.S3Profiles = []string{"s3-dr1"}
		f.Capture.Taken, f.Capture.Put = f.Checkpoint.LastCapture, []string{"s3-dr1"}
	}
	of := func(leaves func(*Volume)) world {
		w := fullyCaptured(primaryWorld().with(vol("a", promoted), vol("b", promoted)))
		leaves(&w.Volumes[1])
		return w
	}
	for name, leaves := range map[string]func(*Volume){"taken out of the selector": deselected, "deleted": deleted} {
		t.Run(name, func(t *testing.T) {
			run(t, map[string]row{
				"the last capture has it": {
					world: of(leaves), does: []string{"capture"}, state: v1alpha1.PrimaryState, says: []string{"ClusterDataProtected=False Capturing"},
				},
				"the last capture is of another role": {
					world: edit(fullyCaptured(of(leaves)), func(f *Facts) { f.Checkpoint.LastCapture.Epoch-- }),
					does:  []string{"capture"}, state: v1alpha1.PrimaryState,
				},
				"there is none": {
					world: edit(of(leaves), func(f *Facts) { f.Checkpoint.LastCapture = nil }), does: []string{"capture"}, state: v1alpha1.PrimaryState,
				},
				"a profile may have the one without it any moment": {
					world: edit(fullyCaptured(of(leaves)), putToOne), state: v1alpha1.PrimaryState,
				},
				"a profile fails to take the one without it": {
					world: edit(fullyCaptured(of(leaves)), putToOne, func(f *Facts) { f.Capture.Failed = map[string]string{"s3-dr2": "s3-dr2 is dead"} }),
					does:  []string{"release b"}, state: v1alpha1.PrimaryState,
				},
				"the last capture is without it": {world: fullyCaptured(of(leaves)), does: []string{"release b"}, state: v1alpha1.PrimaryState},
			})
		})
	}
}
