// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"slices"
	"testing"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// twoMembers are those of a group in a role.
func twoMembers(role string) *Facts {
	return there(func(f *Facts) {
		for _, name := range []string{"a", "b"} {
			f.Claims = append(f.Claims, Claim{Name: name, Role: role, Bound: true, Group: together, Label: together, GroupSnapshotClass: "together"})
		}
	})
}

// sent puts a source in place that has answered its trigger after so long; failing that it has not, and failed.
func sent(f *Facts, name, trigger string, took time.Duration, succeeded bool) {
	rs := &volsyncv1alpha1.ReplicationSource{ObjectMeta: meta(group, name)}
	rs.Annotations[annotationGroup] = together
	rs.Spec.Trigger = &volsyncv1alpha1.ReplicationSourceTriggerSpec{Manual: trigger}
	rs.Spec.RsyncTLS = &volsyncv1alpha1.ReplicationSourceRsyncTLSSpec{Address: ptr.To("198.51.100.7")}
	rs.Status = &volsyncv1alpha1.ReplicationSourceStatus{LatestMoverStatus: &volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultFailed}}
	if took > 0 {
		rs.Status.LastSyncDuration = &metav1.Duration{Duration: took}
	}
	if succeeded {
		rs.Status.LastManualSync, rs.Status.LatestMoverStatus.Result = trigger, volsyncv1alpha1.MoverResultSuccessful
	} else {
		rs.Status.LastSyncStartTime = ptr.To(metav1.NewTime(noon))
	}
	f.Sources[name] = rs
}

func begun(p Plan) []string {
	if len(p.Snapshot) == 0 {
		return nil
	}
	return membersOf(p.Snapshot[0].GetAnnotations())
}

func TestAGroupIsSentOnceAllOfItIsRestored(t *testing.T) {
	f := twoMembers(rolePrimary)
	f.Claims[1].Bound = false
	if got := begun(MakePlan(f, Command{Interval: time.Minute}, noon)); got != nil {
		t.Errorf("%v are sent while the other is being restored", got)
	}
	f.Claims[1].Bound = true
	if got := begun(MakePlan(f, Command{Interval: time.Minute, Settled: true}, noon)); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%v are sent once all are restored", got)
	}
}

func TestNothingOfAGroupIsSentOnceOneOfItIsReceived(t *testing.T) {
	f := twoMembers(finalRole(2))
	final := sending{cycle{"s", 2}, noon, finalConfirm(2)}.String()
	sent(f, "a", final, time.Second, true)
	sent(f, "b", final, time.Second, true)
	spec := &v1alpha1.VRGVolSyncSpec{Destinations: []v1alpha1.VolSyncDestination{{Name: "a", Group: together}}}
	if got := begun(MakePlan(f, Command{Receiving: true, Spec: spec}, noon)); got != nil {
		t.Errorf("%v are sent to who sends here", got)
	}
	if got := begun(MakePlan(f, Command{}, noon)); got != nil {
		t.Errorf("%v are sent after the final sync", got)
	}
}

func TestACycleIsGivenUpAfterSeveralTimesWhatTransfersTookBefore(t *testing.T) {
	for name, test := range map[string]struct {
		took, after time.Duration
		fails, want bool
	}{
		"that nothing is known of, after long":         {after: 6 * time.Minute, fails: true, want: true},
		"that nothing is known of":                     {after: 4 * time.Minute, fails: true},
		"of short transfers":                           {took: 3 * time.Second, after: 2 * time.Minute, fails: true, want: true},
		"of short transfers, which may be tried again": {took: 3 * time.Second, after: 50 * time.Second, fails: true},
		"of long transfers":                            {took: 50 * time.Second, after: 2 * time.Minute, fails: true},
		"of long transfers, after long":                {took: time.Hour, after: 6 * time.Minute, fails: true, want: true},
		"that does not fail":                           {took: 3 * time.Second, after: time.Hour},
	} {
		t.Run("a cycle "+name, func(t *testing.T) {
			f := twoMembers(rolePrimary)
			current := sending{cycle{"s", 2}, noon, ""}
			f.GroupSnapshots = []*GroupSnapshot{groupSnapshot(group, together, "together", current.cycle, []string{"a", "b"}, 0)}
			f.GroupSnapshots[0].SetCreationTimestamp(metav1.NewTime(noon))
			sent(f, "a", current.String(), test.took, true)
			sent(f, "b", current.String(), test.took, !test.fails)
			p := MakePlan(f, Command{Interval: time.Minute, Settled: true}, noon.Add(test.after))
			if got := len(p.Delete) > 0; got != test.want {
				t.Errorf("given up: %v, want %v", got, test.want)
			}
		})
	}
}
