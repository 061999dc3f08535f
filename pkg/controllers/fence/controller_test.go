// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

const (
	dr1, dr2 = builder.DR1, builder.DR2
	fenced   = v1alpha1.FenceStateFenced
	unfenced = v1alpha1.FenceStateUnfenced
)

// hub is a hub with dr1, whose fence dr2 carries out.
type hub struct {
	*testing.T
	client.Client
	*Reconciler
}

func newHub(t *testing.T, objects ...client.Object) hub {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	objects = append(objects, builder.DRCluster(dr1).Obj(), builder.DRClusterConfig(dr2).Obj())
	c := fake.NewClientBuilder().WithScheme(scheme).
		WithStatusSubresource(&v1alpha1.DRCluster{}, &v1alpha1.DRClusterConfig{}, &v1alpha1.DRPlacementControl{}, &v1alpha1.VolumeReplicationGroup{}).
		WithIndex(&v1alpha1.VolumeReplicationGroup{}, v1alpha1.FieldClusterName, func(o client.Object) []string {
			return []string{o.(*v1alpha1.VolumeReplicationGroup).Spec.ClusterName}
		}).WithObjects(objects...).Build()
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC))
	return hub{t, c, &Reconciler{Client: c, Live: c, Clock: clock}}
}

// ask has a request accepted, as the verb does.
func (h hub) ask(number int64, state v1alpha1.FenceState) {
	h.Helper()
	cluster := h.cluster()
	cluster.Status.Fence = &v1alpha1.FenceRequest{
		Number: number, State: state, Peer: dr2, CIDRs: []string{"10.0.1.0/24"}, NetworkFenceClasses: []string{"fence"},
	}
	if err := h.Client.Status().Update(h.Context(), cluster); err != nil {
		h.Fatal(err)
	}
}

// answer reports as dr2's agent does.
func (h hub) answer(number int64, state v1alpha1.FenceState) {
	h.Helper()
	config := h.config()
	config.Status.Fences = []v1alpha1.FenceReport{{ClusterName: dr1, Number: number, State: state, Done: true}}
	if err := h.Client.Status().Update(h.Context(), config); err != nil {
		h.Fatal(err)
	}
}

func (h hub) reconcile() reconcile.Result {
	h.Helper()
	var result reconcile.Result
	for range 3 { // Its own writes come back as events.
		var err error
		if result, err = h.Reconcile(h.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Name: dr1}}); err != nil {
			h.Fatal(err)
		}
	}
	return result
}

func (h hub) cluster() *v1alpha1.DRCluster {
	h.Helper()
	cluster := &v1alpha1.DRCluster{}
	if err := h.Client.Get(h.Context(), types.NamespacedName{Name: dr1}, cluster); err != nil {
		h.Fatal(err)
	}
	return cluster
}

func (h hub) config() *v1alpha1.DRClusterConfig {
	h.Helper()
	config := &v1alpha1.DRClusterConfig{}
	if err := h.Client.Get(h.Context(), types.NamespacedName{Name: dr2}, config); err != nil {
		h.Fatal(err)
	}
	return config
}

func TestFenceIsOrderedFromThePeerAndSettledByItsReport(t *testing.T) {
	h := newHub(t)
	h.ask(1, fenced)
	h.reconcile()
	if orders := h.config().Spec.Fences; len(orders) != 1 || orders[0].ClusterName != dr1 || orders[0].State != fenced {
		t.Fatalf("dr2 is told %+v", orders)
	}
	if h.cluster().Status.Phase != v1alpha1.ClusterFencing {
		t.Errorf("before the report dr1 is %s", h.cluster().Status.Phase)
	}
	h.answer(1, fenced)
	h.reconcile()
	if cluster := h.cluster(); cluster.Status.Phase != v1alpha1.ClusterFenced || !meta.IsStatusConditionTrue(cluster.Status.Conditions, v1alpha1.ConditionFenced) {
		t.Errorf("after the report dr1 is %s: %+v", cluster.Status.Phase, cluster.Status.Conditions)
	}

	h.ask(2, unfenced)
	h.reconcile()
	if orders := h.config().Spec.Fences; len(orders) != 1 || orders[0].State != unfenced || orders[0].Number != 2 {
		t.Fatalf("dr2 is told %+v", orders)
	}
	h.answer(2, unfenced)
	h.reconcile()
	if orders := h.config().Spec.Fences; h.cluster().Status.Phase != v1alpha1.ClusterAvailable || len(orders) != 0 {
		t.Errorf("in the end dr1 is %s and dr2 is told %+v", h.cluster().Status.Phase, orders)
	}
}

func TestClusterIsNotLetBackWhileAFailoverHasComeToRelyOnItsFence(t *testing.T) {
	record := &v1alpha1.ActionRecord{Name: "away", Spec: v1alpha1.DRActionSpec{Type: v1alpha1.ActionFailover, SourceCluster: dr1, TargetCluster: dr2}}
	placement := builder.DRPC("shop", "shop").Running(dr1, 1, v1alpha1.PhaseFailingOver).Action(record).Obj()
	h := newHub(t, placement)
	h.ask(1, fenced)
	h.reconcile()
	h.answer(1, fenced)
	h.ask(2, unfenced)
	if result := h.reconcile(); result.RequeueAfter == 0 {
		t.Error("it is not looked at again")
	}
	if orders := h.config().Spec.Fences; len(orders) != 1 || orders[0].State != fenced {
		t.Fatalf("dr2 is told %+v", orders)
	}
	condition := meta.FindStatusCondition(h.cluster().Status.Conditions, v1alpha1.ConditionClean)
	if condition == nil || condition.Status != metav1.ConditionFalse || !strings.Contains(condition.Message, "failover of shop/shop") {
		t.Errorf("Clean is %+v", condition)
	}

	record.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAborted}}
	placement.Status.CurrentAction = record
	if err := h.Client.Get(t.Context(), client.ObjectKeyFromObject(placement), placement); err != nil {
		t.Fatal(err)
	}
	placement.Status.CurrentAction.Status = record.Status
	if err := h.Client.Status().Update(t.Context(), placement); err != nil {
		t.Fatal(err)
	}
	h.reconcile()
	if orders := h.config().Spec.Fences; len(orders) != 1 || orders[0].State != unfenced {
		t.Errorf("once the failover has ended dr2 is told %+v", orders)
	}
}
