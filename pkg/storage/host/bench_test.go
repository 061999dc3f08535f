// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/cacher"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"

	"github.com/ramendr/dr-apiserver/pkg/apiserver/etcd"
	"github.com/ramendr/dr-apiserver/pkg/storage/storagetest"
)

// listed is how many objects a list has.
const listed = 1000

// BenchmarkStores compares records on the hub with the embedded etcd, both below the stock watch cache. The hub's etcd does not
// wait for the disk; the embedded one does. docs/storage.md has the figures.
func BenchmarkStores(b *testing.B) {
	stores := map[string]func(*testing.B) storage.Interface{
		"embedded": newEmbedded,
		"host":     func(b *testing.B) storage.Interface { return newReplica(b, hub.newClient(b)) },
	}
	for _, name := range []string{"embedded", "host"} {
		s := stores[name](b)
		fill(b, s)
		for _, operation := range operations {
			b.Run(operation.name+"/"+name, func(b *testing.B) {
				for i := range b.N {
					if err := operation.run(b.Context(), s, i); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run("watch/"+name, func(b *testing.B) { benchmarkWatch(b, s) })
	}
}

var operations = []struct {
	name string
	run  func(ctx context.Context, s storage.Interface, i int) error
}{
	{"get", func(ctx context.Context, s storage.Interface, i int) error {
		key, _ := newPod(fmt.Sprintf("pod-%04d", i%listed))
		return s.Get(ctx, key, storage.GetOptions{}, &example.Pod{})
	}},
	{"get-cached", func(ctx context.Context, s storage.Interface, i int) error {
		key, _ := newPod(fmt.Sprintf("pod-%04d", i%listed))
		return s.Get(ctx, key, storage.GetOptions{ResourceVersion: "0"}, &example.Pod{})
	}},
	{"list", func(ctx context.Context, s storage.Interface, _ int) error {
		return s.GetList(ctx, storagetest.Prefix, storage.ListOptions{Recursive: true, Predicate: storage.Everything}, &example.PodList{})
	}},
	{"update", func(ctx context.Context, s storage.Interface, i int) error {
		key, _ := newPod(fmt.Sprintf("pod-%04d", i%listed))
		return touch(ctx, s, key)
	}},
	{"create-delete", func(ctx context.Context, s storage.Interface, _ int) error {
		key, pod := newPod("another")
		pod.Annotations = payload
		if err := s.Create(ctx, key, pod, nil, 0); err != nil {
			return err
		}
		return s.Delete(ctx, key, &example.Pod{}, nil, storage.ValidateAllObjectFunc, nil, storage.DeleteOptions{})
	}},
}

// payload makes an object about as large as a DRPlacementControl with its status.
var payload = func() map[string]string {
	parts := map[string]string{}
	for i := range 40 {
		parts[fmt.Sprintf("condition-%d", i)] = strings.Repeat(fmt.Sprintf("reason %d, ", i), 7)
	}
	return parts
}()

func touch(ctx context.Context, s storage.Interface, key string) error {
	return s.GuaranteedUpdate(ctx, key, &example.Pod{}, false, nil, storage.SimpleUpdate(func(obj runtime.Object) (runtime.Object, error) {
		obj.(*example.Pod).Generation++
		return obj, nil
	}), nil)
}

func fill(b *testing.B, s storage.Interface) {
	for i := range listed {
		key, pod := newPod(fmt.Sprintf("pod-%04d", i))
		pod.Annotations = payload
		if err := s.Create(b.Context(), key, pod, nil, 0); err != nil {
			b.Fatal(err)
		}
	}
}

// benchmarkWatch measures from before a write until a watch has told of it.
func benchmarkWatch(b *testing.B, s storage.Interface) {
	w, err := s.Watch(b.Context(), storagetest.Prefix, storage.ListOptions{Recursive: true, Predicate: storage.Everything})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Stop()
	for range listed {
		<-w.ResultChan()
	}
	b.ResetTimer()
	for i := range b.N {
		key, _ := newPod(fmt.Sprintf("pod-%04d", i%listed))
		if err := touch(b.Context(), s, key); err != nil {
			b.Fatal(err)
		}
		if event := <-w.ResultChan(); event.Type != watch.Modified {
			b.Fatalf("a change is told as %s", event.Type)
		}
	}
}

// newEmbedded returns a store in an etcd in this process.
func newEmbedded(b *testing.B) storage.Interface {
	server, err := etcd.Start(b.Context(), b.TempDir(), etcd.DefaultQuota)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Stop)
	config := storagebackend.NewDefaultConfig("/registry", storagetest.Codec)
	config.Transport.ServerList = []string{server.Endpoint()}
	store, destroy, err := factory.Create(*config.ForResource(storagetest.Resource), storagetest.NewPod, storagetest.NewPodList, storagetest.Prefix)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(destroy)
	watchCache, err := cacher.NewCacherFromConfig(storagetest.CacherConfig(store))
	if err != nil {
		b.Fatal(err)
	}
	cached := cacher.NewCacheDelegator(watchCache, store)
	b.Cleanup(func() {
		cached.Stop()
		watchCache.Stop()
	})
	if err := watchCache.Wait(b.Context()); err != nil {
		b.Fatal(err)
	}
	return cached
}
