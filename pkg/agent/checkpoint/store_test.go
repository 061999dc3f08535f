// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/ramendr/dr-apiserver/pkg/agent/handover"
	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func load(t *testing.T, c client.Client) *Store {
	t.Helper()
	s, err := Load(t.Context(), c, "dr-system")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatWasSavedIsThereAfterARestart(t *testing.T) {
	c := fake.NewClientBuilder().Build()
	s := load(t, c)
	saved := remembering(primary(1, ""), secondary(2, v1alpha1.VRGActionRelocate))
	saved.Token = handover.Seal(v1alpha1.HandoverToken{Epoch: 2, SourceCluster: "dr1"}, now)
	saved.Objects = []types.UID{"a"}
	saved.LastCapture = &Capture{CaptureReference: v1alpha1.CaptureReference{ID: "i", S3Profiles: []string{"p"}}, Digest: "d", Quiesced: true}
	for range 2 {
		if err := s.Save(t.Context(), saved); err != nil {
			t.Fatal(err)
		}
	}
	again := load(t, c)
	got := again.Get(saved.Key())
	if diff := cmp.Diff(saved, got); diff != "" {
		t.Error(diff)
	}
	if err := handover.Verify(got.Token, 2, "dr2"); err != nil {
		t.Error(err)
	}
	if err := again.Delete(t.Context(), saved.Key()); err != nil {
		t.Fatal(err)
	}
	if err := again.Delete(t.Context(), saved.Key()); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if len(load(t, c).Keys()) != 0 || again.Get(saved.Key()) != nil {
		t.Error("still there after it was deleted")
	}
}

func TestTwoAgentsOfOneClusterDoNotOverwriteEachOther(t *testing.T) {
	c := fake.NewClientBuilder().Build()
	first := load(t, c)
	if err := first.Save(t.Context(), remembering(primary(1, ""))); err != nil {
		t.Fatal(err)
	}
	second := load(t, c)
	if err := second.Save(t.Context(), remembering(secondary(2, ""))); err != nil {
		t.Fatal(err)
	}
	if err := first.Save(t.Context(), remembering(primary(1, ""))); !apierrors.IsConflict(err) {
		t.Errorf("got %v, want a conflict", err)
	}
	if got := first.Get(remembering(primary(1, "")).Key()); got.Spec.Epoch != 2 {
		t.Errorf("after the conflict the first decides by epoch %d, not by what the second has written", got.Spec.Epoch)
	}
}

func TestAWriteWhoseAnswerWasLostIsNotAConflictForEver(t *testing.T) {
	lose := false
	lost := errors.New("connection lost")
	c := fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
			return errors.Join(c.Create(ctx, o.DeepCopyObject().(client.Object), options...), map[bool]error{true: lost}[lose])
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.UpdateOption) error {
			if !lose {
				return c.Update(ctx, o, options...)
			}
			return errors.Join(c.Update(ctx, o.DeepCopyObject().(client.Object), options...), lost)
		},
	}).Build()
	s := load(t, c)
	for epoch := range int64(2) {
		saved := remembering(primary(epoch+1, ""))
		lose = true
		if err := s.Save(t.Context(), saved); !errors.Is(err, lost) {
			t.Fatalf("got %v", err)
		}
		lose = false
		for range 2 {
			if err := s.Save(t.Context(), saved); err != nil {
				t.Fatalf("tried again in epoch %d: %v", epoch+1, err)
			}
		}
	}
}

func TestADeletedCheckpointIsWrittenAgain(t *testing.T) {
	c := fake.NewClientBuilder().Build()
	s := load(t, c)
	saved := remembering(primary(1, ""))
	if err := s.Save(t.Context(), saved); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteAllOf(t.Context(), &corev1.ConfigMap{}, client.InNamespace("dr-system")); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), saved); err != nil {
		t.Fatal(err)
	}
	if len(load(t, c).Keys()) != 1 {
		t.Error("not written")
	}
}

func TestADamagedCheckpointStopsTheAgent(t *testing.T) {
	c := fake.NewClientBuilder().WithObjects(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "dr-system", Name: "shop.x", Labels: map[string]string{mark.Checkpoint: "true"}},
		Data:       map[string]string{dataKey: "{"},
	}).Build()
	if _, err := Load(t.Context(), c, "dr-system"); err == nil || !strings.Contains(err.Error(), "dr-system/shop.x is damaged") {
		t.Error(err)
	}
}

func TestNoTwoGroupsShareAConfigMap(t *testing.T) {
	long := strings.Repeat("x", 250)
	names := map[string]bool{}
	for _, key := range []types.NamespacedName{{Namespace: "a", Name: "b.c"}, {Namespace: "a-b", Name: "c"}, {Namespace: "ns", Name: long + "1"}, {Namespace: "ns", Name: long + "2"}} {
		name := configMapName(key)
		if names[name] || len(name) > 253 {
			t.Errorf("%s: %s", key, name)
		}
		names[name] = true
	}
}
