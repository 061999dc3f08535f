// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action_test

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

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
