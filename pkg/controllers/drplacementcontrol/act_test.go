// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

var key = types.NamespacedName{Namespace: "shop", Name: "shop"}

// beats is a hub whose every cluster is connected but the named one.
type beats struct{ lost string }

func (b beats) Last(string) (time.Time, time.Duration, bool) { return now, 40 * time.Second, true }
func (b beats) Connected(cluster string, _ time.Time) bool   { return cluster != b.lost }

// server is a fake one that lists what is written and can die before a write.
type server struct {
	client.Client
	writes []string
	// dieBefore is the number of the write that does not happen, nor any after it; negative means never.
	dieBefore int
	// refuse is what the next write is refused with.
	refuse error
}

var errDied = errors.New("died")

func (s *server) write(verb string, obj client.Object) error {
	if s.dieBefore >= 0 && len(s.writes) >= s.dieBefore {
		return errDied
	}
	if err := s.refuse; err != nil {
		s.refuse = nil
		return err
	}
	s.writes = append(s.writes, fmt.Sprintf("%s %s", verb, obj.GetName()))
	return nil
}

func newServer(t *testing.T, objects ...client.Object) *server {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	s := &server{dieBefore: -1}
	s.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithStatusSubresource(&v1alpha1.DRPlacementControl{}, &v1alpha1.VolumeReplicationGroup{}).
		WithIndex(&v1alpha1.VolumeReplicationGroup{}, indexGroupsByPlacement, func(o client.Object) []string {
			return []string{o.GetLabels()[v1alpha1.LabelDRPlacementControl]}
		}).
		WithInterceptorFuncs(interceptor.Funcs{
			Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
				if err := s.write("create", obj); err != nil {
					return err
				}
				return c.Create(ctx, obj, opts...)
			},
			Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
				if err := s.write("update", obj); err != nil {
					return err
				}
				return c.Update(ctx, obj, opts...)
			},
			Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
				if err := s.write("delete", obj); err != nil {
					return err
				}
				return c.Delete(ctx, obj, opts...)
			},
			SubResourceUpdate: func(ctx context.Context, c client.Client, _ string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
				if err := s.write("status", obj); err != nil {
					return err
				}
				return c.Status().Update(ctx, obj, opts...)
			},
		}).Build()
	return s
}

func (s *server) reconcile(t *testing.T, heartbeats Heartbeats) (reconcile.Result, error) {
	t.Helper()
	r := &Reconciler{Client: s, Heartbeats: heartbeats, Clock: clocktesting.NewFakePassiveClock(now)}
	return r.Reconcile(context.Background(), reconcile.Request{NamespacedName: key})
}

func stored(f Facts) []client.Object {
	objects := []client.Object{f.Placement}
	if f.Policy != nil {
		objects = append(objects, f.Policy)
	}
	for cluster := range f.Clusters {
		objects = append(objects, builder.DRCluster(cluster).Obj())
	}
	for _, group := range f.Groups {
		objects = append(objects, group)
	}
	return objects
}

func TestEachActionWritesNoMoreThanItMust(t *testing.T) {
	for name, test := range map[string]struct {
		facts  Facts
		beats  beats
		writes []string
	}{
		"first placement":   {unplaced(), beats{}, []string{"update shop", "status shop", "create shop.dr1", "create shop.dr2"}},
		"nothing to do":     {deployed(), beats{}, nil},
		"accepted failover": {accepted(dead(), acknowledged), beats{dr1}, []string{"update shop.dr2", "update shop.dr1"}},
		"accepted relocate": {accepted(deployed(), relocate), beats{}, []string{"update shop.dr1"}},
		"handed over": {
			func() Facts {
				f := accepted(deployed(), relocate)
				f.Groups[dr1] = vrg(dr1).Secondary(2, v1alpha1.VRGActionRelocate).Reports(secondary).HandedOver(2).Obj()
				return f
			}(), beats{}, []string{"status shop", "update shop.dr2"},
		},
		"recovered": {
			func() Facts {
				f := promoting(accepted(dead(), acknowledged))
				f.Groups[dr2] = vrg(dr2).Primary(2, v1alpha1.VRGActionFailover).Reports(primary).Healthy(saved).NeverSaved().Obj()
				return f
			}(), beats{dr1}, []string{"status shop"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, stored(test.facts)...)
			if _, err := s.reconcile(t, test.beats); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(s.writes, test.writes) {
				t.Errorf("wrote %v, want %v", s.writes, test.writes)
			}
			s.writes = nil
			if _, err := s.reconcile(t, test.beats); err != nil || len(s.writes) > 0 {
				t.Errorf("the second time it wrote %v: %v", s.writes, err)
			}
		})
	}
}

func TestItGoesOnAfterDyingBetweenAnyTwoWrites(t *testing.T) {
	for name, test := range map[string]struct {
		facts Facts
		beats beats
	}{
		"first placement":   {unplaced(), beats{}},
		"accepted failover": {accepted(dead(), acknowledged), beats{dr1}},
		"handed over": {func() Facts {
			f := accepted(deployed(), relocate)
			f.Groups[dr1] = vrg(dr1).Secondary(2, v1alpha1.VRGActionRelocate).Reports(secondary).HandedOver(2).Obj()
			return f
		}(), beats{}},
	} {
		t.Run(name, func(t *testing.T) {
			whole := newServer(t, stored(test.facts)...)
			if _, err := whole.reconcile(t, test.beats); err != nil {
				t.Fatal(err)
			}
			for write := range whole.writes {
				s := newServer(t, stored(test.facts)...)
				s.dieBefore = write
				if _, err := s.reconcile(t, test.beats); !errors.Is(err, errDied) {
					t.Fatalf("it did not die: %v", err)
				}
				s.dieBefore = -1
				if _, err := s.reconcile(t, test.beats); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(s.writes, whole.writes) {
					t.Errorf("having died before write %d it wrote %v, want %v", write, s.writes, whole.writes)
				}
			}
		})
	}
}

func TestDeletionEndsWithNothingLeftButTheApplication(t *testing.T) {
	f := deployed()
	s := newServer(t, stored(f)...)
	if err := s.Client.Delete(context.Background(), f.Placement.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	s.writes = nil
	for range 4 {
		if _, err := s.reconcile(t, beats{}); err != nil {
			t.Fatal(err)
		}
		releaseAll(t, s)
	}
	var order []string
	for _, write := range s.writes {
		if strings.HasPrefix(write, "delete") {
			order = append(order, write)
		}
	}
	if !slices.Equal(order, []string{"delete shop.dr2", "delete shop.dr1"}) {
		t.Errorf("deleted in the order %v", order)
	}
	if err := s.Get(context.Background(), key, &v1alpha1.DRPlacementControl{}); !apierrors.IsNotFound(err) {
		t.Errorf("the placement is still there: %v", err)
	}
	if _, err := s.reconcile(t, beats{}); err != nil {
		t.Errorf("a placement that is gone: %v", err)
	}
}

// releaseAll does what the agents do with groups that are being deleted.
func releaseAll(t *testing.T, s *server) {
	t.Helper()
	groups := &v1alpha1.VolumeReplicationGroupList{}
	if err := s.List(context.Background(), groups); err != nil {
		t.Fatal(err)
	}
	for i := range groups.Items {
		if group := &groups.Items[i]; group.DeletionTimestamp != nil {
			group.Finalizers = nil
			if err := s.Client.Update(context.Background(), group); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAConflictIsDecidedAgainAndIsNoError(t *testing.T) {
	s := newServer(t, stored(accepted(deployed(), relocate))...)
	s.refuse = apierrors.NewConflict(v1alpha1.Resource("volumereplicationgroups"), "shop.dr1", errors.New("changed"))
	result, err := s.reconcile(t, beats{})
	if err != nil || result.RequeueAfter == 0 {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestErrorsAreTriedAgainAndSayWhatFailed(t *testing.T) {
	s := newServer(t, stored(accepted(deployed(), relocate))...)
	s.refuse = errors.New("no disk")
	if _, err := s.reconcile(t, beats{}); err == nil || !strings.Contains(err.Error(), "updating VolumeReplicationGroup shop.dr1: no disk") {
		t.Errorf("got %v", err)
	}
}
