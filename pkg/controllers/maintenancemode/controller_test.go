// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package maintenancemode

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

// failingOver is an application whose failover to dr2 needs its storage prepared.
func failingOver(name string) *v1alpha1.DRPlacementControl {
	return builder.DRPC("shop", name).Running(builder.DR1, 2, v1alpha1.PhaseFailingOver).Action(&v1alpha1.ActionRecord{
		Name:   name,
		Spec:   v1alpha1.DRActionSpec{Type: v1alpha1.ActionFailover, TargetCluster: builder.DR2},
		Status: v1alpha1.DRActionStatus{Steps: []v1alpha1.ActionStep{{Name: v1alpha1.StepMaintenanceMode, State: v1alpha1.StepRunning}}},
	}).Obj()
}

func TestModeIsHeldUntilEveryFailoverThatNeedsItHasEnded(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	policy := builder.DRPolicy(builder.PolicyName).Obj()
	policy.Status.Async = &v1alpha1.PeerClasses{PeerClasses: []v1alpha1.PeerClass{{StorageClassName: "block", ReplicationID: "pair"}}}
	config := builder.DRClusterConfig(builder.DR2).StorageClass("block", "block.csi", "array").Obj()
	config.Status.StorageClasses[0].Labels = map[string]string{v1alpha1.LabelMaintenanceModes: "Failover"}
	c := fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&v1alpha1.DRPlacementControl{}).
		WithObjects(policy, config, failingOver("first"), failingOver("second")).Build()
	r := &Reconciler{Client: c, Live: c}
	modes := func() []v1alpha1.MaintenanceMode {
		t.Helper()
		for range 2 {
			if _, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Name: builder.DR2}}); err != nil {
				t.Fatal(err)
			}
		}
		list := &v1alpha1.MaintenanceModeList{}
		if err := c.List(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		return list.Items
	}
	found := modes()
	if len(found) != 1 || found[0].Spec.ClusterName != builder.DR2 || found[0].Spec.StorageProvisioner != "block.csi" || found[0].Spec.TargetID != "pair" {
		t.Fatalf("asked for are %+v", found)
	}
	for i, name := range []string{"first", "second"} {
		placement := &v1alpha1.DRPlacementControl{}
		if err := c.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: name}, placement); err != nil {
			t.Fatal(err)
		}
		placement.Status.CurrentAction.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded}}
		if err := c.Status().Update(t.Context(), placement); err != nil {
			t.Fatal(err)
		}
		if held := modes(); len(held) != 1-i {
			t.Errorf("once %s has ended %d modes are held, want %d", name, len(held), 1-i)
		}
	}
}
