// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"context"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// Index knows, by watching nothing but names and labels, of which kinds there are objects in a namespace: a cluster has
// many kinds and an application few, and each capture would otherwise ask for all of them.
type Index struct {
	kinds  *Kinds
	client metadata.Interface

	lock    sync.RWMutex
	watched map[schema.GroupVersionResource]*watched
}

type watched struct {
	informer cache.SharedIndexInformer
	stop     context.CancelFunc
}

// NewIndex returns an Index of the kinds given. Until Run has filled it, it leaves nothing out.
func NewIndex(kinds *Kinds, client metadata.Interface) *Index {
	return &Index{kinds: kinds, client: client, watched: map[schema.GroupVersionResource]*watched{}}
}

// Having returns the resources of which there may be objects in the namespace that the selector covers and that no other
// object controls.
func (x *Index) Having(namespace string, selector labels.Selector) ([]schema.GroupVersionResource, error) {
	all, err := x.kinds.List()
	if err != nil {
		return nil, err
	}
	var having []schema.GroupVersionResource
	for _, resource := range all {
		if x.mayHave(resource, namespace, selector) {
			having = append(having, resource)
		}
	}
	return having, nil
}

func (x *Index) mayHave(resource schema.GroupVersionResource, namespace string, selector labels.Selector) bool {
	x.lock.RLock()
	w := x.watched[resource]
	x.lock.RUnlock()
	if w == nil || !w.informer.HasSynced() {
		return true
	}
	objects, err := w.informer.GetIndexer().ByIndex(cache.NamespaceIndex, namespace)
	if err != nil {
		return true
	}
	for _, o := range objects {
		object, ok := o.(*metav1.PartialObjectMetadata)
		if ok && metav1.GetControllerOfNoCopy(object) == nil && selector.Matches(labels.Set(object.Labels)) {
			return true
		}
	}
	return false
}

// Exists tells whether an object is known to be there.
func (x *Index) Exists(resource schema.GroupVersionResource, namespace, name string) bool {
	x.lock.RLock()
	w := x.watched[resource]
	x.lock.RUnlock()
	if w == nil {
		return false
	}
	_, exists, err := w.informer.GetIndexer().GetByKey(cache.NewObjectName(namespace, name).String())
	return err == nil && exists
}

// Exclude leaves a resource out that can't be read.
func (x *Index) Exclude(resource schema.GroupVersionResource, reason error) {
	x.kinds.Exclude(resource, reason)
}

// Served returns a resource in the version to ask for it, if there is one and its objects are captured.
func (x *Index) Served(resource schema.GroupResource) (schema.GroupVersionResource, bool) {
	all, err := x.kinds.List()
	i := slices.IndexFunc(all, func(r schema.GroupVersionResource) bool { return r.GroupResource() == resource })
	if err != nil || i < 0 {
		return schema.GroupVersionResource{}, false
	}
	return all[i], true
}

// Run keeps the index until ctx ends.
func (x *Index) Run(ctx context.Context) {
	var wait sync.WaitGroup
	defer wait.Wait()
	ticker := time.NewTicker(rediscovery)
	defer ticker.Stop()
	for {
		if err := x.kinds.refresh(); err != nil {
			klog.FromContext(ctx).Error(err, "The cluster can't be asked which kinds it has; going on with what is known")
		} else {
			x.follow(ctx, &wait)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// follow watches exactly the kinds there are.
func (x *Index) follow(ctx context.Context, wait *sync.WaitGroup) {
	all, err := x.kinds.List()
	if err != nil {
		return
	}
	x.lock.Lock()
	defer x.lock.Unlock()
	wanted := sets.New(all...)
	for resource, w := range x.watched {
		if !wanted.Has(resource) {
			w.stop()
			delete(x.watched, resource)
		}
	}
	for _, resource := range all {
		if x.watched[resource] == nil {
			x.watched[resource] = x.watch(ctx, resource, wait)
		}
	}
}

func (x *Index) watch(ctx context.Context, resource schema.GroupVersionResource, wait *sync.WaitGroup) *watched {
	ctx, stop := context.WithCancel(ctx)
	informer := metadatainformer.NewFilteredMetadataInformer(x.client, resource, metav1.NamespaceAll, 0,
		cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}, nil).Informer()
	// Both fail only once the informer runs.
	_ = informer.SetTransform(bareMetadata)
	_ = informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, r *cache.Reflector, err error) {
		if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
			x.drop(resource, err)
			return
		}
		cache.DefaultWatchErrorHandler(ctx, r, err)
	})
	wait.Go(func() { informer.RunWithContext(ctx) })
	return &watched{informer: informer, stop: stop}
}

// drop gives up watching a kind that can't be read, so that nothing is concluded from what is known of it.
func (x *Index) drop(resource schema.GroupVersionResource, reason error) {
	if !essentialGroups.Has(resource.Group) {
		x.kinds.Exclude(resource, reason)
	}
	x.lock.Lock()
	defer x.lock.Unlock()
	if w := x.watched[resource]; w != nil {
		w.stop()
		delete(x.watched, resource)
	}
}

// bareMetadata keeps what Having looks at.
func bareMetadata(object any) (any, error) {
	o, ok := object.(*metav1.PartialObjectMetadata)
	if !ok {
		return object, nil
	}
	bare := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace: o.Namespace, Name: o.Name, UID: o.UID, ResourceVersion: o.ResourceVersion, Labels: o.Labels,
	}}
	if owner := metav1.GetControllerOf(o); owner != nil {
		bare.OwnerReferences = []metav1.OwnerReference{*owner}
		bare.Labels = nil
	}
	return bare, nil
}
