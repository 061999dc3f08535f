// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

// synchronous is an application whose policy has no interval.
func synchronous(f Facts) Facts {
	f.Policy.Spec.SchedulingInterval = ""
	return f
}

func TestSynchronousFailoverPromotesOnlyOnceTheSourceCannotWrite(t *testing.T) {
	for name, test := range map[string]struct {
		facts    func() Facts
		promotes bool
		rests    string
		says     string
	}{
		"it waits for the fence of a lost source, whatever was acknowledged": {
			facts: func() Facts { return accepted(synchronous(dead()), acknowledged) },
			says:  "POST a ClusterFence to drclusters/dr1/fence",
		},
		"it waits while the fence is being carried out": {
			facts: func() Facts {
				f := accepted(synchronous(dead()), acknowledged)
				source := f.Clusters[dr1]
				source.Fence.Phase = v1alpha1.ClusterFencing
				f.Clusters[dr1] = source
				return f
			},
			says: "Waits until dr1 is fenced off",
		},
		"it goes on once the source is fenced": {
			facts: func() Facts {
				f := accepted(synchronous(dead()), acknowledged)
				f.Clusters[dr1] = fenced(f.Clusters[dr1])
				return f
			},
			promotes: true, rests: dr1,
		},
		"it waits while a connected source still has its volumes": {
			facts: func() Facts {
				f := accepted(synchronous(deployed()), forced)
				f.Groups[dr1] = vrg(dr1).Secondary(2, v1alpha1.VRGActionFailover).Reports(unknown).
					Condition(v1alpha1.ConditionQuiesced, metav1.ConditionTrue, "Stopped", "").Obj()
				return f
			},
		},
		"it goes on once a connected source has let go of its volumes": {
			facts: func() Facts {
				f := accepted(synchronous(deployed()), forced)
				f.Groups[dr1] = vrg(dr1).Secondary(2, v1alpha1.VRGActionFailover).Reports(secondary).Obj()
				return f
			},
			promotes: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := test.facts()
			f.Now = f.Now.Add(10 * progressGrace)
			d := Decide(f)
			if first := d.Status.CurrentAction.Status.Steps[0]; first.Name != v1alpha1.StepFence || !strings.Contains(first.Message, test.says) {
				t.Errorf("the first step is %s and says %q, want Fence and %q", first.Name, first.Message, test.says)
			}
			if passed := action.PastPointOfNoReturn(d.Status.CurrentAction); passed != test.promotes {
				t.Errorf("past the point of no return: %t, want %t", passed, test.promotes)
			}
			if d.RestsOnFenceOf != test.rests {
				t.Errorf("the decision rests on the fence of %q, want %q", d.RestsOnFenceOf, test.rests)
			}
		})
	}
}

func TestDecisionThatRestsOnALiftedFenceIsNotCarriedOut(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	cluster := builder.DRCluster(dr1).Obj()
	cluster.Status.Fence = &v1alpha1.FenceRequest{State: v1alpha1.FenceStateUnfenced}
	r := &Reconciler{Live: fake.NewClientBuilder().WithScheme(scheme).WithObjects(cluster).Build()}
	err := r.act(t.Context(), builder.DRPC("shop", "shop").Obj(), Decision{RestsOnFenceOf: dr1, StatusChanged: true})
	if !apierrors.IsConflict(err) {
		t.Errorf("got %v, want a conflict, so that it is decided again", err)
	}
}
