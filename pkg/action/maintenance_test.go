// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action_test

import (
	"maps"
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
	primary := func(classes ...string) map[string]*v1alpha1.VolumeReplicationGroup {
		group := builder.VRG("shop", "shop", builder.DR1).Primary(1, "").Obj()
		group.Spec.Async.PeerClasses = policy.Status.Async.PeerClasses
		for _, class := range classes {
			group.Status.ProtectedPVCs = append(group.Status.ProtectedPVCs, v1alpha1.ProtectedPVC{Name: "data-" + class, StorageClassName: class})
		}
		return map[string]*v1alpha1.VolumeReplicationGroup{builder.DR1: group, builder.DR2: nil}
	}
	for name, test := range map[string]struct {
		groups map[string]*v1alpha1.VolumeReplicationGroup
		want   map[string]string
	}{
		"of volumes on both storages":         {primary("block", "file"), map[string]string{"block.csi": "pair", "file.csi": "filer"}},
		"of volumes on one of them":           {primary("block", "block"), map[string]string{"block.csi": "pair"}},
		"of a volume that nothing replicates": {primary("scratch"), map[string]string{}},
		"before anything is known of volumes": {primary(), map[string]string{"block.csi": "pair", "file.csi": "filer"}},
	} {
		t.Run(name, func(t *testing.T) {
			found := map[string]string{}
			for _, need := range action.MaintenanceNeeds(builder.DR2, policy, test.groups, config) {
				found[need.StorageProvisioner] += need.TargetID
			}
			if !maps.Equal(found, test.want) {
				t.Errorf("needed are %v, want %v", found, test.want)
			}
		})
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
