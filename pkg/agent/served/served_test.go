// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package served

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// cluster answers lists of a kind by its version.
type cluster struct {
	client.Reader
	answer func(version string) error
	asked  atomic.Int32
}

func (c *cluster) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	c.asked.Add(1)
	return c.answer(list.GetObjectKind().GroupVersionKind().Version)
}

func object(version string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(schema.GroupVersionKind{Group: "storage.example", Version: version, Kind: "Class"})
	return u
}

func list(version string) *unstructured.UnstructuredList {
	l := &unstructured.UnstructuredList{}
	l.SetGroupVersionKind(object(version).GroupVersionKind().GroupVersion().WithKind("ClassList"))
	return l
}

var (
	noMatch   = &meta.NoKindMatchError{}
	forbidden = apierrors.NewForbidden(schema.GroupResource{Resource: "classes"}, "", errors.New("not you"))
	broken    = apierrors.NewInternalError(errors.New("conversion webhook"))
	gone      = errors.New("connection refused")
)

func watchIn(ctx context.Context, t *testing.T, answer func(string) error) (*Kinds, *Kind, *cluster) {
	t.Helper()
	live := &cluster{answer: answer}
	kinds := NewKinds(&informertest.FakeInformers{}, live, runtime.NewScheme())
	kind, err := kinds.Watch(func(client.Object) {}, object("v1"), object("v1beta1"))
	if err != nil {
		t.Fatal(err)
	}
	go kinds.Run(ctx)
	return kinds, kind, live
}

func TestAKindIsReadInTheBestVersionThatTheClusterServesAndLetsItBeReadIn(t *testing.T) {
	for name, tc := range map[string]struct {
		v1, v1beta1 error
		want        string
	}{
		"both versions":           {nil, nil, "v1"},
		"the older one only":      {noMatch, nil, "v1beta1"},
		"neither":                 {noMatch, noMatch, ""},
		"one that may not be":     {forbidden, noMatch, ""},
		"one that is broken":      {broken, broken, ""},
		"one that is not allowed": {forbidden, nil, "v1beta1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				kinds, kind, _ := watchIn(ctx, t, func(version string) error { return map[string]error{"v1": tc.v1, "v1beta1": tc.v1beta1}[version] })
				if !kinds.WaitForSync(ctx) {
					t.Fatal("it is not known whether there is such a kind")
				}
				version, ok := kind.Version()
				if version.Version != tc.want || ok != (tc.want != "") {
					t.Errorf("watched is %q", version)
				}
				for _, v := range []string{"v1", "v1beta1"} {
					if err := kinds.List(ctx, list(v)); (err == nil) != (v == tc.want) || err != nil && !meta.IsNoMatchError(err) {
						t.Errorf("listing %s: %v", v, err)
					}
					if err := kinds.Get(ctx, client.ObjectKey{Name: "a"}, object(v)); (err == nil) != (v == tc.want) {
						t.Errorf("getting %s: %v", v, err)
					}
				}
			})
		})
	}
}

func TestAKindThatAppearsLaterIsWatchedFromThenOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var installed atomic.Bool
		kinds, kind, live := watchIn(ctx, t, func(version string) error {
			if installed.Load() && version == "v1" {
				return nil
			}
			return noMatch
		})
		kinds.WaitForSync(ctx)
		time.Sleep(time.Hour)
		if asked := live.asked.Load(); asked > 600 {
			t.Errorf("the cluster was asked %d times in an hour", asked)
		}
		installed.Store(true)
		time.Sleep(seldom)
		synctest.Wait()
		if version, _ := kind.Version(); version.Version != "v1" {
			t.Errorf("watched is %q", version)
		}
	})
}

func TestNothingIsSaidOfAKindWhileTheClusterCannotBeReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		kinds, _, _ := watchIn(ctx, t, func(string) error { return gone })
		if kinds.WaitForSync(ctx) {
			t.Error("a kind is taken for absent although nobody answered")
		}
	})
}
