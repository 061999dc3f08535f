// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

func TestAgentsThatAreAheadOfTheHub(t *testing.T) {
	const failover = v1alpha1.VRGActionFailover
	for name, test := range map[string]struct {
		facts   func() Facts
		epoch   int64
		primary string
		phase   v1alpha1.DRPlacementControlPhase
		update  []string
	}{
		"one primary at the highest epoch is adopted": {
			func() Facts {
				f := deployed()
				f.Groups[dr1] = vrg(dr1).Primary(1, "").ReportsEpoch(secondary, 2).Obj()
				f.Groups[dr2] = vrg(dr2).Secondary(1, "").ReportsEpoch(primary, 2).Obj()
				return f
			}, 2, dr2, v1alpha1.PhaseFailedOver,
			[]string{commandOf(vrg(dr2).Primary(2, failover)), commandOf(vrg(dr1).Secondary(2, failover))},
		},
		"one primary is adopted although the other cluster has not been heard of": {
			func() Facts {
				f := deployed()
				f.Groups[dr2] = vrg(dr2).Secondary(1, "").ReportsEpoch(primary, 5).Obj()
				return f
			}, 5, dr2, v1alpha1.PhaseFailedOver,
			[]string{commandOf(vrg(dr2).Primary(5, failover)), commandOf(vrg(dr1).Secondary(5, failover))},
		},
		"groups that survived their placement are adopted as they are": {
			func() Facts {
				f := deployed()
				f.Placement = builder.DRPC("shop", "shop").Obj()
				return f
			}, 1, dr1, v1alpha1.PhaseDeployed, nil,
		},
		"no primary at the highest epoch is for a person to decide": {
			func() Facts {
				f := deployed()
				f.Groups[dr1] = vrg(dr1).Primary(1, "").ReportsEpoch(secondary, 2).Obj()
				return f
			}, 1, "", v1alpha1.PhaseWaitForUser, nil,
		},
		"two primaries at the highest epoch are for a person to decide": {
			func() Facts {
				f := deployed()
				f.Groups[dr1] = vrg(dr1).Primary(1, "").ReportsEpoch(primary, 2).Obj()
				f.Groups[dr2] = vrg(dr2).Secondary(1, "").ReportsEpoch(primary, 2).Obj()
				return f
			}, 1, "", v1alpha1.PhaseWaitForUser, nil,
		},
		"an agent that remembers more than a new placement is adopted when it says that it is primary": {
			func() Facts {
				f := carriedOut(unplaced(), Decide(unplaced()))
				f.Groups[dr1] = vrg(dr1).Primary(1, "").ReportsEpoch(secondary, 6).Obj()
				f.Groups[dr2] = vrg(dr2).Secondary(1, "").ReportsEpoch(primary, 6).Obj()
				return f
			}, 6, dr2, v1alpha1.PhaseFailedOver,
			[]string{commandOf(vrg(dr2).Primary(6, failover)), commandOf(vrg(dr1).Secondary(6, failover))},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := test.facts()
			d := Decide(f)
			if d.Status.Epoch != test.epoch || d.Status.PrimaryCluster != test.primary || d.Status.Phase != test.phase {
				t.Errorf("epoch %d, primary %q, %s", d.Status.Epoch, d.Status.PrimaryCluster, d.Status.Phase)
			}
			checkCommands(t, "update", d.Update, test.update)
			if test.phase == v1alpha1.PhaseWaitForUser {
				checkCondition(t, d, v1alpha1.ConditionAvailable, metav1.ConditionFalse, "EpochConflict", "request a failover")
			}
			checkStable(t, f, d)
		})
	}
}

func TestAnActionThatAgentsHaveOvertakenFails(t *testing.T) {
	f := accepted(deployed(), relocate)
	f.Groups[dr1] = vrg(dr1).Primary(1, "").ReportsEpoch(secondary, 7).Obj()
	d := Decide(f)
	if result(d) != v1alpha1.ReasonFailed || d.Status.Phase != v1alpha1.PhaseWaitForUser || len(d.Update) > 0 {
		t.Errorf("got %s, %s, update %v", result(d), d.Status.Phase, commands(d.Update))
	}
}

func TestAPersonDecidesWhereAgentsDisagree(t *testing.T) {
	f := deployed()
	f.Groups[dr1] = vrg(dr1).Primary(1, "").ReportsEpoch(secondary, 2).Healthy(saved).Obj()
	f.Placement.Status = Decide(f).Status
	f = accepted(f, acknowledged)
	if record := f.Placement.Status.CurrentAction; record == nil || record.Spec.Epoch != 3 {
		t.Fatalf("got %+v", record)
	}
	checkCommands(t, "update", Decide(f).Update, []string{
		commandOf(vrg(dr2).Primary(3, v1alpha1.VRGActionFailover)), commandOf(vrg(dr1).Secondary(3, v1alpha1.VRGActionFailover)),
	})
	if meta.IsStatusConditionTrue(f.Placement.Status.Conditions, v1alpha1.ConditionAvailable) {
		t.Error("available already")
	}
}
