// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package served reads and watches kinds that a cluster may not have: those that storage and its controllers bring along.
// Each is watched as soon as the cluster serves it and lets the agent read it; until then there is none of it.
package served

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

const (
	// soonest and seldom are the least and the longest time until a cluster is asked again for a kind that it did not serve.
	soonest = 500 * time.Millisecond
	seldom  = 15 * time.Second
)

// Kinds are kinds that may not be there. As a client.Reader it reads the cache, and says of a kind that is watched here and
// not served that nothing matches it (meta.IsNoMatchError).
type Kinds struct {
	cache  Cache
	live   client.Reader
	scheme *runtime.Scheme

	lock    sync.RWMutex
	watched []*Kind
}

var _ client.Reader = (*Kinds)(nil)

// Cache is what of a cache.Cache is needed.
type Cache interface {
	client.Reader
	GetInformer(ctx context.Context, object client.Object, options ...cache.InformerGetOption) (cache.Informer, error)
}

// NewKinds returns Kinds that are watched by the cache, once the live reader finds them.
func NewKinds(objects Cache, live client.Reader, scheme *runtime.Scheme) *Kinds {
	return &Kinds{cache: objects, live: live, scheme: scheme}
}

// Kind is one kind, in whichever of its versions the cluster has.
type Kind struct {
	changed  func(client.Object)
	versions []version

	lock sync.RWMutex
	// probed is true once it is known whether the kind is served.
	probed bool
	found  *version
	synced func() bool
	told   string
}

type version struct {
	object client.Object
	kind   schema.GroupVersionKind
}

// Watch has changed called with each object of a kind that comes, changes or goes. The objects are empty ones of the
// versions that are understood, the best first. It is to be called before Run.
func (k *Kinds) Watch(changed func(client.Object), objects ...client.Object) (*Kind, error) {
	w := &Kind{changed: changed}
	for _, object := range objects {
		kind, err := apiutil.GVKForObject(object, k.scheme)
		if err != nil {
			return nil, err
		}
		w.versions = append(w.versions, version{object, kind})
	}
	k.lock.Lock()
	defer k.lock.Unlock()
	k.watched = append(k.watched, w)
	return w, nil
}

// Version is the version of the kind that is watched; false while there is none.
func (w *Kind) Version() (schema.GroupVersionKind, bool) {
	w.lock.RLock()
	defer w.lock.RUnlock()
	if w.found == nil || !w.synced() {
		return schema.GroupVersionKind{}, false
	}
	return w.found.kind, true
}

// Run looks for the kinds until all are found or ctx ends. Kinds that appear are watched from then on.
func (k *Kinds) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, w := range k.all() {
		all.Go(func() {
			backoff := wait.Backoff{Duration: soonest, Factor: 2, Steps: math.MaxInt32, Cap: seldom}
			_ = backoff.DelayFunc().Until(ctx, true, false, func(ctx context.Context) (bool, error) {
				k.look(ctx, w)
				return w.watching(), nil
			})
		})
	}
	all.Wait()
}

// WaitForSync waits until it is known of each kind whether it is served, and what there is of those that are.
func (k *Kinds) WaitForSync(ctx context.Context) bool {
	return toolscache.WaitForCacheSync(ctx.Done(), func() bool {
		for _, w := range k.all() {
			if !w.settled() {
				return false
			}
		}
		return true
	})
}

func (k *Kinds) all() []*Kind {
	k.lock.RLock()
	defer k.lock.RUnlock()
	return k.watched
}

func (w *Kind) watching() bool {
	w.lock.RLock()
	defer w.lock.RUnlock()
	return w.found != nil
}

func (w *Kind) settled() bool {
	w.lock.RLock()
	defer w.lock.RUnlock()
	return w.probed && (w.found == nil || w.synced())
}

// look looks for the kind once. Where the cluster answers, it is known from then on whether there is such a kind.
func (k *Kinds) look(ctx context.Context, w *Kind) {
	var obstacle error
	for i := range w.versions {
		v := &w.versions[i]
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(v.kind.GroupVersion().WithKind(v.kind.Kind + "List"))
		err := k.live.List(ctx, list, client.Limit(1))
		switch {
		case err == nil:
			k.watch(ctx, w, v)
			return
		case meta.IsNoMatchError(err), apierrors.IsNotFound(err):
		default:
			obstacle = err
		}
	}
	switch answer := apierrors.APIStatus(nil); {
	case obstacle == nil:
		w.tell(ctx, "it is not served by this cluster")
	case !errors.As(obstacle, &answer):
		w.tell(ctx, obstacle.Error())
		return
	default:
		w.tell(ctx, obstacle.Error())
	}
	w.lock.Lock()
	defer w.lock.Unlock()
	w.probed = true
}

// watch starts to watch the version that was found.
func (k *Kinds) watch(ctx context.Context, w *Kind, v *version) {
	informer, err := k.cache.GetInformer(ctx, v.object, cache.BlockUntilSynced(false))
	if err == nil {
		_, err = informer.AddEventHandler(w.handler())
	}
	if err != nil {
		w.tell(ctx, err.Error())
		return
	}
	w.lock.Lock()
	defer w.lock.Unlock()
	w.found, w.synced, w.probed = v, informer.HasSynced, true
}

func (w *Kind) handler() toolscache.ResourceEventHandler {
	call := func(object any) {
		if tombstone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
			object = tombstone.Obj
		}
		if typed, ok := object.(client.Object); ok {
			w.changed(typed)
		}
	}
	return toolscache.ResourceEventHandlerFuncs{AddFunc: call, DeleteFunc: call, UpdateFunc: func(_, now any) { call(now) }}
}

// tell says once what stands against watching the kind.
func (w *Kind) tell(ctx context.Context, what string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	if w.told == what {
		return
	}
	w.told = what
	klog.FromContext(ctx).Info("A kind of object is done without until the cluster serves it and the agent may read it", "kind", w.versions[0].kind.GroupKind().String(), "reason", what)
}
