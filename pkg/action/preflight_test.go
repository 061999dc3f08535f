// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

var now = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

func TestPreflightChecks(t *testing.T) {
	ack := []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite}
	for name, test := range map[string]struct {
		facts      action.Facts
		request    action.Request
		failed     []string
		overridden []string
		code       int32
		says       string
	}{
		"failover that would leave a volume behind for good": {
			facts: leavingBehind(dead()), request: action.Request{Type: v1alpha1.ActionFailover, Acknowledgements: ack},
			failed: []string{"VolumesProtected"}, overridden: []string{"SourceStopped"}, code: http.StatusConflict, says: "nothing replicates PersistentVolumeClaim shop/plain, which will not be on dr2;",
		},
		"forced failover that leaves a volume behind": {
			facts: leavingBehind(dead()), request: action.Request{Type: v1alpha1.ActionFailover, Acknowledgements: ack, Force: true},
			overridden: []string{"VolumesProtected", "SourceStopped"},
		},
		"relocate of a healthy application is accepted": {
			facts: healthy(), request: relocate(),
		},
		"failover of a healthy application is refused without force": {
			facts: healthy(), request: failover(),
			failed: []string{"SourceUnhealthy"}, code: http.StatusConflict, says: "dr1 is connected and the application is available there",
		},
		"failover of a healthy application can be forced": {
			facts: healthy(), request: action.Request{Type: v1alpha1.ActionFailover, Force: true},
			overridden: []string{"SourceUnhealthy"},
		},
		"failover from a connected cluster where the application is not available needs no force": {
			facts: with(healthy(), func(f *action.Facts) {
				f.Placement.Status.Conditions[0].Status = metav1.ConditionFalse
			}), request: failover(),
		},
		"failover from a lost cluster needs the acknowledgement": {
			facts: dead(), request: failover(),
			failed: []string{"SourceStopped"}, code: http.StatusConflict, says: "last heard of at 2026-03-01T02:50:00Z",
		},
		"force does not stand for an acknowledgement": {
			facts: dead(), request: action.Request{Type: v1alpha1.ActionFailover, Force: true},
			failed: []string{"SourceStopped"}, code: http.StatusConflict,
		},
		"failover from a lost cluster is accepted with the acknowledgement": {
			facts: dead(), request: action.Request{Type: v1alpha1.ActionFailover, Acknowledgements: ack},
			overridden: []string{"SourceStopped"},
		},
		"a cluster that was never heard of counts as lost": {
			facts: with(healthy(), func(f *action.Facts) {
				f.Clusters[builder.DR1] = action.ClusterFacts{Exists: true}
			}), request: failover(),
			failed: []string{"SourceStopped"}, code: http.StatusConflict, says: "not been heard of",
		},
		"an unknown target is unprocessable, and nothing is said about it that needs a known one": {
			facts: healthy(), request: action.Request{Type: v1alpha1.ActionRelocate, TargetCluster: "dr9"},
			failed: []string{"TargetKnown"}, code: http.StatusUnprocessableEntity, says: "choose one of dr1, dr2",
		},
		"a target without a DRCluster is unprocessable": {
			facts: with(healthy(), func(f *action.Facts) { delete(f.Clusters, builder.DR2) }), request: relocate(),
			failed: []string{"TargetKnown"}, code: http.StatusUnprocessableEntity, says: "no DRCluster dr2",
		},
		"a missing policy leaves the target unknown": {
			facts: with(healthy(), func(f *action.Facts) { f.Policy = nil }), request: relocate(),
			failed: []string{"TargetKnown"}, code: http.StatusUnprocessableEntity, says: "DRPolicy dr-policy does not exist",
		},
		"the current cluster is no target": {
			facts: healthy(), request: action.Request{Type: v1alpha1.ActionRelocate},
			failed: []string{"TargetNotCurrent"}, code: http.StatusUnprocessableEntity, says: "already runs on dr1",
		},
		"a target that is not connected is refused": {
			facts: with(healthy(), func(f *action.Facts) { f.Clusters[builder.DR2] = lost() }), request: relocate(),
			failed: []string{"TargetConnected"}, code: http.StatusConflict,
		},
		"a target without a group is not ready": {
			facts: with(healthy(), func(f *action.Facts) { delete(f.Groups, builder.DR2) }), request: relocate(),
			failed: []string{"PeerReady"}, code: http.StatusConflict, says: "no VolumeReplicationGroup",
		},
		"a target that has not reported on its command is not ready": {
			facts: with(healthy(), func(f *action.Facts) { f.Groups[builder.DR2].Generation++ }), request: relocate(),
			failed: []string{"PeerReady"}, code: http.StatusConflict, says: "the agent of dr2 has not reported yet since",
		},
		"nor is a source protected that has not": {
			facts: with(healthy(), func(f *action.Facts) { f.Groups[builder.DR1].Generation++ }), request: relocate(),
			failed: []string{"SourceProtected"}, code: http.StatusConflict, says: "the agent of dr1 has not reported yet since",
		},
		"a target that confirmed an earlier epoch only is not ready": {
			facts: with(healthy(), func(f *action.Facts) { f.Groups[builder.DR2].Status.Epoch = 2 }), request: relocate(),
			failed: []string{"PeerReady"}, code: http.StatusConflict, says: "not confirmed that it is secondary in epoch 3",
		},
		"a target that is being resynced is not ready": {
			facts: with(healthy(), func(f *action.Facts) {
				f.Groups[builder.DR2].Status.Conditions[1].Status = metav1.ConditionFalse
			}), request: relocate(),
			failed: []string{"PeerReady"}, code: http.StatusConflict, says: "resynced",
		},
		"a target that was primary and says nothing of its copy is not ready": {
			facts: with(healthy(), func(f *action.Facts) { f.Groups[builder.DR2].Status.Conditions = nil }), request: relocate(),
			failed: []string{"PeerReady"}, code: http.StatusConflict,
		},
		"a standby that never was primary has nothing to say of its copy": {
			facts: with(healthy(), func(f *action.Facts) {
				f.Groups[builder.DR2].Status.Conditions = nil
				f.Groups[builder.DR2].Spec.Action = ""
			}), request: relocate(),
		},
		"volumes that were never synced are not protected": {
			facts: with(dead(), func(f *action.Facts) {
				f.Placement.Status.LastGroupSyncTime = nil
				f.Groups[builder.DR1].Status.LastGroupSyncTime = nil
			}), request: action.Request{Type: v1alpha1.ActionFailover, Force: true, Acknowledgements: ack},
			failed: []string{"Protected"}, overridden: []string{"CopyFresh", "SourceStopped"}, code: http.StatusConflict,
		},
		"objects that were never captured are not protected": {
			facts: with(dead(), func(f *action.Facts) {
				f.Placement.Status.LastKubeObjectProtectionTime = nil
				f.Groups[builder.DR1].Status.LastCapture = nil
			}), request: action.Request{Type: v1alpha1.ActionFailover, Force: true, Acknowledgements: ack},
			failed: []string{"Protected"}, overridden: []string{"SourceStopped"}, code: http.StatusConflict,
		},
		"synchronous volumes need no sync time": {
			facts: with(dead(), func(f *action.Facts) {
				f.Policy.Spec.SchedulingInterval = ""
				f.Placement.Status.LastGroupSyncTime = nil
				f.Groups[builder.DR1].Status.LastGroupSyncTime = nil
			}), request: action.Request{Type: v1alpha1.ActionFailover, Acknowledgements: ack},
		},
		"a volume that nothing replicates beside those of shared storage is left behind by force only": {
			facts: sharing(dead(), metav1.ConditionTrue), request: failover(),
			failed: []string{"VolumesProtected"}, code: http.StatusConflict, says: "nothing replicates PersistentVolumeClaim shop/plain, which will not be on dr2;",
		},
		"forced, it is left behind": {
			facts: sharing(dead(), metav1.ConditionTrue), request: action.Request{Type: v1alpha1.ActionFailover, Force: true},
			overridden: []string{"VolumesProtected"},
		},
		"a volume that is not mirrored yet is not left behind, beside those of shared storage": {
			facts: sharing(dead(), metav1.ConditionFalse), request: action.Request{Type: v1alpha1.ActionFailover, Force: true},
			failed: []string{"Protected"}, overridden: []string{"VolumesProtected"}, code: http.StatusConflict, says: "not every volume",
		},
		"the fence of a lost cluster stands for the acknowledgement": {
			facts: with(dead(), func(f *action.Facts) { fence(f, builder.DR1) }), request: failover(),
		},
		"a fence that is being carried out does not": {
			facts: with(dead(), func(f *action.Facts) {
				source := f.Clusters[builder.DR1]
				source.Fence.Phase = v1alpha1.ClusterFencing
				f.Clusters[builder.DR1] = source
			}), request: failover(),
			failed: []string{"SourceStopped"}, code: http.StatusConflict, says: "or fence it first",
		},
		"failover from a cluster that is connected but fenced needs no force": {
			facts: with(healthy(), func(f *action.Facts) { fence(f, builder.DR1) }), request: failover(),
		},
		"failover to a fenced cluster is refused, also by force": {
			facts:   with(dead(), func(f *action.Facts) { fence(f, builder.DR2) }),
			request: action.Request{Type: v1alpha1.ActionFailover, Force: true, Acknowledgements: ack},
			failed:  []string{"TargetNotFenced"}, overridden: []string{"SourceStopped"}, code: http.StatusConflict, says: "dr2 is Fenced",
		},
		"relocate to a cluster that is being let back is refused": {
			facts: with(healthy(), func(f *action.Facts) {
				target := f.Clusters[builder.DR2]
				target.Fence.Phase = v1alpha1.ClusterUnfencing
				f.Clusters[builder.DR2] = target
			}), request: relocate(),
			failed: []string{"TargetNotFenced"}, code: http.StatusConflict, says: "dr2 is Unfencing",
		},
		"a copy older than twice the interval is refused without force": {
			facts:   with(dead(), func(f *action.Facts) { stale(f, now.Add(-10*time.Minute-time.Second)) }),
			request: action.Request{Type: v1alpha1.ActionFailover, Acknowledgements: ack},
			failed:  []string{"CopyFresh"}, overridden: []string{"SourceStopped"}, code: http.StatusConflict, says: "10m1s old",
		},
		"a copy older than twice the interval can be forced": {
			facts:      with(dead(), func(f *action.Facts) { stale(f, now.Add(-time.Hour)) }),
			request:    action.Request{Type: v1alpha1.ActionFailover, Force: true, Acknowledgements: ack},
			overridden: []string{"CopyFresh", "SourceStopped"},
		},
		"a copy as old as twice the interval is fresh enough": {
			facts:      with(dead(), func(f *action.Facts) { stale(f, now.Add(-10*time.Minute)) }),
			request:    action.Request{Type: v1alpha1.ActionFailover, Acknowledgements: ack},
			overridden: []string{"SourceStopped"},
		},
		"force has no effect on a relocate": {
			facts: dead(), request: action.Request{Type: v1alpha1.ActionRelocate, TargetCluster: builder.DR2, Force: true, Acknowledgements: ack},
			failed: []string{"SourceConnected"}, code: http.StatusConflict,
		},
		"relocate needs the volumes to be protected": {
			facts: with(healthy(), func(f *action.Facts) {
				f.Groups[builder.DR1].Status.Conditions[1].Status = metav1.ConditionFalse
			}), request: relocate(),
			failed: []string{"SourceProtected"}, code: http.StatusConflict, says: "DataProtected is False on dr1",
		},
		"relocate needs the objects to be protected": {
			facts: with(healthy(), func(f *action.Facts) {
				f.Groups[builder.DR1].Status.Conditions = slices.Delete(f.Groups[builder.DR1].Status.Conditions, 3, 4)
			}), request: relocate(),
			failed: []string{"SourceProtected"}, code: http.StatusConflict, says: "not reported ClusterDataProtected",
		},
		"relocate needs a source that confirms it is primary": {
			facts: with(healthy(), func(f *action.Facts) { f.Groups[builder.DR1].Status.State = v1alpha1.UnknownState }), request: relocate(),
			failed: []string{"SourceProtected"}, code: http.StatusConflict,
		},
		"nothing begins before the first placement": {
			facts: with(healthy(), func(f *action.Facts) { f.Placement.Status.Phase = v1alpha1.PhaseDeploying }), request: relocate(),
			failed: []string{"NoActionInProgress"}, code: http.StatusConflict, says: "first placement",
		},
		"nothing begins while it is being deleted": {
			facts: with(healthy(), func(f *action.Facts) { f.Placement.DeletionTimestamp = &metav1.Time{Time: now} }), request: relocate(),
			failed: []string{"NoActionInProgress"}, code: http.StatusConflict, says: "being deleted",
		},
		"a second action does not begin while one runs": {
			facts: running(healthy(), relocate()), request: action.Request{Type: v1alpha1.ActionFailover, Force: true},
			failed: []string{"NoActionInProgress"}, overridden: []string{}, code: http.StatusConflict, says: "or abort it",
		},
		"the same action again, without its name, does not begin while it runs": {
			facts: running(healthy(), relocate()), request: relocate(),
			failed: []string{"NoActionInProgress"}, code: http.StatusConflict,
		},
		"nothing begins while an action is being aborted": {
			facts: with(running(healthy(), relocate()), func(f *action.Facts) {
				_ = action.Abort(f.Placement, "sue", "", now)
			}), request: relocate(),
			failed: []string{"NoActionInProgress"}, code: http.StatusConflict, says: "being aborted",
		},
		"a failover away from a target that was lost after the point of no return replaces that action": {
			facts: with(running(dead(), action.Request{Type: v1alpha1.ActionFailover, Acknowledgements: ack}), func(f *action.Facts) {
				f.Clusters[builder.DR1], f.Clusters[builder.DR2] = connected(), lost()
				f.Placement.Status.LastGroupSyncTime = &metav1.Time{Time: now}
				f.Placement.Status.LastKubeObjectProtectionTime = &metav1.Time{Time: now}
				f.Groups[builder.DR1] = builder.VRG("shop", "shop", builder.DR1).Secondary(4, v1alpha1.VRGActionFailover).
					Reports(v1alpha1.SecondaryState).Healthy(now).Obj()
			}),
			request:    action.Request{Type: v1alpha1.ActionFailover, TargetCluster: builder.DR1, Acknowledgements: ack},
			overridden: []string{"SourceStopped"},
		},
		"a failover back to the cluster that handed over needs no sync of a target that was lost before it made one": {
			facts:      lostAfterHandover(4),
			request:    action.Request{Type: v1alpha1.ActionFailover, TargetCluster: builder.DR1, Acknowledgements: ack},
			overridden: []string{"SourceStopped"},
		},
		"a failover back to the cluster that stood down can be forced if its successor was lost half way": {
			facts:      lostHalfWay(v1alpha1.SecondaryState),
			request:    action.Request{Type: v1alpha1.ActionFailover, TargetCluster: builder.DR1, Force: true, Acknowledgements: ack},
			overridden: []string{"PeerReady", "SourceStopped"},
		},
		"and says so if it is not": {
			facts:   lostHalfWay(v1alpha1.SecondaryState),
			request: action.Request{Type: v1alpha1.ActionFailover, TargetCluster: builder.DR1, Acknowledgements: ack},
			failed:  []string{"PeerReady"}, code: http.StatusConflict, says: "set spec.force to go back to what dr1 holds",
		},
		"but not before it confirms that it has stood down": {
			facts:   lostHalfWay(v1alpha1.UnknownState),
			request: action.Request{Type: v1alpha1.ActionFailover, TargetCluster: builder.DR1, Force: true, Acknowledgements: ack},
			failed:  []string{"PeerReady"}, code: http.StatusConflict, says: "has not confirmed that it is secondary",
		},
		"a handover of an earlier epoch proves nothing about the copy": {
			facts:   lostAfterHandover(3),
			request: action.Request{Type: v1alpha1.ActionFailover, TargetCluster: builder.DR1, Acknowledgements: ack},
			failed:  []string{"Protected", "CopyFresh"}, code: http.StatusConflict, says: "not every volume was ever synced",
		},
	} {
		t.Run(name, func(t *testing.T) {
			record := action.Preflight(test.facts, test.request)
			if failed := results(record, v1alpha1.CheckFailed); !sameSet(failed, test.failed) {
				t.Errorf("failed %v, want %v", failed, test.failed)
			}
			if overridden := results(record, v1alpha1.CheckOverridden); test.overridden != nil && !sameSet(overridden, test.overridden) {
				t.Errorf("overridden %v, want %v", overridden, test.overridden)
			}
			checkRefusal(t, record, test.code, test.says)
		})
	}
}

func checkRefusal(t *testing.T, record v1alpha1.ActionRecord, code int32, says string) {
	t.Helper()
	refusal := action.Refusal(record)
	if code == 0 {
		if refusal != nil {
			t.Errorf("refused: %v", refusal)
		}
		return
	}
	if refusal == nil {
		t.Fatal("not refused")
	}
	status := refusal.Status()
	if status.Code != code {
		t.Errorf("code %d, want %d", status.Code, code)
	}
	if !strings.Contains(status.Message, says) {
		t.Errorf("message %q does not say %q", status.Message, says)
	}
	failed := results(record, v1alpha1.CheckFailed)
	if len(status.Details.Causes) != len(failed) {
		t.Fatalf("%d causes for %d failed checks", len(status.Details.Causes), len(failed))
	}
	for i, cause := range status.Details.Causes {
		if string(cause.Type) != failed[i] || cause.Message == "" {
			t.Errorf("cause %+v, want type %s and a message", cause, failed[i])
		}
	}
}

func results(record v1alpha1.ActionRecord, result v1alpha1.CheckResult) []string {
	var names []string
	for _, check := range record.Status.Checks {
		if check.Result == result {
			names = append(names, check.Name)
		}
	}
	return names
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func TestPreflightResolvesDefaults(t *testing.T) {
	for name, test := range map[string]struct {
		facts   action.Facts
		request action.Request
		target  string
		action  string
	}{
		"failover goes to the policy's other cluster": {healthy(), failover(), builder.DR2, "shop-failover-4"},
		"failover goes to spec.failoverCluster": {
			with(healthy(), func(f *action.Facts) { f.Placement.Spec.FailoverCluster = "dr3" }), failover(), "dr3", "shop-failover-4",
		},
		"relocate goes to spec.preferredCluster": {
			with(healthy(), func(f *action.Facts) { f.Placement.Status.PrimaryCluster = builder.DR2 }),
			action.Request{Type: v1alpha1.ActionRelocate}, builder.DR1, "shop-relocate-4",
		},
		"the requester's target and name are kept": {
			healthy(), action.Request{Type: v1alpha1.ActionRelocate, Name: "move", TargetCluster: builder.DR2}, builder.DR2, "move",
		},
		"the epoch is above all that any agent reports": {
			with(healthy(), func(f *action.Facts) { f.Groups[builder.DR1].Status.Epoch = 7 }), failover(), builder.DR2, "shop-failover-8",
		},
	} {
		t.Run(name, func(t *testing.T) {
			record := action.Preflight(test.facts, test.request)
			if record.Spec.TargetCluster != test.target || record.Name != test.action {
				t.Errorf("got %s to %s, want %s to %s", record.Name, record.Spec.TargetCluster, test.action, test.target)
			}
		})
	}
}

func TestPreflightChangesNothing(t *testing.T) {
	facts := dead()
	before := facts.Placement.DeepCopy()
	action.Preflight(facts, failover())
	if !equal(before, facts.Placement) {
		t.Error("the placement was changed")
	}
}
