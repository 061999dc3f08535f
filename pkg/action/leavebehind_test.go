// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

// volumes has dr1, which is lost, have reported rows, and its group what follows from them.
func volumes(rows ...v1alpha1.ProtectedPVC) action.Facts {
	f := dead()
	f.Placement.Status.LastGroupSyncTime = nil
	reported(f.Groups[builder.DR1], rows...)
	return f
}

func reported(group *v1alpha1.VolumeReplicationGroup, rows ...v1alpha1.ProtectedPVC) {
	group.Status.ProtectedPVCs = rows
	oldest, protected := rows[0].LastSyncTime, metav1.ConditionTrue
	for i := range rows {
		if oldest != nil && (rows[i].LastSyncTime == nil || rows[i].LastSyncTime.Before(oldest)) {
			oldest = rows[i].LastSyncTime
		}
		if !meta.IsStatusConditionTrue(rows[i].Conditions, v1alpha1.ConditionDataProtected) {
			protected = metav1.ConditionFalse
		}
	}
	group.Status.LastGroupSyncTime = oldest
	meta.SetStatusCondition(&group.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionDataProtected, Status: protected, Reason: "Reported"})
}

// volume is a row of one that was synced so long ago; never, if that is zero.
func volume(name string, ago time.Duration, protected metav1.ConditionStatus) v1alpha1.ProtectedPVC {
	row := v1alpha1.ProtectedPVC{Namespace: "shop", Name: name, ReplicationMethod: v1alpha1.MethodVolumeReplication, Conditions: []metav1.Condition{
		{Type: v1alpha1.ConditionDataReady, Status: metav1.ConditionTrue},
		{Type: v1alpha1.ConditionDataProtected, Status: protected, Message: name + " is what it is"},
	}}
	if ago > 0 {
		row.LastSyncTime = &metav1.Time{Time: now.Add(-ago)}
	}
	return row
}

func leaving(claims ...string) action.Request {
	return action.Request{Type: v1alpha1.ActionFailover, Acknowledgements: acknowledged.Acknowledgements, LeaveBehind: claims}
}

func TestWhatIsLeftBehindStandsAgainstNothing(t *testing.T) {
	const yes, no = metav1.ConditionTrue, metav1.ConditionFalse
	copies := func(f action.Facts, rows ...v1alpha1.ProtectedPVC) action.Facts {
		reported(f.Groups[builder.DR2], rows...)
		return f
	}
	synced := func() action.Facts { return volumes(volume("a", time.Minute, yes), volume("b", time.Minute, yes)) }
	synchronous := func(f action.Facts) action.Facts {
		f.Policy.Spec.SchedulingInterval = ""
		return f
	}
	for name, test := range map[string]struct {
		facts   action.Facts
		request action.Request
		failed  []string
		code    int32
		says    string
		lost    time.Duration
	}{
		"a name that nobody has": {
			facts: synced(), request: leaving("a", "c"), failed: []string{"LeaveBehindKnown"}, code: http.StatusUnprocessableEntity,
			says: "no PersistentVolumeClaim c; it has a, b",
		},
		"of which nothing is known":          {facts: dead(), request: leaving("c"), lost: time.Minute},
		"one that the target alone knows":    {facts: copies(synced(), volume("z", 0, yes)), request: leaving("z"), lost: time.Minute},
		"more than a field has room for":     {facts: many(101), request: leaving(names(101)...), failed: []string{"LeaveBehindKnown"}, code: http.StatusUnprocessableEntity, says: "100 at most"},
		"one that was never synced":          {facts: volumes(volume("a", time.Minute, yes), volume("b", 0, no)), request: leaving("b"), lost: time.Minute},
		"one of two that never were":         {facts: volumes(volume("a", 0, no), volume("b", 0, no)), request: leaving("b"), failed: []string{"Protected", "CopyFresh"}, code: http.StatusConflict},
		"one that was synced long ago":       {facts: volumes(volume("a", time.Minute, yes), volume("b", time.Hour, no)), request: leaving("b"), lost: time.Minute},
		"not the one that was":               {facts: volumes(volume("a", time.Minute, yes), volume("b", time.Hour, no)), request: leaving("a"), failed: []string{"CopyFresh"}, code: http.StatusConflict},
		"all there are":                      {facts: volumes(volume("a", 0, no)), request: leaving("a"), lost: time.Minute},
		"what nothing replicates":            {facts: volumes(volume("a", time.Minute, yes), plain("p")), request: leaving("p"), lost: time.Minute},
		"what nothing replicates, not named": {facts: volumes(volume("a", time.Minute, yes), plain("p")), request: leaving("a"), failed: []string{"VolumesProtected"}, code: http.StatusConflict, says: "shop/p"},
		"one whose copy is not complete":     {facts: copies(synced(), volume("a", 0, yes), volume("b", 0, no)), request: leaving("b"), lost: time.Minute},
		"not the one whose copy is complete": {facts: copies(synced(), volume("a", 0, yes), volume("b", 0, no)), request: leaving("a"), failed: []string{"PeerReady"}, code: http.StatusConflict, says: "b is what it is"},
		"one of shared storage":              {facts: synchronous(volumes(volume("a", 0, yes), volume("b", 0, no))), request: leaving("b")},
		"not the one that is mirrored":       {facts: synchronous(volumes(volume("a", 0, yes), volume("b", 0, no))), request: leaving("a"), failed: []string{"Protected"}, code: http.StatusConflict},
	} {
		t.Run(name, func(t *testing.T) {
			record := action.Preflight(test.facts, test.request)
			if failed := results(record, v1alpha1.CheckFailed); !sameSet(failed, test.failed) {
				t.Errorf("failed %v, want %v", failed, test.failed)
			}
			checkRefusal(t, record, test.code, test.says)
			if len(test.failed) > 0 {
				return
			}
			if window := record.Status.DataLossWindow; window == nil || window.Duration.Duration != test.lost {
				t.Errorf("data loss window %+v, want %s", window, test.lost)
			}
			promote := action.Step(&record, v1alpha1.StepPromote)
			if !slices.Equal(record.Spec.LeaveBehind, test.request.LeaveBehind) || !strings.HasSuffix(promote.Description, " "+test.request.LeaveBehind[0]+" is left behind.") {
				t.Errorf("records %v, and promotes so: %s", record.Spec.LeaveBehind, promote.Description)
			}
		})
	}
}

func plain(name string) v1alpha1.ProtectedPVC {
	row := volume(name, 0, metav1.ConditionFalse)
	row.ReplicationMethod = ""
	return row
}

func names(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("data-%d", i))
	}
	return all
}

func many(n int) action.Facts {
	var rows []v1alpha1.ProtectedPVC
	for _, name := range names(n) {
		rows = append(rows, volume(name, time.Minute, metav1.ConditionTrue))
	}
	return volumes(rows...)
}

func TestMoreIsLeftBehindWhileAFailoverRuns(t *testing.T) {
	const yes = metav1.ConditionTrue
	known := func(f action.Facts) action.Facts {
		reported(f.Groups[builder.DR1], volume("a", time.Minute, yes), volume("b", time.Minute, yes))
		return f
	}
	forced := action.Request{Type: v1alpha1.ActionFailover, Force: true}
	passed := running(known(dead()), leaving("a"))
	ended := running(known(dead()), leaving("a"))
	action.End(ended.Placement.Status.CurrentAction, v1alpha1.ReasonSucceeded, "", metav1.NewMicroTime(now))
	aborted := running(known(healthy()), forced)
	if err := action.Abort(aborted.Placement, "sue", "", now); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		facts   action.Facts
		again   action.Request
		refused string
		left    []string
	}{
		"before the point of no return":     {facts: running(known(healthy()), forced), again: leaving("b"), left: []string{"b"}},
		"after it, without saying where to": {facts: passed, again: leaving("b", "a"), left: []string{"a", "b"}},
		"after it, by name":                 {facts: passed, again: action.Request{Type: v1alpha1.ActionFailover, Name: "shop-failover-4", LeaveBehind: []string{"b"}}, left: []string{"a", "b"}},
		"what nobody has":                   {facts: passed, again: leaving("c"), refused: "LeaveBehindKnown", left: []string{"a"}},
		"nothing further":                   {facts: passed, again: leaving("a"), refused: "NoActionInProgress", left: []string{"a"}},
		"to somewhere else":                 {facts: passed, again: action.Request{Type: v1alpha1.ActionFailover, TargetCluster: builder.DR1, LeaveBehind: []string{"b"}}, refused: "NoActionInProgress", left: []string{"a"}},
		"while it is aborted":               {facts: aborted, again: leaving("b"), refused: "NoActionInProgress"},
		"of an action that has ended":       {facts: ended, again: action.Request{Type: v1alpha1.ActionFailover, Name: "shop-failover-4", LeaveBehind: []string{"b"}}, left: []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := test.facts
			f.Placement = f.Placement.DeepCopy()
			epoch, phase := f.Placement.Status.Epoch, f.Placement.Status.Phase
			record := action.Preflight(f, test.again)
			refusal := action.Refusal(record)
			if (refusal != nil) != (test.refused != "") || refusal != nil && string(refusal.ErrStatus.Details.Causes[0].Type) != test.refused {
				t.Fatalf("refused: %v", refusal)
			}
			if refusal == nil {
				action.Accept(f.Placement, record)
			}
			current := f.Placement.Status.CurrentAction
			if !slices.Equal(current.Spec.LeaveBehind, test.left) || f.Placement.Status.Epoch != epoch || f.Placement.Status.Phase != phase {
				t.Errorf("leaves %v behind, want %v", current.Spec.LeaveBehind, test.left)
			}
			says := action.Step(current, v1alpha1.StepPromote).Description
			if refusal == nil && !strings.Contains(says, named(test.left)) {
				t.Errorf("says %q", says)
			}
		})
	}
}

// named is what a plan says of the claims that are left behind.
func named(claims []string) string {
	if len(claims) == 1 {
		return " PersistentVolumeClaim " + claims[0] + " is left behind."
	}
	return " PersistentVolumeClaims " + strings.Join(claims, ", ") + " are left behind."
}

func TestARefusalNamesWhatCouldBeLeftBehind(t *testing.T) {
	const yes, no = metav1.ConditionTrue, metav1.ConditionFalse
	incomplete := volumes(volume("a", time.Minute, yes), volume("b", time.Minute, yes))
	reported(incomplete.Groups[builder.DR2], volume("a", 0, yes), volume("b", 0, no))
	for name, test := range map[string]struct {
		facts action.Facts
		names string
	}{
		"one of two that was never synced":      {volumes(volume("a", time.Minute, yes), volume("b", 0, no)), "without b,"},
		"not if none was":                       {volumes(volume("a", 0, no), volume("b", 0, no)), ""},
		"one of two whose copy is not complete": {incomplete, "without b,"},
	} {
		t.Run(name, func(t *testing.T) {
			refusal := action.Refusal(action.Preflight(test.facts, acknowledged))
			if refusal == nil || strings.Contains(refusal.Error(), "go on without") != (test.names != "") || !strings.Contains(refusal.Error(), test.names) {
				t.Errorf("%v", refusal)
			}
		})
	}
}
