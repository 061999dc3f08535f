// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func TestConditions(t *testing.T) {
	const (
		yes, no, maybe = metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown

		available, peerReady, protected = v1alpha1.ConditionAvailable, v1alpha1.ConditionPeerReady, v1alpha1.ConditionProtected
	)
	type want struct {
		conditionType string
		status        metav1.ConditionStatus
		reason        string
		says          string
	}
	for name, test := range map[string]struct {
		change func(*Facts)
		want   []want
	}{
		"all is well": {func(*Facts) {}, []want{
			{available, yes, "Ready", "on dr1"}, {peerReady, yes, "Ready", "dr2 is ready"}, {protected, yes, "Protected", ""},
		}},
		"the primary is lost": {func(f *Facts) { f.Clusters[dr1] = lost(dr1) }, []want{
			{available, maybe, "ClusterNotConnected", "last heard of at 2026-03-01T02:00:00Z"}, {peerReady, yes, "Ready", ""},
			{protected, maybe, "ClusterNotConnected", "fail over"},
		}},
		"the peer is lost": {func(f *Facts) { f.Clusters[dr2] = lost(dr2) }, []want{
			{available, yes, "Ready", ""}, {peerReady, no, "ClusterNotConnected", "cluster dr2"}, {protected, yes, "Protected", ""},
		}},
		"the peer was given up": {func(f *Facts) { f.Clusters[dr2] = givenUp(live(dr2)) }, []want{
			{peerReady, no, "ClusterGone", "DRCluster dr2"},
		}},
		"a volume has no replication class": {func(f *Facts) {
			f.Groups[dr1] = vrg(dr1).Primary(1, "").Reports(primary).Healthy(saved).
				Condition(v1alpha1.ConditionDataProtected, no, "NoReplicationClass", "PersistentVolumeClaim shop/data: no class; label one").Obj()
		}, []want{{available, yes, "Ready", ""}, {protected, no, "NoReplicationClass", "PersistentVolumeClaim shop/data"}}},
		"a volume is on storage that both clusters share, beside others that are replicated": {func(f *Facts) {
			f.Groups[dr1] = vrg(dr1).Primary(1, "").Reports(primary).Healthy(saved).
				Condition(v1alpha1.ConditionDataProtected, no, "NoPeerClass", "PersistentVolumeClaim shop/common has no peer class").Obj()
			f.Groups[dr1].Status.ProtectedPVCs = []v1alpha1.ProtectedPVC{
				{Name: "data", StorageClassName: "fast", ReplicationMethod: v1alpha1.MethodVolumeReplication},
				{Name: "common", StorageClassName: "shared"},
			}
			f.Policy.Status.Unpaired = []v1alpha1.UnpairedClass{
				{StorageClassName: "plain", Message: "It has no label."}, {StorageClassName: "shared", Message: "Nothing to replicate at intervals."},
			}
		}, []want{{available, yes, "Ready", ""}, {
			protected, no, "NoPeerClass", "PersistentVolumeClaim shop/common has no peer class. StorageClass shared: Nothing to replicate at intervals",
		}}},
		"the selector matches nothing": {func(f *Facts) {
			f.Groups[dr1] = vrg(dr1).Primary(1, "").Reports(primary).Healthy(saved).NeverSaved().
				Condition(v1alpha1.ConditionDataProtected, no, "NoVolumes", "pvcSelector app=shop matches nothing").Obj()
		}, []want{{protected, no, "NoVolumes", "app=shop matches nothing"}}},
		"an object store refuses": {func(f *Facts) {
			f.Groups[dr1] = vrg(dr1).Primary(1, "").Reports(primary).Healthy(saved).
				Condition(v1alpha1.ConditionClusterDataProtected, no, "AccessDenied", "s3 profile s3-dr2: access denied").Obj()
		}, []want{{available, yes, "Ready", ""}, {protected, no, "AccessDenied", "s3 profile s3-dr2"}}},
		"another group has the volumes": {func(f *Facts) {
			f.Groups[dr1] = vrg(dr1).Primary(1, "").Reports(unknown).
				Condition(v1alpha1.ConditionClusterDataReady, yes, "Ready", "").
				Condition(v1alpha1.ConditionDataReady, no, "Conflict", "PersistentVolumeClaim shop/data belongs to other.dr1").Obj()
		}, []want{{available, no, "Conflict", "belongs to other.dr1"}, {protected, no, "Conflict", "belongs to other.dr1"}}},
		"volumes were never synced": {func(f *Facts) {
			f.Groups[dr1].Status.LastGroupSyncTime = nil
		}, []want{{protected, no, "NotSynced", "dr1"}}},
		"objects were never captured": {func(f *Facts) {
			f.Groups[dr1].Status.LastCapture = nil
		}, []want{{protected, no, "NotCaptured", "dr1"}}},
		"objects were captured in an earlier epoch only": {func(f *Facts) {
			f.Groups[dr1].Status.LastCapture.Epoch = 0
		}, []want{{protected, no, "NotCaptured", "epoch 1"}}},
		"the objects are not in place": {func(f *Facts) {
			f.Groups[dr1] = vrg(dr1).Primary(1, "").Reports(primary).Healthy(saved).
				Condition(v1alpha1.ConditionKubeObjectsReady, no, "Restoring", "restoring").Obj()
		}, []want{{available, no, "Restoring", "restoring"}}},
		"the peer is being resynced": {func(f *Facts) {
			f.Groups[dr2] = vrg(dr2).Secondary(1, "").Reports(secondary).
				Condition(v1alpha1.ConditionDataProtected, no, "Resyncing", "volume pvc-1 resyncs").Obj()
		}, []want{{peerReady, no, "CopyNotReady", "volume pvc-1 resyncs"}}},
		"the peer is between roles": {func(f *Facts) {
			f.Groups[dr2] = vrg(dr2).Secondary(1, "").Reports(unknown).
				Condition(v1alpha1.ConditionDataReady, no, "Demoting", "volume pvc-1 is being demoted").Obj()
		}, []want{{peerReady, no, "Demoting", "pvc-1"}}},
		"the peer can't give up what the application does not have any more": {func(f *Facts) {
			f.Groups[dr2] = vrg(dr2).Secondary(1, "").Reports(unknown).
				Condition(v1alpha1.ConditionDataReady, no, "Demoting", "volume pvc-1 has no primary to resync from").Obj()
			f.Groups[dr2].Status.ProtectedPVCs = []v1alpha1.ProtectedPVC{{Namespace: "shop", Name: "old"}}
		}, []want{{peerReady, no, "Demoting", "delete it on dr2, where its volume is retained (kubectl delete pvc -n shop old)"}}},
		"a report on the same command in an older generation changes nothing": {func(f *Facts) {
			f.Groups[dr1] = vrg(dr1).Primary(1, "").Reports(unknown).Commanded().Obj()
			f.Groups[dr2] = vrg(dr2).Secondary(1, "").Reports(unknown).Commanded().Obj()
		}, []want{{available, yes, "Ready", ""}, {peerReady, yes, "Ready", ""}, {protected, yes, "Protected", ""}}},
		"the primary has not reported on its epoch": {func(f *Facts) {
			f.Groups[dr1] = vrg(dr1).Primary(1, "").Obj()
		}, []want{{available, no, "ReportPending", "epoch 1"}, {protected, no, "ReportPending", ""}}},
		"the primary refuses its command": {func(f *Facts) {
			f.Groups[dr1] = vrg(dr1).Primary(1, "").ReportsEpoch(unknown, 0).
				Condition(v1alpha1.ConditionDataReady, no, "EpochConflict", "this cluster became secondary").Obj()
		}, []want{{available, no, "EpochConflict", "this cluster became secondary"}}},
		"a group is missing and so is the policy": {func(f *Facts) {
			f.Policy = nil
			delete(f.Groups, dr1)
		}, []want{{available, no, "PolicyNotFound", "DRPolicy dr-policy"}}},
		"a group was replaced by one made by hand": {func(f *Facts) {
			f.Groups[dr1] = vrg(dr1).Unlabelled().Primary(1, "").Reports(primary).Obj()
		}, []want{{available, no, "NameTaken", "shop.dr1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := deployed()
			test.change(&f)
			d := Decide(f)
			for _, w := range test.want {
				checkCondition(t, d, w.conditionType, w.status, w.reason, w.says)
			}
			checkStable(t, f, d)
		})
	}
}

func TestSavedTimesOutliveStaleReports(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Facts)
		kept   bool
	}{
		"a report on an older generation": {func(f *Facts) {
			f.Groups[dr1] = vrg(dr1).Primary(1, "").Reports(primary).Commanded().Obj()
		}, true},
		"a report between roles":         {func(f *Facts) { f.Groups[dr1] = vrg(dr1).Primary(1, "").Reports(unknown).Obj() }, true},
		"no group":                       {func(f *Facts) { delete(f.Groups, dr1) }, true},
		"a volume that never was synced": {func(f *Facts) { f.Groups[dr1].Status.LastGroupSyncTime = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := deployed()
			test.change(&f)
			if kept := Decide(f).Status.LastGroupSyncTime != nil; kept != test.kept {
				t.Errorf("kept: %v", kept)
			}
		})
	}
}

func TestClusterRows(t *testing.T) {
	f := deployed()
	f.Groups[dr2] = vrg(dr2).Secondary(1, "").Reports(unknown).
		Condition(v1alpha1.ConditionDataReady, metav1.ConditionFalse, "Demoting", "volume pvc-1 is being demoted").Obj()
	rows := Decide(f).Status.Clusters
	if len(rows) != 2 || rows[0].Name != dr1 || rows[0].State != primary || rows[0].Epoch != 1 || rows[0].ObservedAt == nil || rows[0].Message != "" {
		t.Errorf("got %+v", rows)
	}
	if rows[1].State != unknown || rows[1].Message != "DataReady: volume pvc-1 is being demoted" {
		t.Errorf("got %+v", rows[1])
	}
}
