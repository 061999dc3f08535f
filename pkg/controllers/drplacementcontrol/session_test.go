// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const thisRun = "this-run"

// restarted is what a hub finds that was started, and perhaps restored: its reports are from before.
func restarted(f Facts) Facts {
	f.Session = thisRun
	return f
}

// reportedAnew is after a cluster's agent has reported to this run.
func reportedAnew(f Facts, cluster string) Facts {
	group := f.Groups[cluster].DeepCopy()
	group.Spec.Session, group.Status.Session = thisRun, thisRun
	f.Groups[cluster] = group
	return f
}

func stopped(f Facts) Facts {
	f.Groups[dr1] = vrg(dr1).Secondary(2, v1alpha1.VRGActionFailover).Reports(secondary).Healthy(saved).Obj()
	return f
}

// passed is a failover that has been stored as past its point of no return, before anybody was told.
func passed() Facts {
	f := stopped(accepted(deployed(), forced))
	f.Placement.Status = Decide(f).Status
	return f
}

func toldPrimary(d Decision) (clusters []string) {
	for _, group := range d.Update {
		if group.Spec.ReplicationState == v1alpha1.Primary && group.Spec.Epoch == d.Status.Epoch {
			clusters = append(clusters, group.Spec.ClusterName)
		}
	}
	return clusters
}

func asked(d Decision) (clusters []string) {
	for _, group := range d.Update {
		if group.Spec.Session == thisRun {
			clusters = append(clusters, group.Spec.ClusterName)
		}
	}
	return clusters
}

func TestNobodyIsPromotedOnReportsThatMayHaveComeBackWithABackup(t *testing.T) {
	relocated := func() Facts {
		f := accepted(deployed(), relocate)
		f.Groups[dr1] = vrg(dr1).Secondary(2, v1alpha1.VRGActionRelocate).Reports(secondary).HandedOver(2).Healthy(saved).Obj()
		return f
	}
	without := func(cluster string, f Facts) Facts {
		f.Clusters[cluster] = lost(cluster)
		return f
	}
	acknowledging := func(f Facts) Facts {
		f.Placement.Status.CurrentAction.Spec.Acknowledgements = []v1alpha1.Acknowledgement{v1alpha1.AckTargetMayStillWrite}
		return f
	}
	for name, test := range map[string]struct {
		facts       Facts
		told, asked string
		says        string
	}{
		"a source that has stopped is asked again":                  {restarted(stopped(accepted(deployed(), forced))), "", "dr1 dr2", "dr1 is to report anew"},
		"a source that has stopped and says so again is believed":   {reportedAnew(restarted(stopped(accepted(deployed(), forced))), dr1), dr2, "dr2", ""},
		"a source that has handed over is asked again":              {restarted(relocated()), "", "dr1 dr2", "dr1 is to report anew"},
		"a source that hands over says so again and is believed":    {reportedAnew(restarted(relocated()), dr1), dr2, "dr2", ""},
		"a lost source is not waited for":                           {restarted(accepted(dead(), acknowledged)), dr2, "dr2 dr1", ""},
		"past the point of no return a connected source is asked":   {restarted(passed()), "", "dr2 dr1", ""},
		"past the point of no return a lost source is not":          {restarted(without(dr1, passed())), dr2, "dr2 dr1", ""},
		"an abort asks the target whether it was promoted":          {restarted(abortOf(accepted(deployed(), forced))), "", "dr1 dr2", "dr2 is to report anew"},
		"an abort goes on once the target says that it was not":     {reportedAnew(restarted(abortOf(accepted(deployed(), forced))), dr2), dr1, "dr1 dr2", ""},
		"an abort waits for a lost target":                          {restarted(without(dr2, abortOf(accepted(deployed(), forced)))), "", "dr1 dr2", "acknowledgement TargetMayStillWrite"},
		"an abort goes on without a lost target that is given up":   {restarted(acknowledging(without(dr2, abortOf(accepted(deployed(), forced))))), dr1, "dr1 dr2", ""},
		"an abort whose target has answered before goes on":         {reportedAnew(restarted(without(dr2, abortOf(accepted(deployed(), forced)))), dr2), dr1, "dr1 dr2", ""},
		"while no action is under way nobody is asked for anything": {restarted(deployed()), "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			test.facts.Now = now.Add(time.Minute)
			d := Decide(test.facts)
			if told := strings.Join(toldPrimary(d), " "); told != test.told {
				t.Errorf("told to be primary is %q, not %q", told, test.told)
			}
			if asked := strings.Join(asked(d), " "); asked != test.asked {
				t.Errorf("asked is %q, not %q", asked, test.asked)
			}
			if test.says != "" && !strings.Contains(d.Status.CurrentAction.Status.Steps[0].Message, test.says) {
				t.Errorf("it says %q", d.Status.CurrentAction.Status.Steps[0].Message)
			}
			checkStable(t, test.facts, d)
		})
	}
}

func TestAnAbortGivesWayToATargetThatWasPromotedBeforeTheHubWasRestored(t *testing.T) {
	for name, report := range map[string]*v1alpha1.VolumeReplicationGroup{
		"in the action's epoch":                     vrg(dr2).Secondary(1, "").ReportsEpoch(primary, 2).Obj(),
		"and is primary in the abort's epoch since": vrg(dr2).Secondary(1, "").ReportsEpoch(primary, 3).Obj(),
	} {
		t.Run(name, func(t *testing.T) {
			f := restarted(abortOf(accepted(deployed(), forced)))
			f.Groups[dr1] = vrg(dr1).Secondary(2, v1alpha1.VRGActionFailover).Reports(secondary).Obj()
			f.Groups[dr2] = report
			d := Decide(f)
			if d.Status.PrimaryCluster != dr2 || d.Status.Epoch != 3 || result(d) != v1alpha1.ReasonFailed {
				t.Errorf("primary is %s in epoch %d, and the action %s", d.Status.PrimaryCluster, d.Status.Epoch, result(d))
			}
			checkCommands(t, "update", d.Update, []string{
				commandOf(vrg(dr2).Primary(3, v1alpha1.VRGActionFailover)), commandOf(vrg(dr1).Secondary(3, v1alpha1.VRGActionFailover)),
			})
			checkStable(t, f, d)
		})
	}
}

func TestATargetThatIsStillBeingPromotedUnbeknownIsWaitedFor(t *testing.T) {
	f := restarted(abortOf(accepted(deployed(), forced)))
	f.Groups[dr2] = vrg(dr2).Secondary(1, "").ReportsEpoch(unknown, 2).Obj()
	d := Decide(f)
	if d.Status.Phase != v1alpha1.PhaseWaitForUser || d.Status.PrimaryCluster != "" || len(d.Update) != 0 {
		t.Errorf("%s, primary %q, %d updates", d.Status.Phase, d.Status.PrimaryCluster, len(d.Update))
	}
	f = carriedOut(f, d)
	f.Groups[dr2] = vrg(dr2).Secondary(1, "").ReportsEpoch(primary, 2).Obj()
	if d := Decide(f); d.Status.PrimaryCluster != dr2 {
		t.Errorf("primary is %q", d.Status.PrimaryCluster)
	}
}

func TestARelocateGivesWayToATargetThatWasPromotedBeforeTheHubWasRestored(t *testing.T) {
	f := restarted(accepted(deployed(), relocate))
	f.Groups[dr1] = vrg(dr1).Secondary(2, v1alpha1.VRGActionRelocate).Reports(unknown).Obj()
	for name, report := range map[string]*v1alpha1.VolumeReplicationGroup{
		"one that says nothing of it":              vrg(dr2).Secondary(1, "").Reports(secondary).Obj(),
		"one that stood down in the same epoch":    vrg(dr2).Secondary(1, "").ReportsEpoch(secondary, 2).Obj(),
		"one that this run has told to be primary": vrg(dr2).Primary(2, v1alpha1.VRGActionRelocate).Reports(primary).Obj(),
	} {
		f.Groups[dr2] = report
		if d := Decide(f); d.Status.Epoch != 2 || result(d) == v1alpha1.ReasonFailed {
			t.Errorf("the relocate does not go on for %s: epoch %d, %s", name, d.Status.Epoch, result(d))
		}
	}
	f.Groups[dr2] = vrg(dr2).Secondary(1, "").ReportsEpoch(unknown, 2).Obj()
	d := Decide(f)
	if result(d) != v1alpha1.ReasonFailed || d.Status.Phase != v1alpha1.PhaseWaitForUser || len(d.Update) != 0 {
		t.Errorf("%s, %s, %d updates", result(d), d.Status.Phase, len(d.Update))
	}
	f = carriedOut(f, d)
	f.Groups[dr2] = vrg(dr2).Secondary(1, "").ReportsEpoch(primary, 2).Obj()
	d = Decide(f)
	if d.Status.PrimaryCluster != dr2 || d.Status.Epoch != 3 || result(d) != v1alpha1.ReasonFailed {
		t.Errorf("primary is %s in epoch %d, and the relocate %s", d.Status.PrimaryCluster, d.Status.Epoch, result(d))
	}
	checkCommands(t, "update", d.Update, []string{
		commandOf(vrg(dr2).Primary(3, v1alpha1.VRGActionFailover)), commandOf(vrg(dr1).Secondary(3, v1alpha1.VRGActionFailover)),
	})
	checkStable(t, f, d)
}

func TestAnEpochThatTheTargetRefusesIsGivenUp(t *testing.T) {
	f := promoting(accepted(dead(), acknowledged))
	f.Groups[dr2] = vrg(dr2).Primary(2, v1alpha1.VRGActionFailover).Reports(secondary).
		Condition(v1alpha1.ConditionDataReady, metav1.ConditionFalse, v1alpha1.ReasonEpochConflict, "it stood down in epoch 2").Obj()
	d := Decide(f)
	if result(d) != v1alpha1.ReasonFailed || d.Status.Phase != v1alpha1.PhaseWaitForUser {
		t.Errorf("the action %s, and the placement is %s", result(d), d.Status.Phase)
	}
	f = carriedOut(f, d)
	f.Groups[dr2] = vrg(dr2).Primary(2, v1alpha1.VRGActionFailover).Reports(secondary).Healthy(saved).Obj()
	next := accepted(f, acknowledged)
	if refusal := action.Refusal(*next.Placement.Status.CurrentAction); refusal != nil {
		t.Fatal(refusal)
	}
	if epoch := next.Placement.Status.Epoch; epoch != 3 {
		t.Errorf("the next epoch is %d", epoch)
	}
}
