// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/cacher"
	"k8s.io/apiserver/pkg/storage/feature"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
)

// NewRESTOptionsGetter returns the options of another, with the objects in records instead of an etcd. The stock watch cache
// is over it. From then on this process believes that its stores can be asked for progress, as it can of those of an etcd.
func NewRESTOptionsGetter(client *Client, of generic.RESTOptionsGetter) generic.RESTOptionsGetter {
	supportProgress()
	return &restOptionsGetter{client: client, of: of}
}

var supportProgress = sync.OnceFunc(func() {
	feature.DefaultFeatureSupportChecker = progressSupported{feature.DefaultFeatureSupportChecker}
})

// progressSupported tells watch caches that they may wait for what they ask their store for. Etcds are asked for their version.
type progressSupported struct {
	feature.FeatureSupportChecker
}

// Supports is true of progress.
func (c progressSupported) Supports(what storage.Feature) bool {
	return what == storage.RequestWatchProgress || c.FeatureSupportChecker.Supports(what)
}

type restOptionsGetter struct {
	client *Client
	of     generic.RESTOptionsGetter
}

// GetRESTOptions returns the options of a resource.
func (g *restOptionsGetter) GetRESTOptions(resource schema.GroupResource, example runtime.Object) (generic.RESTOptions, error) {
	options, err := g.of.GetRESTOptions(resource, example)
	options.Decorator = g.decorate
	return options, err
}

// decorate makes a store and a watch cache over it.
func (g *restOptionsGetter) decorate(config *storagebackend.ConfigForResource, resourcePrefix string,
	keyFunc func(runtime.Object) (string, error), newFunc, newListFunc func() runtime.Object,
	getAttrs storage.AttrFunc, triggers storage.IndexerFuncs, indexers *cache.Indexers,
) (storage.Interface, factory.DestroyFunc, error) {
	store, err := New(Config{
		Client: g.client, GroupResource: config.GroupResource, ResourcePrefix: resourcePrefix,
		Codec: config.Codec, Transformer: config.Transformer, NewFunc: newFunc,
	})
	if err != nil {
		return nil, nil, err
	}
	watchCache, err := cacher.NewCacherFromConfig(cacher.Config{
		Storage:             store,
		Versioner:           versioner,
		GroupResource:       config.GroupResource,
		EventsHistoryWindow: config.EventsHistoryWindow,
		ResourcePrefix:      resourcePrefix,
		KeyFunc:             keyFunc,
		GetAttrsFunc:        getAttrs,
		IndexerFuncs:        triggers,
		Indexers:            indexers,
		NewFunc:             newFunc,
		NewListFunc:         newListFunc,
		Codec:               config.Codec,
	})
	if err != nil {
		return nil, nil, err
	}
	cached := cacher.NewCacheDelegator(watchCache, store)
	return cached, sync.OnceFunc(func() {
		cached.Stop()
		watchCache.Stop()
	}), nil
}
