// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action_test

import (
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

var now = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// healthy is an application that runs on dr1 and is protected; both clusters are connected.
func healthy() action.Facts {
	return action.Facts{
		Now: now,
		Placement: builder.DRPC("shop", "shop").Running(builder.DR1, 3, v1alpha1.PhaseRelocated).
			Saved(now.Add(-time.Minute)).
			Condition(v1alpha1.ConditionAvailable, metav1.ConditionTrue, "Ready").Obj(),
		Policy: builder.DRPolicy(builder.PolicyName).Obj(),
		Clusters: map[string]action.ClusterFacts{
			builder.DR1: connected(), builder.DR2: connected(),
		},
		Groups: map[string]*v1alpha1.VolumeReplicationGroup{
			builder.DR1: builder.VRG("shop", "shop", builder.DR1).Primary(3, v1alpha1.VRGActionRelocate).
				Reports(v1alpha1.PrimaryState).Healthy(now.Add(-time.Minute)).Obj(),
			builder.DR2: builder.VRG("shop", "shop", builder.DR2).Secondary(3, v1alpha1.VRGActionRelocate).
				Reports(v1alpha1.SecondaryState).Healthy(now.Add(-time.Minute)).Obj(),
		},
	}
}

func connected() action.ClusterFacts {
	return action.ClusterFacts{Exists: true, Connected: true, LastHeartbeat: now.Add(-5 * time.Second), LeaseExpires: now.Add(35 * time.Second)}
}

func lost() action.ClusterFacts {
	return action.ClusterFacts{Exists: true, LastHeartbeat: now.Add(-10 * time.Minute), LeaseExpires: now.Add(-9 * time.Minute)}
}

// leavingBehind has an application use a volume that nothing replicates, one that is, and one that is not there yet.
func leavingBehind(f action.Facts) action.Facts {
	row := func(name string, method v1alpha1.ReplicationMethod, ready, protected metav1.ConditionStatus) v1alpha1.ProtectedPVC {
		return v1alpha1.ProtectedPVC{Namespace: "shop", Name: name, ReplicationMethod: method, Conditions: []metav1.Condition{
			{Type: v1alpha1.ConditionDataReady, Status: ready}, {Type: v1alpha1.ConditionDataProtected, Status: protected},
		}}
	}
	f.Groups[builder.DR1].Status.ProtectedPVCs = []v1alpha1.ProtectedPVC{
		row("data", v1alpha1.MethodVolSync, metav1.ConditionTrue, metav1.ConditionFalse),
		row("plain", "", metav1.ConditionTrue, metav1.ConditionFalse),
		row("unbound", "", metav1.ConditionFalse, metav1.ConditionFalse),
	}
	return f
}

// sharing has an application whose policy has no interval use a volume of shared storage, one that is mirrored as said, one that
// nothing replicates, and one that is not there yet.
func sharing(f action.Facts, mirrored metav1.ConditionStatus) action.Facts {
	f = leavingBehind(f)
	f.Policy.Spec.SchedulingInterval = ""
	f.Placement.Status.LastGroupSyncTime = nil
	source := f.Groups[builder.DR1]
	source.Status.LastGroupSyncTime = nil
	meta.SetStatusCondition(&source.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionDataProtected, Status: metav1.ConditionFalse, Reason: "NoPeerClass"})
	rows := source.Status.ProtectedPVCs
	rows[0].ReplicationMethod = v1alpha1.MethodVolumeReplication
	meta.SetStatusCondition(&rows[0].Conditions, metav1.Condition{Type: v1alpha1.ConditionDataProtected, Status: mirrored, Reason: "Known"})
	source.Status.ProtectedPVCs = append(rows, v1alpha1.ProtectedPVC{
		Namespace: "shop", Name: "shared", ReplicationMethod: v1alpha1.MethodShared, Conditions: []metav1.Condition{
			{Type: v1alpha1.ConditionDataReady, Status: metav1.ConditionTrue}, {Type: v1alpha1.ConditionDataProtected, Status: metav1.ConditionTrue},
		},
	})
	return f
}

// dead is healthy's application after dr1 was lost.
func dead() action.Facts {
	f := healthy()
	f.Clusters[builder.DR1] = lost()
	return f
}

// running is an application with an action under way, accepted from the facts.
func running(f action.Facts, r action.Request) action.Facts {
	action.Accept(f.Placement, action.Preflight(f, r))
	return f
}

// fence has a cluster fenced off from storage.
func fence(f *action.Facts, cluster string) {
	known := f.Clusters[cluster]
	known.Fence = action.FenceFacts{Fenced: true, Phase: v1alpha1.ClusterFenced}
	f.Clusters[cluster] = known
}

func failover() action.Request { return action.Request{Type: v1alpha1.ActionFailover} }
func relocate() action.Request {
	return action.Request{Type: v1alpha1.ActionRelocate, TargetCluster: builder.DR2}
}

func with(f action.Facts, change func(*action.Facts)) action.Facts {
	change(&f)
	return f
}

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
			failed: []string{"VolumesProtected"}, overridden: []string{"SourceStopped"}, code: http.StatusConflict, says: "not be on dr2: shop/plain;",
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
			failed: []string{"PeerReady"}, code: http.StatusConflict,
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
			failed: []string{"VolumesProtected"}, code: http.StatusConflict, says: "not be on dr2: shop/plain;",
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

// lostHalfWay is an application whose failover from dr1, which could be stopped, is past its point of no return when dr2 is
// lost. dr1 waits to be resynced.
func lostHalfWay(state v1alpha1.VolumeReplicationGroupState) action.Facts {
	f := running(healthy(), action.Request{Type: v1alpha1.ActionFailover, Force: true})
	action.PassPointOfNoReturn(&f.Placement.Status, "", metav1.NewMicroTime(now))
	f.Clusters[builder.DR2] = lost()
	f.Groups[builder.DR1] = builder.VRG("shop", "shop", builder.DR1).Secondary(4, v1alpha1.VRGActionFailover).
		Reports(state).Condition(v1alpha1.ConditionDataProtected, metav1.ConditionFalse, "Resyncing", "").Obj()
	f.Groups[builder.DR2] = builder.VRG("shop", "shop", builder.DR2).Primary(4, v1alpha1.VRGActionFailover).
		Reports(v1alpha1.UnknownState).NeverSaved().Obj()
	return f
}

// lostAfterHandover is an application whose relocate from dr1 in epoch 4 is past its point of no return when dr2 is lost. dr1
// has issued a handover token of an epoch.
func lostAfterHandover(epoch int64) action.Facts {
	f := running(healthy(), relocate())
	action.PassPointOfNoReturn(&f.Placement.Status, "", metav1.NewMicroTime(now))
	f.Clusters[builder.DR2] = lost()
	f.Groups[builder.DR1] = builder.VRG("shop", "shop", builder.DR1).Secondary(4, v1alpha1.VRGActionRelocate).
		Reports(v1alpha1.SecondaryState).Healthy(now).HandedOver(epoch).Obj()
	f.Groups[builder.DR1].Status.HandoverToken.IssuedTime = metav1.NewMicroTime(now.Add(-time.Second))
	f.Groups[builder.DR2] = builder.VRG("shop", "shop", builder.DR2).Primary(4, v1alpha1.VRGActionRelocate).
		Reports(v1alpha1.UnknownState).NeverSaved().Obj()
	return f
}

func stale(f *action.Facts, at time.Time) {
	f.Placement.Status.LastGroupSyncTime = &metav1.Time{Time: at}
	f.Groups[builder.DR1].Status.LastGroupSyncTime = &metav1.Time{Time: at}
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
