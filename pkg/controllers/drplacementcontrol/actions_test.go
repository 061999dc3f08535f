// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// dead is a deployed application whose cluster was lost.
func dead() Facts {
	f := deployed()
	f.Clusters[dr1] = lost(dr1)
	f.Placement.Status = Decide(f).Status
	return f
}

func fenced(c Cluster) Cluster {
	c.Fence = action.FenceFacts{Fenced: true, Phase: v1alpha1.ClusterFenced}
	return c
}

func TestActions(t *testing.T) {
	const failover, relocating = v1alpha1.VRGActionFailover, v1alpha1.VRGActionRelocate
	for name, test := range map[string]struct {
		facts   func() Facts
		update  []string
		primary string
		steps   string
		result  string
		phase   v1alpha1.DRPlacementControlPhase
	}{
		"a failover of a lost cluster promotes at once": {
			facts:   func() Facts { return accepted(dead(), acknowledged) },
			update:  []string{commandOf(vrg(dr2).Primary(2, failover)), commandOf(vrg(dr1).Secondary(2, failover))},
			primary: dr2, steps: "Done Running Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseFailingOver,
		},
		"a failover of a connected cluster stops it first": {
			facts:   func() Facts { return accepted(deployed(), forced) },
			update:  []string{commandOf(vrg(dr1).Secondary(2, failover))},
			primary: dr1, steps: "Running Pending Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseFailingOver,
		},
		"an acknowledgement does not keep a failover from waiting for a connected cluster": {
			facts:   func() Facts { return accepted(deployed(), acknowledged) },
			update:  []string{commandOf(vrg(dr1).Secondary(2, failover))},
			primary: dr1, steps: "Running Pending Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseFailingOver,
		},
		"a failover promotes once the source is quiesced": {
			facts: func() Facts {
				f := accepted(deployed(), forced)
				f.Groups[dr1] = vrg(dr1).Secondary(2, failover).Reports(unknown).
					Condition(v1alpha1.ConditionQuiesced, metav1.ConditionTrue, "Stopped", "").Obj()
				return f
			},
			update:  []string{commandOf(vrg(dr2).Primary(2, failover))},
			primary: dr2, steps: "Done Running Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseFailingOver,
		},
		"a failover does not take a quiesced report on an earlier command for the source's word": {
			facts: func() Facts {
				f := accepted(deployed(), forced)
				f.Groups[dr1] = vrg(dr1).Secondary(2, failover).Reports(secondary).
					Condition(v1alpha1.ConditionQuiesced, metav1.ConditionTrue, "Stopped", "").Commanded().Obj()
				return f
			},
			primary: dr1, steps: "Running Pending Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseFailingOver,
		},
		"a failover whose source is lost while it stops waits without the acknowledgement": {
			facts: func() Facts {
				f := accepted(deployed(), forced)
				f.Clusters[dr1] = lost(dr1)
				return f
			},
			update:  []string{commandOf(vrg(dr1).Secondary(2, failover))},
			primary: dr1, steps: "Running Pending Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseFailingOver,
		},
		"a failover whose source is lost while it stops goes on with the acknowledgement": {
			facts: func() Facts {
				f := accepted(deployed(), acknowledged)
				f.Clusters[dr1] = lost(dr1)
				return f
			},
			update:  []string{commandOf(vrg(dr2).Primary(2, failover)), commandOf(vrg(dr1).Secondary(2, failover))},
			primary: dr2, steps: "Done Running Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseFailingOver,
		},
		"a failover whose source is lost goes on once it is fenced": {
			facts: func() Facts {
				f := accepted(deployed(), forced)
				f.Clusters[dr1] = fenced(lost(dr1))
				return f
			},
			update:  []string{commandOf(vrg(dr2).Primary(2, failover)), commandOf(vrg(dr1).Secondary(2, failover))},
			primary: dr2, steps: "Done Running Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseFailingOver,
		},
		"a failover restores objects once volumes are in place": {
			facts: func() Facts {
				f := promoting(accepted(dead(), acknowledged))
				f.Groups[dr2] = vrg(dr2).Primary(2, failover).Reports(primary).
					Condition(v1alpha1.ConditionClusterDataReady, metav1.ConditionTrue, "Restored", "").Obj()
				return f
			},
			primary: dr2, steps: "Done Done Running", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseFailingOver,
		},
		"a failover succeeds with a single report": {
			facts: func() Facts {
				f := promoting(accepted(dead(), acknowledged))
				f.Groups[dr2] = vrg(dr2).Primary(2, failover).Reports(primary).Healthy(saved).NeverSaved().Obj()
				return f
			},
			primary: dr2, steps: "Done Done Done", result: v1alpha1.ReasonSucceeded, phase: v1alpha1.PhaseFailedOver,
		},
		"a target that reports on an earlier command only has not been promoted": {
			facts: func() Facts {
				f := promoting(accepted(dead(), acknowledged))
				f.Groups[dr2] = vrg(dr2).Primary(2, failover).Reports(primary).Healthy(saved).Commanded().Obj()
				return f
			},
			primary: dr2, steps: "Done Running Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseFailingOver,
		},
		"a relocate hands over first": {
			facts:   func() Facts { return accepted(deployed(), relocate) },
			update:  []string{commandOf(vrg(dr1).Secondary(2, relocating))},
			primary: dr1, steps: "Running Pending Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseRelocating,
		},
		"a relocate does not promote without a token": {
			facts: func() Facts {
				f := accepted(deployed(), relocate)
				f.Groups[dr1] = vrg(dr1).Secondary(2, relocating).Reports(secondary).Healthy(saved).Obj()
				return f
			},
			primary: dr1, steps: "Running Pending Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseRelocating,
		},
		"a relocate does not promote with a token of another epoch": {
			facts: func() Facts {
				f := accepted(deployed(), relocate)
				f.Groups[dr1] = vrg(dr1).Secondary(2, relocating).Reports(secondary).HandedOver(1).Obj()
				return f
			},
			primary: dr1, steps: "Running Pending Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseRelocating,
		},
		"a relocate does not promote on a token while the source is not secondary": {
			facts: func() Facts {
				f := accepted(deployed(), relocate)
				f.Groups[dr1] = vrg(dr1).Secondary(2, relocating).Reports(unknown).HandedOver(2).Obj()
				return f
			},
			primary: dr1, steps: "Running Pending Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseRelocating,
		},
		"a relocate promotes with the token": {
			facts: func() Facts {
				f := accepted(deployed(), relocate)
				f.Groups[dr1] = vrg(dr1).Secondary(2, relocating).Reports(secondary).HandedOver(2).Obj()
				return f
			},
			update:  []string{commandOf(vrg(dr2).Primary(2, relocating).Token(2, dr1))},
			primary: dr2, steps: "Done Running Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseRelocating,
		},
		"a relocate whose source is lost never turns into a failover": {
			facts: func() Facts {
				f := accepted(deployed(), relocate)
				f.Groups[dr1] = vrg(dr1).Secondary(2, relocating).Reports(secondary).Obj()
				f.Clusters[dr1] = lost(dr1)
				return f
			},
			primary: dr1, steps: "Running Pending Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseRelocating,
		},
		"a relocate keeps the token the target has when the source is lost after it handed over": {
			facts: func() Facts {
				f := handedOver()
				f.Groups[dr1].Status.HandoverToken = nil
				f.Clusters[dr1] = lost(dr1)
				return f
			},
			primary: dr2, steps: "Done Running Pending", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseRelocating,
		},
		"a relocate succeeds": {
			facts: func() Facts {
				f := handedOver()
				f.Groups[dr2] = vrg(dr2).Primary(2, relocating).Token(2, dr1).Reports(primary).Healthy(saved).NeverSaved().Obj()
				return f
			},
			primary: dr2, steps: "Done Done Done", result: v1alpha1.ReasonSucceeded, phase: v1alpha1.PhaseRelocated,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := test.facts()
			d := Decide(f)
			checkCommands(t, "update", d.Update, test.update)
			if d.Status.PrimaryCluster != test.primary || d.Status.Phase != test.phase || steps(d) != test.steps || result(d) != test.result {
				t.Errorf("primary %s, %s, steps %s, %s; want %s, %s, %s, %s", d.Status.PrimaryCluster, d.Status.Phase, steps(d), result(d),
					test.primary, test.phase, test.steps, test.result)
			}
			if ended := test.result == v1alpha1.ReasonSucceeded; ended != (d.Status.CurrentAction.Status.WorkloadReadyTime != nil) {
				t.Errorf("workloadReadyTime is %v", d.Status.CurrentAction.Status.WorkloadReadyTime)
			}
			checkStable(t, f, d)
		})
	}
}

// promoting is the application once its target was commanded, past the point of no return.
func promoting(f Facts) Facts { return carriedOut(f, Decide(f)) }

// handedOver is a relocate whose target was commanded.
func handedOver() Facts {
	f := accepted(deployed(), relocate)
	f.Groups[dr1] = vrg(dr1).Secondary(2, v1alpha1.VRGActionRelocate).Reports(secondary).HandedOver(2).Healthy(saved).Obj()
	return promoting(f)
}

func TestAcceptanceLeavesNothingButCommandsToDo(t *testing.T) {
	d := Decide(accepted(dead(), acknowledged))
	if d.StatusChanged {
		t.Error("the failover of a lost cluster has a further write of the status on its path")
	}
	d = Decide(accepted(deployed(), relocate))
	if d.StatusChanged {
		t.Error("a relocate has a further write of the status on its path")
	}
}

func TestAborts(t *testing.T) {
	const abort = v1alpha1.VRGActionAbort
	for name, test := range map[string]struct {
		facts  func() Facts
		update []string
		steps  string
		result string
		phase  v1alpha1.DRPlacementControlPhase
	}{
		"an aborted relocate makes the source primary again": {
			facts:  func() Facts { return abortOf(accepted(deployed(), relocate)) },
			update: []string{commandOf(vrg(dr1).Primary(3, abort)), commandOf(vrg(dr2).Secondary(3, ""))},
			steps:  "Running Skipped Skipped", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseRelocating,
		},
		"an aborted relocate takes back even a token": {
			facts: func() Facts {
				f := accepted(deployed(), relocate)
				f.Groups[dr1] = vrg(dr1).Secondary(2, v1alpha1.VRGActionRelocate).Reports(secondary).HandedOver(2).Obj()
				return abortOf(f)
			},
			update: []string{commandOf(vrg(dr1).Primary(3, abort)), commandOf(vrg(dr2).Secondary(3, ""))},
			steps:  "Running Skipped Skipped", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseRelocating,
		},
		"an abort waits for the source's objects": {
			facts: func() Facts {
				f := promoting(abortOf(accepted(deployed(), relocate)))
				f.Groups[dr1] = vrg(dr1).Primary(3, abort).Reports(primary).Obj()
				return f
			},
			steps: "Running Skipped Skipped", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseRelocating,
		},
		"an abort ends when the source is primary again": {
			facts: func() Facts {
				f := promoting(abortOf(accepted(deployed(), relocate)))
				f.Groups[dr1] = vrg(dr1).Primary(3, abort).Reports(primary).Healthy(saved).Obj()
				return f
			},
			steps: "Skipped Skipped Skipped", result: v1alpha1.ReasonAborted, phase: v1alpha1.PhaseDeployed,
		},
		"an abort does not wait for a source that is lost": {
			facts: func() Facts {
				f := abortOf(accepted(deployed(), relocate))
				f.Clusters[dr1] = lost(dr1)
				return f
			},
			update: []string{commandOf(vrg(dr1).Primary(3, abort)), commandOf(vrg(dr2).Secondary(3, ""))},
			steps:  "Skipped Skipped Skipped", result: v1alpha1.ReasonAborted, phase: v1alpha1.PhaseDeployed,
		},
		"an aborted failover goes back to the source": {
			facts:  func() Facts { return abortOf(accepted(deployed(), forced)) },
			update: []string{commandOf(vrg(dr1).Primary(3, abort)), commandOf(vrg(dr2).Secondary(3, ""))},
			steps:  "Running Skipped Skipped", result: v1alpha1.ReasonInProgress, phase: v1alpha1.PhaseFailingOver,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := test.facts()
			d := Decide(f)
			checkCommands(t, "update", d.Update, test.update)
			if d.Status.PrimaryCluster != dr1 || d.Status.Epoch != 3 || d.Status.Phase != test.phase || steps(d) != test.steps || result(d) != test.result {
				t.Errorf("primary %s, epoch %d, %s, steps %s, %s", d.Status.PrimaryCluster, d.Status.Epoch, d.Status.Phase, steps(d), result(d))
			}
			checkStable(t, f, d)
		})
	}
}

func TestAnAbortLeavesAFormerPrimaryResyncing(t *testing.T) {
	for name, before := range map[string]v1alpha1.VRGAction{
		"failed away from": v1alpha1.VRGActionFailover, "handed over": v1alpha1.VRGActionRelocate,
	} {
		t.Run(name, func(t *testing.T) {
			f := deployed()
			f.Placement.Status.PrimaryCluster, f.Placement.Status.Epoch = dr2, 2
			f.Groups[dr1] = vrg(dr1).Secondary(2, before).Reports(secondary).Healthy(saved).Obj()
			f.Groups[dr2] = vrg(dr2).Primary(2, before).Reports(primary).Healthy(saved).Obj()
			back := relocate
			back.TargetCluster = dr1
			f = abortOf(accepted(f, back))
			d := Decide(f)
			checkCommands(t, "update", d.Update, []string{
				commandOf(vrg(dr2).Primary(4, v1alpha1.VRGActionAbort)), commandOf(vrg(dr1).Secondary(4, v1alpha1.VRGActionFailover)),
			})
			checkStable(t, f, d)
		})
	}
}

func TestAFormerPrimaryKeepsWhatWasLeftBehindAsLongAsItIsSecondary(t *testing.T) {
	former := func() Facts {
		f := deployed()
		f.Placement.Status.PrimaryCluster, f.Placement.Status.Epoch = dr2, 2
		f.Groups[dr1] = vrg(dr1).Secondary(2, v1alpha1.VRGActionFailover).Reports(secondary).Healthy(saved).Obj()
		f.Groups[dr2] = vrg(dr2).Primary(2, v1alpha1.VRGActionFailover).Reports(primary).Healthy(saved).Obj()
		f.Groups[dr1].Spec.LeaveBehind, f.Groups[dr2].Spec.LeaveBehind = []string{"data"}, []string{"data"}
		return f
	}
	back := relocate
	back.TargetCluster = dr1
	failBack := action.Request{Type: v1alpha1.ActionFailover, TargetCluster: dr1, Force: true}
	adopted := former()
	adopted.Groups[dr2].Status.Epoch, adopted.Groups[dr2].Spec.Epoch = 3, 3
	for name, f := range map[string]Facts{
		"nothing happens":                   former(),
		"a relocate back is under way":      accepted(former(), back),
		"a relocate back was aborted":       abortOf(accepted(former(), back)),
		"a failover back was aborted":       abortOf(accepted(former(), failBack)),
		"the hub has adopted a later epoch": adopted,
	} {
		t.Run(name, func(t *testing.T) {
			d := Decide(f)
			after := carriedOut(f, d)
			if got := after.Groups[dr1].Spec; got.ReplicationState != v1alpha1.Secondary || !slices.Equal(got.LeaveBehind, []string{"data"}) {
				t.Errorf("%s is told %v", describe(got), got.LeaveBehind)
			}
			checkStable(t, f, d)
		})
	}
}

func abortOf(f Facts) Facts {
	if err := action.Abort(f.Placement, "sue", "", f.Now); err != nil {
		panic(err)
	}
	return f
}

func TestAFailoverAfterAnAbortUsesANewEpoch(t *testing.T) {
	f := abortOf(accepted(deployed(), relocate))
	f.Clusters[dr1] = lost(dr1)
	f = promoting(f)
	f.Groups[dr2] = vrg(dr2).Secondary(3, "").Reports(secondary).Healthy(saved).Obj()
	f = accepted(f, acknowledged)
	if refused := action.Refusal(*f.Placement.Status.CurrentAction); refused != nil {
		t.Fatal(refused)
	}
	checkCommands(t, "update", Decide(f).Update, []string{
		commandOf(vrg(dr2).Primary(4, v1alpha1.VRGActionFailover)), commandOf(vrg(dr1).Secondary(4, v1alpha1.VRGActionFailover)),
	})
}

func TestProtectedTimeIsFilledInOnceProtectedAgain(t *testing.T) {
	f := promoting(accepted(dead(), acknowledged))
	f.Groups[dr2] = vrg(dr2).Primary(2, v1alpha1.VRGActionFailover).Reports(primary).Healthy(saved).NeverSaved().Obj()
	f = promoting(f)
	if f.Placement.Status.CurrentAction.Status.ProtectedTime != nil {
		t.Error("protected before the first sync")
	}
	f.Now = now.Add(time.Hour)
	f.Groups[dr2] = vrg(dr2).Primary(2, v1alpha1.VRGActionFailover).Reports(primary).Healthy(saved).Obj()
	f = promoting(f)
	at := f.Placement.Status.CurrentAction.Status.ProtectedTime
	if at == nil || !at.Time.Equal(f.Now) {
		t.Errorf("protected at %v", at)
	}
	f.Now = now.Add(2 * time.Hour)
	if d := Decide(f); d.StatusChanged {
		t.Error("the time was changed later")
	}
}

func TestProgressOfYoungStepsIsNotWorthAWrite(t *testing.T) {
	f := promoting(accepted(dead(), acknowledged))
	f.Now = now.Add(time.Second)
	f.Groups[dr2] = vrg(dr2).Primary(2, v1alpha1.VRGActionFailover).Reports(unknown).
		Condition(v1alpha1.ConditionClusterDataReady, metav1.ConditionFalse, "Restoring", "restoring 3 volumes").Obj()
	d := Decide(f)
	if d.StatusChanged || d.RequeueAfter != 4*time.Second {
		t.Errorf("status changed %v, requeue after %s", d.StatusChanged, d.RequeueAfter)
	}
	f.Now = now.Add(5 * time.Second)
	d = Decide(f)
	promote := d.Status.CurrentAction.Status.Steps[1]
	if !d.StatusChanged || d.RequeueAfter != 0 || promote.Message != "ClusterDataReady: restoring 3 volumes" {
		t.Errorf("status changed %v, requeue after %s, step %+v", d.StatusChanged, d.RequeueAfter, promote)
	}
}

func TestWhatAStepWaitsFor(t *testing.T) {
	long := now.Add(time.Minute)
	for name, test := range map[string]struct {
		facts func() Facts
		step  int
		says  string
	}{
		"a source that is lost while it stops": {func() Facts {
			f := accepted(deployed(), forced)
			f.Clusters[dr1] = lost(dr1)
			return f
		}, 0, "Waits: cluster dr1 is not connected: its agent was last heard of at 2026-03-01T02:00:00Z before it confirmed that it has stopped. " +
			"Request the failover again with the acknowledgement SourceMayStillWrite, fence the cluster, or abort."},
		"a source that is lost while it hands over": {func() Facts {
			f := accepted(deployed(), relocate)
			f.Clusters[dr1] = lost(dr1)
			return f
		}, 0, "Waits: cluster dr1 is not connected: its agent was last heard of at 2026-03-01T02:00:00Z. Bring it back, or abort and fail over."},
		"a target that is lost while it is promoted": {func() Facts {
			f := promoting(accepted(dead(), acknowledged))
			f.Clusters[dr2] = lost(dr2)
			return f
		}, 1, "Waits: cluster dr2 is not connected: its agent was last heard of at 2026-03-01T02:00:00Z. " +
			"It goes on when the agent is back; to recover elsewhere, request a failover to another cluster."},
		"an agent that refuses": {func() Facts {
			f := handedOver()
			f.Groups[dr2] = vrg(dr2).Primary(2, v1alpha1.VRGActionRelocate).Token(2, dr1).ReportsEpoch(secondary, 1).
				Condition(v1alpha1.ConditionDataReady, metav1.ConditionFalse, "HandoverTokenInvalid", "the token is damaged").Obj()
			return f
		}, 1, "DataReady: the token is damaged"},
		"an object store that refuses": {func() Facts {
			f := promoting(accepted(dead(), acknowledged))
			f.Groups[dr2] = vrg(dr2).Primary(2, v1alpha1.VRGActionFailover).Reports(unknown).
				Condition(v1alpha1.ConditionClusterDataReady, metav1.ConditionFalse, "AccessDenied", "s3 profile s3-dr2: access denied").Obj()
			return f
		}, 1, "ClusterDataReady: s3 profile s3-dr2: access denied"},
	} {
		t.Run(name, func(t *testing.T) {
			f := test.facts()
			f.Now = long
			step := Decide(f).Status.CurrentAction.Status.Steps[test.step]
			if step.State != v1alpha1.StepRunning || step.Message != test.says {
				t.Errorf("%s %s says\n%q, want\n%q", step.Name, step.State, step.Message, test.says)
			}
		})
	}
}

// TestBothClustersAreToldWhatAFailoverGoesOnWithout holds for as long as they are in that epoch.
func TestBothClustersAreToldWhatAFailoverGoesOnWithout(t *testing.T) {
	leaving := acknowledged
	leaving.LeaveBehind = []string{"data-1"}
	more := action.Request{Type: v1alpha1.ActionFailover, LeaveBehind: []string{"data-2", "data-1"}}
	told := func(d Decision) map[string][]string {
		names := map[string][]string{}
		for _, group := range d.Update {
			names[group.Spec.ClusterName] = group.Spec.LeaveBehind
		}
		return names
	}
	check := func(what string, f Facts, want map[string][]string) Facts {
		t.Helper()
		d := Decide(f)
		if got := told(d); !equality.Semantic.DeepEqual(got, want) {
			t.Errorf("%s: told %v, want %v", what, got, want)
		}
		f.Placement = f.Placement.DeepCopy()
		f.Placement.Status = d.Status
		for _, group := range d.Update {
			f.Groups[group.Spec.ClusterName] = group
		}
		return f
	}
	f := check("at first", accepted(dead(), leaving), map[string][]string{dr1: {"data-1"}, dr2: {"data-1"}})
	f = check("asked again", accepted(f, more), map[string][]string{dr1: {"data-1", "data-2"}, dr2: {"data-1", "data-2"}})
	action.End(f.Placement.Status.CurrentAction, v1alpha1.ReasonSucceeded, "", metav1.NewMicroTime(now))
	f.Groups[dr2] = reporting(f.Groups[dr2], primary)
	f = check("once it has ended", f, map[string][]string{})
	f.Clusters[dr1] = live(dr1)
	f.Groups[dr1] = reporting(f.Groups[dr1], secondary)
	f = check("when the source is back", f, map[string][]string{})
	back := action.Request{Type: v1alpha1.ActionFailover, TargetCluster: dr1, Force: true}
	f.Placement.Status.LastGroupSyncTime = &metav1.Time{Time: saved}
	f.Placement.Status.LastKubeObjectProtectionTime = &metav1.Time{Time: saved}
	check("in the next epoch", accepted(f, back), map[string][]string{dr2: nil})
}

// reporting has an agent confirm what its group says, with all in order.
func reporting(group *v1alpha1.VolumeReplicationGroup, state v1alpha1.VolumeReplicationGroupState) *v1alpha1.VolumeReplicationGroup {
	healthy := vrg(group.Spec.ClusterName).Reports(state).Healthy(saved).Obj()
	group = group.DeepCopy()
	group.Status = healthy.Status
	group.Status.ObservedGeneration, group.Status.Epoch, group.Status.Session = group.Generation, group.Spec.Epoch, group.Spec.Session
	return group
}
