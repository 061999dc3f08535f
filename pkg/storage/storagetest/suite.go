// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package storagetest holds stores to what Kubernetes' own store is held to.
package storagetest

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/cacher"
	storagetesting "k8s.io/apiserver/pkg/storage/testing"
	"k8s.io/apiserver/pkg/storage/value"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
)

// Store is an empty store of the suite's objects, and what is done to it besides using it.
type Store struct {
	storage.Interface

	// Transformer is what the store encrypts with.
	Transformer *Transformer
	// Stored returns what is kept under a key, as the transformer made it.
	Stored func(ctx context.Context, key string) ([]byte, error)
	// Advance writes something else, by which the revision becomes one higher.
	Advance storagetesting.IncreaseRVFunc
	// Compact forgets what was before a revision, and makes the revision one higher.
	Compact storagetesting.Compaction
}

// Run holds the stores that newStore makes, one for each test, to the suite.
func Run(t *testing.T, newStore func(*testing.T) *Store) {
	run(t, newStore, everywhere)
	run(t, newStore, uncached)
}

// RunCached does so with the stock watch cache over each store.
func RunCached(t *testing.T, newStore func(*testing.T) *Store) {
	withCache := func(t *testing.T) *Store { return withCache(t, newStore(t)) }
	run(t, withCache, everywhere)
	run(t, withCache, cached)
}

func run(t *testing.T, newStore func(*testing.T) *Store, tests []test) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !test.alone {
				t.Parallel()
			}
			if test.without != "" {
				featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, test.without, false)
			}
			test.run(t.Context(), t, newStore(t))
		})
	}
}

// validate fails if what is kept holds what is not to be.
func (s *Store) validate(ctx context.Context, t *testing.T, key string) {
	data, err := s.Stored(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	if data, _, err = s.Transformer.TransformFromStorage(ctx, data, value.DefaultContext(key)); err != nil {
		t.Fatal(err)
	}
	object, err := runtime.Decode(Codec, data)
	if err != nil {
		t.Fatalf("%s is kept as what can't be decoded: %v\n%s", key, err, data)
	}
	if pod := object.(*example.Pod); pod.ResourceVersion != "" || pod.SelfLink != "" {
		t.Errorf("%s is kept with resourceVersion %q, selfLink %q; wanted neither", key, pod.ResourceVersion, pod.SelfLink)
	}
}

// withCache returns the store with a watch cache over it that is ready.
func withCache(t *testing.T, s *Store) *Store {
	watchCache, err := cacher.NewCacherFromConfig(CacherConfig(s.Interface))
	if err != nil {
		t.Fatal(err)
	}
	cached := cacher.NewCacheDelegator(watchCache, s.Interface)
	t.Cleanup(func() {
		cached.Stop()
		watchCache.Stop()
	})
	if err := watchCache.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Interface = cached
	return s
}

// everlasting is a store in which nothing expires: a test sets a second and takes longer.
type everlasting struct {
	storage.Interface
}

// GuaranteedUpdate ignores when the object is to expire.
func (e everlasting) GuaranteedUpdate(ctx context.Context, key string, destination runtime.Object, ignoreNotFound bool,
	preconditions *storage.Preconditions, tryUpdate storage.UpdateFunc, suggestion runtime.Object,
) error {
	forever := func(object runtime.Object, meta storage.ResponseMeta) (runtime.Object, *uint64, error) {
		changed, _, err := tryUpdate(object, meta)
		return changed, nil, err
	}
	return e.Interface.GuaranteedUpdate(ctx, key, destination, ignoreNotFound, preconditions, forever, suggestion)
}

// young is a store of which a test believes that it began with revision 1, as an etcd of its own does.
type young struct {
	storage.Interface
	beginning string
}

func sinceNow(ctx context.Context, t *testing.T, s *Store) storage.Interface {
	list := NewPodList()
	if err := s.GetList(ctx, Prefix, storage.ListOptions{Recursive: true, Predicate: storage.Everything}, list); err != nil {
		t.Fatal(err)
	}
	return &young{Interface: s.Interface, beginning: list.(*example.PodList).ResourceVersion}
}

// Watch from revision 1 is one from the beginning.
func (y *young) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	if opts.ResourceVersion == "1" {
		opts.ResourceVersion = y.beginning
	}
	return y.Interface.Watch(ctx, key, opts)
}
