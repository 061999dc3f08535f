// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"slices"
	"testing"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

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

func snapshotsOf(p Plan) []string {
	if len(p.Snapshot) == 0 {
		return nil
	}
	return membersOf(p.Snapshot[0].GetAnnotations())
}

func TestAGroupIsSentOnceAllOfItIsRestored(t *testing.T) {
	f := twoMembers(rolePrimary)
	f.Claims[1].Bound = false
	if got := snapshotsOf(MakePlan(f, Command{Interval: time.Minute}, noon)); got != nil {
		t.Errorf("%v are sent while the other is being restored", got)
	}
	f.Claims[1].Bound = true
	if got := snapshotsOf(MakePlan(f, Command{Interval: time.Minute, Settled: true}, noon)); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%v are sent once all are restored", got)
	}
}

func TestNothingOfAGroupIsSentOnceOneOfItIsReceived(t *testing.T) {
	f := twoMembers(finalRole(2))
	final := sending{cycle{"s", 2}, noon, finalConfirm(2)}.String()
	sent(f, "a", final, time.Second, true)
	sent(f, "b", final, time.Second, true)
	spec := &v1alpha1.VRGVolSyncSpec{Destinations: []v1alpha1.VolSyncDestination{{Name: "a", Group: together}}}
	if got := snapshotsOf(MakePlan(f, Command{Receiving: true, Spec: spec}, noon)); got != nil {
		t.Errorf("%v are sent to who sends here", got)
	}
	if got := snapshotsOf(MakePlan(f, Command{}, noon)); got != nil {
		t.Errorf("%v are sent after the final sync", got)
	}
}

func TestACycleThatThePeerDoesNotWaitForIsGivenUpAfterSeveralTimesWhatTransfersTookBefore(t *testing.T) {
	const unknown = -1
	for name, test := range map[string]struct {
		took, after time.Duration
		// whether b fails, and also a has not been sent.
		fails, none bool
		arrived     int64
		want        bool
	}{
		"that nothing is known of, after long":         {after: 6 * time.Minute, fails: true, want: true},
		"that nothing is known of":                     {after: 4 * time.Minute, fails: true},
		"of short transfers":                           {took: 3 * time.Second, after: 2 * time.Minute, fails: true, want: true},
		"of short transfers, which may be tried again": {took: 3 * time.Second, after: 50 * time.Second, fails: true},
		"of long transfers":                            {took: 50 * time.Second, after: 2 * time.Minute, fails: true},
		"of long transfers, after long":                {took: time.Hour, after: 6 * time.Minute, fails: true, want: true},
		"that does not fail":                           {took: 3 * time.Second, after: time.Hour},
		"of which the peer may wait for others":        {took: 3 * time.Second, after: time.Hour, fails: true, arrived: 1, want: true},
		"that the peer waits for":                      {took: 3 * time.Second, after: time.Hour, fails: true, arrived: 1, none: true},
		"of which the hub says nothing":                {took: 3 * time.Second, after: time.Hour, fails: true, arrived: unknown, none: true},
	} {
		t.Run("a cycle "+name, func(t *testing.T) {
			f := twoMembers(rolePrimary)
			current := sending{cycle{"s", 2}, noon, ""}
			snapshotted(current.cycle, true, 0)(f)
			f.Copies = map[string]*corev1.PersistentVolumeClaim{copyName("a", current.cycle): {}, copyName("b", current.cycle): {}}
			sent(f, "a", current.String(), test.took, !test.none)
			sent(f, "b", current.String(), test.took, !test.fails)
			if !test.fails {
				f.Sources["b"].Status.LastManualSync = ""
			}
			spec := &v1alpha1.VRGVolSyncSpec{}
			if test.arrived != unknown {
				spec.Arrived = []v1alpha1.VolSyncGroup{{Name: together, Stream: "s", Cycle: test.arrived}}
			}
			p := MakePlan(f, Command{Interval: time.Minute, Settled: true, Spec: spec}, noon.Add(test.after))
			if got := slices.Contains(p.Delete, client.Object(f.GroupSnapshots[0])); got != test.want {
				t.Errorf("given up: %v, want %v", got, test.want)
			}
		})
	}
}

func TestACycleOfWhichAllHasArrivedIsSentAsTheNextIfAnAnswerWasLost(t *testing.T) {
	final, confirm := "final-5", "final-5-confirm"
	of := func(number int64, final string) string { return sending{cycle{"k1", number}, noon, final}.String() }
	for name, test := range map[string]struct {
		// what a, which has answered, and b, which has not, were told; what has arrived, and what they are told then.
		a, b    string
		epoch   int64
		arrived int64
		want    []string
	}{
		"nothing has arrived":               {a: of(3, ""), b: of(3, ""), arrived: 2},
		"all has arrived":                   {a: of(3, ""), b: of(3, ""), arrived: 3, want: []string{"a " + of(4, ""), "b " + of(4, "")}},
		"one was told already":              {a: of(4, ""), b: of(3, ""), arrived: 3, want: []string{"b " + of(4, "")}},
		"that was not answered either":      {a: of(4, ""), b: of(4, ""), arrived: 4, want: []string{"a " + of(5, ""), "b " + of(5, "")}},
		"all of a final sync has arrived":   {a: of(3, final), b: of(3, final), epoch: 5, arrived: 3, want: []string{"a " + of(4, final), "b " + of(4, final)}},
		"all of what proves it has arrived": {a: of(4, confirm), b: of(4, confirm), epoch: 5, arrived: 4, want: []string{"a " + of(5, confirm), "b " + of(5, confirm)}},
	} {
		t.Run(name, func(t *testing.T) {
			role := rolePrimary
			if test.epoch != 0 {
				role = finalRole(test.epoch)
			}
			f := twoMembers(role)
			snapshotted(third, true, test.epoch)(f)
			f.Copies = map[string]*corev1.PersistentVolumeClaim{copyName("a", third): {}, copyName("b", third): {}}
			sent(f, "a", test.a, time.Second, true)
			sent(f, "b", test.b, time.Second, false)
			f.Sources["b"].UID, f.Sources["b"].Spec.Paused, f.Quiet = "b", true, map[types.UID]bool{"b": true}
			p := MakePlan(f, Command{Interval: time.Minute, Settled: test.epoch == 0, Spec: &v1alpha1.VRGVolSyncSpec{
				Arrived: []v1alpha1.VolSyncGroup{{Name: together, Stream: "k1", Cycle: test.arrived}},
			}}, noon.Add(time.Second))
			var told []string
			for _, o := range p.Update {
				if rs := o.(*volsyncv1alpha1.ReplicationSource); trigger(rs) != trigger(f.Sources[rs.Name]) {
					told = append(told, rs.Name+" "+trigger(rs))
				}
			}
			if slices.Sort(told); !slices.Equal(told, test.want) {
				t.Errorf("told are %q, want %q", told, test.want)
			}
		})
	}
}
