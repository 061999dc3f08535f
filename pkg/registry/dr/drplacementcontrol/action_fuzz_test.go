// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"context"
	"errors"
	"testing"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/install"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/validation"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

var (
	fuzzScheme = func() *runtime.Scheme {
		scheme := runtime.NewScheme()
		install.Install(scheme)
		return scheme
	}()
	fuzzCodecs = serializer.NewCodecFactory(fuzzScheme)
	fuzzNow    = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
)

// FuzzAction sends whatever body to failover, relocate and abort, in different states of the application. It is refused with
// a Status, or what is accepted can be stored, read back and told to the requester.
func FuzzAction(f *testing.F) {
	for _, body := range []string{
		`{"apiVersion":"dr.ramen.io/v1alpha1","kind":"DRAction","metadata":{"name":"a"},"spec":{"targetCluster":"dr2","force":true,"reason":"r"}}`,
		`{"spec":{"acknowledgements":["SourceMayStillWrite","SourceMayStillWrite"]}}`, `{"metadata":{"name":"A b","uid":"x","resourceVersion":"1"}}`,
		`{"kind":"DRPlacementControl","apiVersion":"dr.ramen.io/v1alpha1"}`, `{"spec":{"type":"Relocate","epoch":-1,"drPlacementControl":"shop"}}`,
		`{"status":{"steps":[{}],"conditions":[{}]},"spec":{"sourceCluster":"mars","requestedBy":"root"}}`,
		`apiVersion: dr.ramen.io/v1alpha1
kind: DRAction
spec: {targetCluster: dr1}`, ``, `null`, `[]`, `{"spec":null}`, `{"spec":{"acknowledgements":["All"]}}`, `{"metadata":{"namespace":"other"}}`,
	} {
		for verb := range byte(3) {
			f.Add([]byte(body), verb, verb)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, verb, situation byte) {
		requested, gvk, err := fuzzCodecs.UniversalDeserializer().Decode(body, new(v1alpha1.SchemeGroupVersion.WithKind("DRAction")), nil)
		if err != nil || gvk.Kind != "DRAction" {
			return
		}
		internal, err := fuzzScheme.ConvertToVersion(requested, dr.SchemeGroupVersion)
		if err != nil {
			t.Fatalf("what was decoded can't be converted: %v", err)
		}
		facts := situations[int(situation)%len(situations)]()
		before := facts.Placement.DeepCopy()
		if err := judge(t.Context(), facts, internal, verb%3); err != nil {
			var refusal apierrors.APIStatus
			if !errors.As(err, &refusal) || refusal.Status().Code < 400 || refusal.Status().Message == "" {
				t.Errorf("no refusal: %v", err)
			}
			if !apiequality.Semantic.DeepEqual(before, facts.Placement) {
				t.Error("what was refused changed the placement")
			}
			return
		}
		checkAccepted(t, before, facts.Placement)
	})
}

// judge does with a body what the subresources do, but for storing it.
func judge(ctx context.Context, facts action.Facts, body runtime.Object, verb byte) error {
	types := []v1alpha1.ActionType{v1alpha1.ActionFailover, v1alpha1.ActionRelocate, ""}
	requested, err := admit(ctx, facts.Placement.Name, body, nil, dr.ActionType(types[verb]))
	if err != nil {
		return err
	}
	if types[verb] == "" {
		if err := refuseOtherAction(facts.Placement, requested.Name); err != nil {
			return err
		}
		return action.Abort(facts.Placement, "somebody", requested.Spec.Reason, facts.Now)
	}
	begin := &BeginREST{actionType: types[verb]}
	record := action.Preflight(facts, begin.request(ctx, requested))
	if refusal := action.Refusal(record); refusal != nil {
		return refusal
	}
	action.Accept(facts.Placement, record)
	return nil
}

func checkAccepted(t *testing.T, before, placement *v1alpha1.DRPlacementControl) {
	t.Helper()
	answer := action.DRAction(placement, *placement.Status.CurrentAction)
	record := roundTrip(t, answer).(*dr.DRAction)
	if errs := validation.ValidateDRAction(record); len(errs) > 0 {
		t.Errorf("its record can't be stored: %v", errs)
	}
	stored := roundTrip(t, placement).(*dr.DRPlacementControl)
	old := roundTrip(t, before).(*dr.DRPlacementControl)
	if errs := validation.ValidateDRPlacementControlStatusUpdate(stored, old); len(errs) > 0 {
		t.Errorf("the placement can't be stored: %v", errs)
	}
}

// roundTrip encodes an object as it is stored and returns it as it is read.
func roundTrip(t *testing.T, object runtime.Object) runtime.Object {
	t.Helper()
	data, err := runtime.Encode(fuzzCodecs.LegacyCodec(v1alpha1.SchemeGroupVersion), object)
	if err != nil {
		t.Fatalf("it can't be encoded: %v", err)
	}
	read, err := runtime.Decode(fuzzCodecs.UniversalDecoder(dr.SchemeGroupVersion), data)
	if err != nil {
		t.Fatalf("it can't be decoded: %v\n%s", err, data)
	}
	again, err := runtime.Encode(fuzzCodecs.LegacyCodec(v1alpha1.SchemeGroupVersion), read)
	if err != nil || string(again) != string(data) {
		t.Errorf("it was\n%s\nand is, read back,\n%s\n%v", data, again, err)
	}
	return read
}

// situations in which somebody may ask for an action.
var situations = []func() action.Facts{
	healthy,
	sourceLost,
	func() action.Facts { return underWay(healthy(), v1alpha1.ActionRelocate) },
	func() action.Facts { return underWay(sourceLost(), v1alpha1.ActionFailover) },
	func() action.Facts {
		f := healthy()
		f.Policy, f.Groups = nil, nil
		return f
	},
	func() action.Facts {
		f := healthy()
		f.Placement.Status = v1alpha1.DRPlacementControlStatus{}
		return f
	},
	func() action.Facts {
		return action.Facts{Now: fuzzNow, Placement: builder.DRPC("shop", "shop").Deleting(fuzzNow).Obj()}
	},
}

func healthy() action.Facts {
	saved := fuzzNow.Add(-time.Minute)
	connected := action.ClusterFacts{Exists: true, Connected: true, LastHeartbeat: fuzzNow, LeaseExpires: fuzzNow.Add(time.Minute)}
	return action.Facts{
		Now: fuzzNow,
		Placement: builder.DRPC("shop", "shop").Running(builder.DR1, 3, v1alpha1.PhaseRelocated).Saved(saved).
			Condition(v1alpha1.ConditionAvailable, metav1.ConditionTrue, "Ready").Obj(),
		Policy:   builder.DRPolicy(builder.PolicyName).Obj(),
		Clusters: map[string]action.ClusterFacts{builder.DR1: connected, builder.DR2: connected},
		Groups: map[string]*v1alpha1.VolumeReplicationGroup{
			builder.DR1: builder.VRG("shop", "shop", builder.DR1).Primary(3, v1alpha1.VRGActionRelocate).
				Reports(v1alpha1.PrimaryState).Healthy(saved).Obj(),
			builder.DR2: builder.VRG("shop", "shop", builder.DR2).Secondary(3, v1alpha1.VRGActionRelocate).
				Reports(v1alpha1.SecondaryState).Healthy(saved).Obj(),
		},
	}
}

func sourceLost() action.Facts {
	f := healthy()
	f.Clusters[builder.DR1] = action.ClusterFacts{Exists: true, LastHeartbeat: fuzzNow.Add(-time.Hour), LeaseExpires: fuzzNow.Add(-time.Hour)}
	return f
}

// underWay is the situation after an action to dr2 was accepted.
func underWay(f action.Facts, actionType v1alpha1.ActionType) action.Facts {
	record := action.Preflight(f, action.Request{Type: actionType, Name: "a", TargetCluster: builder.DR2})
	action.Accept(f.Placement, record)
	return f
}
