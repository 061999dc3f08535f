// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"slices"
	"strings"
	"testing"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// The cycles of these tests.
var (
	third  = cycle{"k1", 3}
	fourth = third.next()
)

// members are the claims a and b, which are to be sent as one.
func members(role string) func(*Facts) {
	return func(f *Facts) {
		for _, name := range []string{"a", "b"} {
			f.Claims = append(f.Claims, Claim{Name: name, Role: role, Bound: true, Group: together, Label: together, GroupSnapshotClass: "class"})
		}
	}
}

// snapshotted is the snapshot of a cycle, taken at noon if it is ready; epoch is that of a final sync.
func snapshotted(c cycle, ready bool, epoch int64) func(*Facts) {
	return func(f *Facts) {
		s := groupSnapshot(group, together, "class", c, []string{"a", "b"}, epoch)
		s.SetCreationTimestamp(metav1.NewTime(noon))
		if ready {
			_ = unstructured.SetNestedField(s.Object, true, "status", "readyToUse")
			_ = unstructured.SetNestedField(s.Object, noon.Format(time.RFC3339), "status", "creationTime")
		}
		f.GroupSnapshots = append(f.GroupSnapshots, s)
	}
}

// sentFor is a source that was told to send; took is how long it was at it since noon, zero while it is.
func sentFor(name string, s sending, took time.Duration, changes ...func(*volsyncv1alpha1.ReplicationSource)) func(*Facts) {
	return func(f *Facts) {
		rs := source(group, Claim{Name: name}, v1alpha1.VolSyncSpec{}, "198.51.100.7", s.String())
		rs.Annotations[annotationGroup] = together
		rs.Status = &volsyncv1alpha1.ReplicationSourceStatus{LastSyncStartTime: ptr.To(metav1.NewTime(noon))}
		if took > 0 {
			rs.Status = &volsyncv1alpha1.ReplicationSourceStatus{
				LastManualSync: s.String(), LastSyncTime: ptr.To(metav1.NewTime(noon.Add(took))),
				LatestMoverStatus: &volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultSuccessful, Logs: "sent 1,000 bytes  received 35 bytes"},
			}
		}
		for _, change := range changes {
			change(rs)
		}
		f.Sources[name] = rs
	}
}

func sendingFails(rs *volsyncv1alpha1.ReplicationSource) {
	rs.Status.LatestMoverStatus = &volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultFailed}
}

// noted has a source know that the third cycle was sent before, within a minute.
func noted(rs *volsyncv1alpha1.ReplicationSource) {
	rs.Annotations[annotationSynced] = sending{cycle: third, at: noon.Add(-time.Hour)}.String()
	rs.Annotations[annotationCost] = cost{time.Minute, ptr.To(int64(7))}.String()
}

func first(f *Facts) *Claim { return &f.Claims[0] }

func TestHowFarAGroupIsWithBeingSent(t *testing.T) {
	of3, of4 := sending{cycle: third, at: noon}, sending{cycle: fourth, at: noon}
	final := sending{cycle: third, at: noon, final: "final-5"}
	confirm := sending{cycle: fourth, at: noon, final: "final-5-confirm"}
	tests := map[string]struct {
		facts *Facts
		// step and current with members sent, the last cycle with what it took, the result and what is said.
		step, current string
		sent          []string
		last, result  string
		message       string
	}{
		"nothing was sent yet": {there(members(rolePrimary)), "Waiting", "", nil, "", "", ""},
		"some have no volume":  {there(members(rolePrimary), unbound), "Waiting", "", nil, "", "", "PersistentVolumeClaim shop/a has no volume"},
		"none has a volume": {there(members(rolePrimary), func(f *Facts) { f.Claims[0].Bound, f.Claims[1].Bound = false, false }),
			"Preparing", "", nil, "", "", "shop/a has no volume that could be sent (and 1 more)"},
		"one is yet to become a member": {there(members(rolePrimary), func(f *Facts) { first(f).Label = "" }), "Preparing", "", nil, "", "", ""},
		"VolSync is gone":               {there(members(rolePrimary), func(f *Facts) { f.Present = false }), "Preparing", "", nil, "", "", "VolSync is not installed"},
		"a snapshot is being taken":     {there(members(rolePrimary), snapshotted(third, false, 0)), "Snapshotting", "k1.3", nil, "", "", ""},
		"a snapshot can't be taken": {there(members(rolePrimary), snapshotted(third, false, 0), func(f *Facts) {
			_ = unstructured.SetNestedField(f.GroupSnapshots[0].Object, "no space", "status", "error", "message")
		}), "Snapshotting", "k1.3", nil, "", "Failed", "VolumeGroupSnapshot shop/shop-together-k1-3: no space"},
		"nobody receives one of them": {there(members(rolePrimary), snapshotted(third, true, 0), sentFor("a", of3, time.Minute), func(f *Facts) {
			f.Copies = map[string]*corev1.PersistentVolumeClaim{copyName("b", third): {}}
		}), "Sending", "k1.3 12:00", []string{"a"}, "", "", "waits for the peer to say where it receives PersistentVolumeClaim shop/b"},
		"one was sent, and the last time it took a minute": {there(members(rolePrimary), snapshotted(fourth, true, 0), sentFor("a", of4, 0, noted), sentFor("b", of4, time.Second, noted)),
			"Sending", "k1.4 12:00", []string{"b"}, "k1.3 11:00 1m0s 7", "Successful", ""},
		"one fails": {there(members(rolePrimary), snapshotted(fourth, true, 0), sentFor("a", of4, 0, noted, sendingFails), sentFor("b", of4, time.Second, noted)),
			"Sending", "k1.4 12:00", []string{"b"}, "k1.3 11:00 1m0s 7", "Failed", "ReplicationSource shop/a: the last transfer failed"},
		"all were sent, and the snapshot is still there": {there(members(rolePrimary), snapshotted(fourth, true, 0), sentFor("a", of4, time.Minute, noted), sentFor("b", of4, time.Second, noted)),
			"Waiting", "", nil, "k1.4 12:00 1m0s 2000", "Successful", ""},
		"all were sent": {there(members(rolePrimary), sentFor("a", of3, time.Minute), sentFor("b", of3, 2*time.Minute)),
			"Waiting", "", nil, "k1.3 12:00 2m0s 2000", "Successful", ""},
		"a final sync": {there(members("final-5"), snapshotted(third, true, 5), sentFor("a", final, time.Second), sentFor("b", final, 0)),
			"Sending", "k1.3 12:00 final-5", []string{"a"}, "", "", ""},
		"a final sync that is to be confirmed": {there(members("final-5"), snapshotted(third, true, 5), sentFor("a", confirm, time.Second), sentFor("b", final, time.Second)),
			"Confirming", "k1.4 12:00 final-5-confirm", []string{"a"}, "", "", ""},
		"a final sync that was confirmed": {there(members("final-5"), sentFor("a", confirm, time.Second), sentFor("b", confirm, time.Second)),
			"Waiting", "", nil, "k1.4 12:00 1s 2000 final-5-confirm", "Successful", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			groups := test.facts.Sent(noon)
			if len(groups) != 1 || groups[0].Source == nil {
				t.Fatalf("told is %+v", groups)
			}
			s := groups[0].Source
			current, last := "", ""
			if s.Current != nil {
				current = describeCycle(*s.Current)
			}
			if len(s.Completed) > 0 {
				last = describeCycle(s.Completed[0])
			}
			if string(s.Step) != test.step || current != test.current || !slices.Equal(s.Sent, test.sent) || last != test.last ||
				string(s.Result) != test.result || !strings.Contains(s.Message, test.message) || test.message == "" && s.Message != "" {
				t.Errorf("%s of %q, sent %v, last %q, %s: %q\nwanted %+v", s.Step, current, s.Sent, last, s.Result, s.Message, test)
			}
			if s.VolumeGroupSnapshotClassName != "class" || (s.Manual != "") != strings.Contains(name, "final") {
				t.Errorf("the class is %q, asked for is %q", s.VolumeGroupSnapshotClassName, s.Manual)
			}
		})
	}
}

func describeCycle(c v1alpha1.VolSyncCycle) string {
	words := []string{c.ID}
	if c.Time != nil {
		words = append(words, c.Time.UTC().Format("15:04"))
	}
	if c.Duration != nil {
		words = append(words, cost{c.Duration.Duration, c.Bytes}.String())
	}
	return strings.TrimSpace(strings.Join(append(words, c.Manual), " "))
}

func TestTheCycleBeforeTheLastIsStillTold(t *testing.T) {
	of4 := sending{cycle: fourth, at: noon}
	f := there(members(rolePrimary), sentFor("a", of4, time.Second, noted), sentFor("b", of4, time.Second, noted))
	var told []string
	for _, c := range f.Sent(noon)[0].Source.Completed {
		told = append(told, c.ID)
	}
	if !slices.Equal(told, []string{"k1.4", "k1.3"}) {
		t.Errorf("told are %v: the peer may still be keeping the last", told)
	}
}

func TestWhoDoesNotGetThroughAsksHowMuchHasArrived(t *testing.T) {
	long := underWay(cycleAt(3), cycleAt(4))
	long.Status.LastSyncDuration.Duration = time.Minute
	for name, test := range map[string]struct {
		rs    *volsyncv1alpha1.ReplicationSource
		after time.Duration
		want  bool
	}{
		"who has sent all":                          {synced(cycleAt(4), time.Second), time.Hour, false},
		"who has yet to begin":                      {asked(cycleAt(4)), time.Hour, false},
		"who has begun":                             {underWay(cycleAt(3), cycleAt(4)), time.Second, false},
		"who fails":                                 {failed(underWay(cycleAt(3), cycleAt(4))), time.Second, true},
		"who takes longer than the last time":       {underWay(cycleAt(3), cycleAt(4)), time.Minute, true},
		"who took long the last time":               {long, time.Minute, false},
		"who takes longer than a long one, however": {long, 2 * time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			now := noon.Add(time.Minute).Add(test.after)
			f := there(claimIs(rolePrimary), sends(test.rs))
			sent := f.Sent(now)
			if len(sent) != 1 || sent[0].Name != byItself || sent[0].Asking != test.want {
				t.Errorf("told is %+v", sent)
			}
		})
	}
}

func TestHowFarAVolumeIsThatIsSentByItself(t *testing.T) {
	const other = "k2"
	afresh := underWay(cycleAt(4), sending{cycle{other, 1}, noon, ""}.String())
	for name, test := range map[string]struct {
		facts  *Facts
		stream string
		cycle  int64
	}{
		"a stream was offered":              {there(claimIs(rolePrimary), offered), "k1", 0},
		"it has no source any more":         {there(claimIs(rolePrimary), begunAt), "k1", 0},
		"the first is under way":            {there(claimIs(rolePrimary), sends(asked(cycleAt(1)))), "k1", 0},
		"the next is under way":             {there(claimIs(rolePrimary), sends(underWay(cycleAt(4), cycleAt(5)))), "k1", 4},
		"the last was answered":             {there(claimIs(rolePrimary), sends(synced(cycleAt(4), time.Second))), "k1", 4},
		"it goes on in another stream":      {there(claimIs(rolePrimary), sends(afresh)), other, 0},
		"somebody asked for a sync":         {there(claimIs(rolePrimary), sends(underWay(cycleAt(4), "mine"))), "k1", 4},
		"it is handed over":                 {there(claimIs("final-7"), sends(synced(cycleAt(5, "final-7"), time.Second))), "k1", 5},
		"it was taken out of a stream":      {there(sends(synced(cycleAt(4), time.Second))), "k1", 4},
		"a source is all that was noted of": {there(claimIs(rolePrimary), begunAt, sends(asked(cycleAt(1)))), "k1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			sent := test.facts.Sent(noon)
			if len(sent) != 1 || sent[0].Stream != test.stream || sent[0].Cycle != test.cycle || !slices.Equal(sent[0].Members, []string{"data"}) || sent[0].Source != nil {
				t.Errorf("told is %+v", sent)
			}
		})
	}
	if sent := there(claimIs(rolePrimary)).Sent(noon); len(sent) > 0 {
		t.Errorf("nothing was offered yet, and told is %+v", sent)
	}
}

func TestWhatIsNotToBeSentHasNoSource(t *testing.T) {
	f := there(members(roleSecondary), sentFor("a", sending{cycle: third, at: noon}, time.Second))
	for _, g := range f.Sent(noon) {
		if g.Source != nil {
			t.Errorf("told is %+v", g)
		}
	}
}

func TestAGroupWithoutAStreamHasTheMembersThatCanBeSent(t *testing.T) {
	g := there(members(rolePrimary), unbound).Sent(noon)[0]
	if g.Stream != "" || g.Cycle != 0 || !slices.Equal(g.Members, []string{"b"}) {
		t.Errorf("told is %+v", g)
	}
}

func TestHowMuchRsyncSent(t *testing.T) {
	const logs = `sent 1,234,567 bytes  received 35 bytes  845.33 bytes/sec
total size is 2,000,000  speedup is 1.62
sent 88 bytes  received 19 bytes  214.00 bytes/sec
rsync completed in 2s`
	const inUnits = `sent 833.81K bytes  received 397.18K bytes  30.39K bytes/sec
total size is 5.18M  speedup is 4.21
sent 1,003 bytes  received 5,657 bytes  13,320.00 bytes/sec
rsync completed in 41s`
	tests := map[string]struct {
		mover *volsyncv1alpha1.MoverStatus
		want  int64
	}{
		"in two runs":         {&volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultSuccessful, Logs: logs}, 1234655},
		"in units":            {&volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultSuccessful, Logs: inUnits}, 833_810 + 1003},
		"in units, elsewhere": {&volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultSuccessful, Logs: "sent 2,05G bytes  received 35 bytes"}, 2_050_000_000},
		"in another country":  {&volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultSuccessful, Logs: "sent 1.234 bytes  received 35 bytes"}, 1234},
		"by one that failed":  {&volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultFailed, Logs: logs}, -1},
		"by one that is mute": {&volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultSuccessful, Logs: "diskrsync completed in 3s"}, -1},
		"by none":             {nil, -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := ptr.Deref(sentBytes(test.mover), -1); got != test.want {
				t.Errorf("sent were %d, wanted %d", got, test.want)
			}
		})
	}
}

func TestWhatIsNotedOfACostIsReadAgain(t *testing.T) {
	for _, c := range []cost{{}, {took: 90 * time.Second}, {took: time.Second, bytes: ptr.To(int64(0))}} {
		if read := parseCost(c.String()); read.took != c.took || !ptr.Equal(read.bytes, c.bytes) {
			t.Errorf("%q is read as %+v", c, read)
		}
	}
}
