// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

func TestMaintenanceNeeds(t *testing.T) {
	policy := builder.DRPolicy(builder.PolicyName).Obj()
	policy.Status.Async = &v1alpha1.PeerClasses{PeerClasses: []v1alpha1.PeerClass{
		{StorageClassName: "block", ReplicationID: "pair"}, {StorageClassName: "file"},
	}}
	asking := map[string]string{v1alpha1.LabelMaintenanceModes: "Other, Failover"}
	config := builder.DRClusterConfig(builder.DR2).Obj()
	config.Status.StorageClasses = []v1alpha1.ClassInfo{
		{Name: "block", Provisioner: "block.csi", Labels: asking},
		{Name: "file", Provisioner: "file.csi", StorageID: "filer", Labels: asking},
		{Name: "scratch", Provisioner: "scratch.csi", Labels: asking},
	}
	config.Status.VolumeReplicationClasses = []v1alpha1.ClassInfo{
		{Name: "vrc", Provisioner: "block.csi", ReplicationID: "pair", Labels: asking},
		{Name: "other", Provisioner: "block.csi", ReplicationID: "another pair", Labels: asking},
		{Name: "silent", Provisioner: "silent.csi", ReplicationID: "pair"},
	}
	found := map[string]string{}
	for _, need := range action.MaintenanceNeeds(builder.DR2, policy, config) {
		found[need.StorageProvisioner] += need.TargetID
	}
	if len(found) != 2 || found["block.csi"] != "pair" || found["file.csi"] != "filer" {
		t.Errorf("needed are %v, want one of block.csi for pair and one of file.csi for filer", found)
	}
}

func TestFailoverIsNotPastItsPointOfNoReturnBeforeStorageIsPrepared(t *testing.T) {
	f := dead()
	target := f.Clusters[builder.DR2]
	target.Maintenance = []v1alpha1.MaintenanceModeSpec{{ClusterName: builder.DR2, StorageProvisioner: "block.csi"}}
	f.Clusters[builder.DR2] = target
	action.Accept(f.Placement, action.Preflight(f, action.Request{
		Type: v1alpha1.ActionFailover, Acknowledgements: []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite},
	}))
	record := f.Placement.Status.CurrentAction
	step := action.Step(record, v1alpha1.StepMaintenanceMode)
	if step == nil || step.State != v1alpha1.StepRunning || action.PastPointOfNoReturn(record) || f.Placement.Status.PrimaryCluster != builder.DR1 {
		t.Fatalf("accepted, the application is %s's and its steps are %+v", f.Placement.Status.PrimaryCluster, record.Status.Steps)
	}
	if !action.NeedsMaintenance(f.Placement, builder.DR2) || action.NeedsMaintenance(f.Placement, builder.DR1) {
		t.Error("the failover does not need the storage of dr2, or needs that of dr1")
	}
	action.PassPointOfNoReturn(&f.Placement.Status, "prepared", metav1.NewMicroTime(now))
	if step.State != v1alpha1.StepDone || !action.PastPointOfNoReturn(record) || f.Placement.Status.PrimaryCluster != builder.DR2 {
		t.Errorf("prepared, the application is %s's and its steps are %+v", f.Placement.Status.PrimaryCluster, record.Status.Steps)
	}
}
