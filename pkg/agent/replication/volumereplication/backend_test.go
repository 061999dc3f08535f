// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumereplication

import (
	"context"
	"strings"
	"testing"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
)

var claim = types.NamespacedName{Namespace: "shop", Name: "data"}

func backend(t *testing.T, objects ...client.Object) (*Backend, client.Client) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := csiaddons.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&csiaddons.VolumeReplication{}).Build()
	return &Backend{Reader: c, Client: c}, c
}

func read(t *testing.T, c client.Client) *csiaddons.VolumeReplication {
	t.Helper()
	vr := &csiaddons.VolumeReplication{}
	if err := c.Get(t.Context(), claim, vr); err != nil {
		t.Fatal(err)
	}
	return vr
}

func TestCSIAddonsIsMadeToLookWhetherOrNotItEverGotToAskStorage(t *testing.T) {
	for name, asked := range map[string]bool{"it wrote the handle back": true, "it has failed since it was last made to": false} {
		t.Run(name, func(t *testing.T) {
			vr := &csiaddons.VolumeReplication{ObjectMeta: metav1.ObjectMeta{Namespace: claim.Namespace, Name: claim.Name, Generation: 4}}
			b, c := backend(t, vr)
			changed, has := 0, asked
			// An API server changes the generation if a patch changes something.
			b.Client = interceptor.NewClient(c.(client.WithWatch), interceptor.Funcs{
				Patch: func(_ context.Context, _ client.WithWatch, object client.Object, patch client.Patch, _ ...client.PatchOption) error {
					data, err := patch.Data(object)
					if err != nil {
						return err
					}
					if wants := !strings.Contains(string(data), "null"); wants != has {
						has = wants
						changed++
						object.SetGeneration(object.GetGeneration() + 1)
					}
					return nil
				},
			})
			if err := b.Refresh(t.Context(), claim); err != nil || changed != 1 {
				t.Errorf("changed %d times: %v", changed, err)
			}
		})
	}
}

func TestAVolumeIsToldItsRole(t *testing.T) {
	b, c := backend(t)
	v := boundTo(csiVolume("sim"))
	for _, step := range []struct {
		name   string
		do     func() error
		state  csiaddons.ReplicationState
		resync bool
	}{
		{"protected", func() error { return b.Promote(t.Context(), v, "class") }, csiaddons.Primary, false},
		{"synced a last time, without a resync", func() error { return b.Demote(t.Context(), v, "class", replication.FinalSync) }, csiaddons.Secondary, false},
		{"giving way, with a resync", func() error { return b.Demote(t.Context(), v, "class", replication.Resync) }, csiaddons.Secondary, true},
		{"promoted again, without a resync left over", func() error { return b.Promote(t.Context(), v, "class") }, csiaddons.Primary, false},
	} {
		for range 2 {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
		}
		vr := read(t, c)
		if vr.Spec.ReplicationState != step.state || vr.Spec.AutoResync != step.resync || vr.Spec.VolumeReplicationClass != "class" ||
			vr.Spec.DataSource.Kind != "PersistentVolumeClaim" || vr.Spec.DataSource.Name != claim.Name {
			t.Errorf("%s: %+v", step.name, vr.Spec)
		}
	}
}

func TestAVolumeThatMayHaveBeenDemotedUnnoticedIsPromotedAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		spec         csiaddons.ReplicationState
		state, after csiaddons.State
	}{
		"told to be secondary, and not known to have become it": {csiaddons.Secondary, csiaddons.PrimaryState, csiaddons.UnknownState},
		"known to be secondary":                                 {csiaddons.Secondary, csiaddons.SecondaryState, csiaddons.SecondaryState},
		"primary all along":                                     {csiaddons.Primary, csiaddons.PrimaryState, csiaddons.PrimaryState},
	} {
		t.Run(name, func(t *testing.T) {
			b, c := backend(t, &csiaddons.VolumeReplication{
				ObjectMeta: metav1.ObjectMeta{Namespace: claim.Namespace, Name: claim.Name, Labels: map[string]string{mark.ManagedBy: mark.Agent}},
				Spec:       csiaddons.VolumeReplicationSpec{ReplicationState: tc.spec},
				Status:     csiaddons.VolumeReplicationStatus{State: tc.state},
			})
			if err := b.Promote(t.Context(), boundTo(csiVolume("sim")), "class"); err != nil {
				t.Fatal(err)
			}
			if vr := read(t, c); vr.Spec.ReplicationState != csiaddons.Primary || vr.Status.State != tc.after {
				t.Errorf("csi-addons is told %s of a volume that is %s", vr.Spec.ReplicationState, vr.Status.State)
			}
		})
	}
}

func TestAVolumeReplicationOfSomebodyElseIsLeftAlone(t *testing.T) {
	b, c := backend(t, &csiaddons.VolumeReplication{
		ObjectMeta: metav1.ObjectMeta{Namespace: claim.Namespace, Name: claim.Name},
		Spec:       csiaddons.VolumeReplicationSpec{ReplicationState: csiaddons.Secondary},
	})
	if err := b.Promote(t.Context(), boundTo(csiVolume("sim")), "class"); err == nil || !strings.Contains(err.Error(), "shop/data") {
		t.Error(err)
	}
	if gone, err := b.Remove(t.Context(), claim); !gone || err != nil {
		t.Errorf("removing: %t, %v", gone, err)
	}
	if read(t, c).Spec.ReplicationState != csiaddons.Secondary {
		t.Error("it was changed")
	}
}

func TestRemovalIsOverWhenNothingIsLeft(t *testing.T) {
	b, c := backend(t, &csiaddons.VolumeReplication{ObjectMeta: metav1.ObjectMeta{
		Namespace: claim.Namespace, Name: claim.Name, Labels: map[string]string{mark.ManagedBy: mark.Agent}, Finalizers: []string{"replication.storage.openshift.io"},
	}})
	for range 2 {
		if gone, err := b.Remove(t.Context(), claim); gone || err != nil {
			t.Fatalf("while it is held: %t, %v", gone, err)
		}
	}
	if state, err := b.Report(claim); err != nil || !state.Ending {
		t.Errorf("%+v, %v", state, err)
	}
	vr := read(t, c)
	vr.Finalizers = nil
	if err := c.Update(t.Context(), vr); err != nil {
		t.Fatal(err)
	}
	if gone, err := b.Remove(t.Context(), claim); !gone || err != nil {
		t.Errorf("%t, %v", gone, err)
	}
	if state, err := b.Report(claim); state != nil || err != nil {
		t.Errorf("%+v, %v", state, err)
	}
}

func TestReport(t *testing.T) {
	const current = 4
	condition := func(conditionType string, status metav1.ConditionStatus, reason string) metav1.Condition {
		return metav1.Condition{Type: conditionType, Status: status, Reason: reason, Message: reason, ObservedGeneration: current}
	}
	completed := condition(csiaddons.ConditionCompleted, metav1.ConditionTrue, csiaddons.Demoted)
	calm := []metav1.Condition{condition(csiaddons.ConditionDegraded, metav1.ConditionFalse, csiaddons.Healthy), condition(csiaddons.ConditionResyncing, metav1.ConditionFalse, csiaddons.NotResyncing)}
	for name, tc := range map[string]struct {
		wanted     csiaddons.ReplicationState
		resync     bool
		observed   int64
		state      csiaddons.State
		message    string
		conditions []metav1.Condition
		want       replication.State
	}{
		"promoted": {
			csiaddons.Primary, false, current, csiaddons.PrimaryState, "volume is marked primary", append(calm, completed),
			replication.State{Wanted: replication.Primary, Role: replication.Primary, Reported: replication.Primary},
		},
		"not looked at yet": {
			csiaddons.Primary, false, current - 1, csiaddons.SecondaryState, "", append(calm, completed),
			replication.State{Wanted: replication.Primary, Reported: replication.Secondary},
		},
		"an answer to something older": {
			csiaddons.Primary, false, current - 1, csiaddons.PrimaryState, "", append(calm, completed),
			replication.State{Wanted: replication.Primary, Reported: replication.Primary},
		},
		"a promotion that failed": {
			csiaddons.Primary, false, current, csiaddons.SecondaryState, "array says no",
			[]metav1.Condition{condition(csiaddons.ConditionCompleted, metav1.ConditionFalse, csiaddons.FailedToPromote)},
			replication.State{Wanted: replication.Primary, Reported: replication.Secondary, Message: "array says no"},
		},
		"a primary that does not replicate": {
			csiaddons.Primary, false, current, csiaddons.PrimaryState, "",
			append(calm, completed, condition(csiaddons.ConditionReplicating, metav1.ConditionFalse, csiaddons.NotReplicating)),
			replication.State{Wanted: replication.Primary, Role: replication.Primary, Reported: replication.Primary, Unhealthy: true, Message: csiaddons.NotReplicating},
		},
		"demoted and in sync": {
			csiaddons.Secondary, false, current, csiaddons.SecondaryState, "", append(calm, completed),
			replication.State{Wanted: replication.Secondary, Role: replication.Secondary, Reported: replication.Secondary, Keeps: true, InSync: true},
		},
		"demoted but degraded is not in sync": {
			csiaddons.Secondary, false, current, csiaddons.SecondaryState, "volume is degraded",
			[]metav1.Condition{completed, condition(csiaddons.ConditionDegraded, metav1.ConditionTrue, csiaddons.VolumeDegraded), calm[1]},
			replication.State{Wanted: replication.Secondary, Role: replication.Secondary, Reported: replication.Secondary, Keeps: true, Message: "volume is degraded"},
		},
		"demoted and told to give up what its peer lacks": {
			csiaddons.Secondary, true, current, csiaddons.SecondaryState, "", append(calm, completed),
			replication.State{Wanted: replication.Secondary, Role: replication.Secondary, Reported: replication.Secondary, InSync: true},
		},
		"demoted but resyncing is not in sync": {
			csiaddons.Secondary, false, current, csiaddons.SecondaryState, "",
			[]metav1.Condition{completed, calm[0], condition(csiaddons.ConditionResyncing, metav1.ConditionTrue, csiaddons.ResyncTriggered)},
			replication.State{Wanted: replication.Secondary, Role: replication.Secondary, Reported: replication.Secondary, Keeps: true},
		},
		"conditions of an older generation prove nothing": {
			csiaddons.Secondary, false, current, csiaddons.SecondaryState, "",
			[]metav1.Condition{completed, {Type: csiaddons.ConditionDegraded, Status: metav1.ConditionFalse, ObservedGeneration: current - 1}, calm[1]},
			replication.State{Wanted: replication.Secondary, Role: replication.Secondary, Reported: replication.Secondary, Keeps: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			vr := &csiaddons.VolumeReplication{
				ObjectMeta: metav1.ObjectMeta{Generation: current},
				Spec:       csiaddons.VolumeReplicationSpec{ReplicationState: tc.wanted, AutoResync: tc.resync},
				Status: csiaddons.VolumeReplicationStatus{
					State: tc.state, ObservedGeneration: tc.observed, Message: tc.message, Conditions: tc.conditions,
				},
			}
			if got := *StateOf(vr); got != tc.want {
				t.Errorf("got %+v\nwant %+v", got, tc.want)
			}
		})
	}
}
