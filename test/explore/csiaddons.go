// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volumereplication"
)

// putVR keeps a VolumeReplication. Of generations only matters which are the present one.
func (m *model) putVR(vr *csiaddons.VolumeReplication) ref {
	if vr == nil {
		return 0
	}
	vr = vr.DeepCopy()
	past := func(generation int64) int64 {
		if generation == vr.Generation {
			return 2
		}
		return min(generation, 1)
	}
	for i := range vr.Status.Conditions {
		c := &vr.Status.Conditions[i]
		c.ObservedGeneration, c.LastTransitionTime, c.Message = past(c.ObservedGeneration), metav1.Time{}, ""
	}
	vr.Status.ObservedGeneration, vr.Status.Message = past(vr.Status.ObservedGeneration), ""
	vr.Generation, vr.ResourceVersion = 2, ""
	return m.vrs.put(encode(vr), vr)
}

// csiKey is what the csi-addons controller of a cluster acts upon, csiTurn what it makes of it.
type csiKey struct {
	c          int
	vr, volume ref
	linked     bool
}

type csiTurn struct{ vr, volume ref }

// reconcileVR is one turn of the csi-addons controller at a volume.
func (m *model) reconcileVR(key csiKey) csiTurn {
	vr, array := m.vrs.get(key.vr).DeepCopy(), m.arrays.get(key.volume)
	switch {
	case vr.DeletionTimestamp != nil:
		array.disable(key.c)
		vr = nil
	case vr.Spec.ReplicationState == csiaddons.Primary:
		csiPrimary(vr, &array, key.c)
	default:
		csiSecondary(vr, &array, key.c, key.linked)
	}
	return csiTurn{m.putVR(vr), m.arrays.put(array)}
}

func csiPrimary(vr *csiaddons.VolumeReplication, array *volume, c int) {
	vr.Status.ObservedGeneration = vr.Generation
	if vr.Status.State != csiaddons.PrimaryState && (!array.enable(c) || !array.promote(c)) {
		set(vr, csiaddons.ConditionCompleted, metav1.ConditionFalse)
		set(vr, csiaddons.ConditionDegraded, metav1.ConditionTrue)
		set(vr, csiaddons.ConditionResyncing, metav1.ConditionFalse)
		return
	}
	set(vr, csiaddons.ConditionCompleted, metav1.ConditionTrue)
	set(vr, csiaddons.ConditionDegraded, metav1.ConditionFalse)
	set(vr, csiaddons.ConditionResyncing, metav1.ConditionFalse)
	vr.Status.State = csiaddons.PrimaryState
	if synced := array[c].synced; synced > 0 {
		at := metav1.NewTime(instant(synced - 1))
		vr.Status.LastSyncTime = &at
	}
}

func csiSecondary(vr *csiaddons.VolumeReplication, array *volume, c int, linked bool) {
	vr.Status.ObservedGeneration = vr.Generation
	set(vr, csiaddons.ConditionResyncing, metav1.ConditionFalse)
	set(vr, csiaddons.ConditionDegraded, metav1.ConditionTrue)
	if !array.demote(c) {
		set(vr, csiaddons.ConditionCompleted, metav1.ConditionFalse)
		return
	}
	set(vr, csiaddons.ConditionCompleted, metav1.ConditionTrue)
	if vr.Status.State != csiaddons.SecondaryState {
		vr.Status.State = csiaddons.SecondaryState
		return
	}
	switch ready, ok := array.resync(c, vr.Spec.AutoResync, linked); {
	case !ok:
		set(vr, csiaddons.ConditionCompleted, metav1.ConditionFalse)
	case !ready:
		set(vr, csiaddons.ConditionResyncing, metav1.ConditionTrue)
	default:
		set(vr, csiaddons.ConditionDegraded, metav1.ConditionFalse)
		vr.Status.LastSyncTime = nil
	}
}

func set(vr *csiaddons.VolumeReplication, conditionType string, status metav1.ConditionStatus) {
	meta.SetStatusCondition(&vr.Status.Conditions, metav1.Condition{
		Type: conditionType, Status: status, ObservedGeneration: vr.Generation, Reason: "Model",
	})
}

// replicationState is what the agent's own backend reads in a VolumeReplication.
func (m *model) replicationState(vr ref, v int) *replication.State {
	return m.memoState.of(vr, func() *replication.State {
		backend := volumereplication.Backend{Reader: &oneVR{vr: m.vrs.get(vr)}}
		state, err := backend.Report(claimKey(v))
		if err != nil {
			panic(err)
		}
		return state
	})
}

// wish is something that is asked of a volume's replication.
type wish struct {
	vr     ref
	volume int
	op     agentOp
	how    replication.Demotion
}

// wished is the VolumeReplication after the agent's own backend has asked for something.
func (m *model) wished(w wish) ref {
	return m.memoWish.of(w, func() ref {
		api := &oneVR{vr: m.vrs.get(w.vr).DeepCopy()}
		backend := volumereplication.Backend{Reader: api, Client: api}
		object, ctx := m.claim(w.volume, claimOwned), context.Background()
		var err error
		switch w.op {
		case opPromote:
			err = backend.Promote(ctx, object, "class")
		case opDemote:
			err = backend.Demote(ctx, object, "class", w.how)
		case opRefresh:
			err = backend.Refresh(ctx, object.Key())
		case opRelease:
			_, err = backend.Remove(ctx, object.Key())
		}
		if err != nil {
			panic(err)
		}
		return m.putVR(api.vr)
	})
}

// oneVR is an API server with one VolumeReplication at most.
type oneVR struct {
	client.Client
	vr *csiaddons.VolumeReplication
}

func (o *oneVR) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	if o.vr == nil {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "volumereplications"}, key.Name)
	}
	o.vr.DeepCopyInto(into.(*csiaddons.VolumeReplication))
	return nil
}

func (o *oneVR) Create(_ context.Context, object client.Object, _ ...client.CreateOption) error {
	o.vr = object.(*csiaddons.VolumeReplication).DeepCopy()
	o.vr.Generation = 3
	return nil
}

// Patch is a merge patch of the spec, with which the generation changes if anything does.
func (o *oneVR) Patch(_ context.Context, _ client.Object, patch client.Patch, _ ...client.PatchOption) error {
	if o.vr == nil {
		return nil
	}
	data, err := patch.Data(o.vr)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, o.vr); err != nil {
		return err
	}
	o.vr.Generation = 3
	return nil
}

// Status returns a writer of the status, which does not change the generation.
func (o *oneVR) Status() client.SubResourceWriter { return oneStatus{vr: o.vr} }

type oneStatus struct {
	client.SubResourceWriter
	vr *csiaddons.VolumeReplication
}

func (o oneStatus) Patch(_ context.Context, _ client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	data, err := patch.Data(o.vr)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, o.vr)
}

func (o *oneVR) Delete(context.Context, client.Object, ...client.DeleteOption) error {
	o.vr.DeletionTimestamp = &metav1.Time{Time: instant(0)}
	return nil
}
