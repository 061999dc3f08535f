// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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

// BenchmarkStores compares records on the hub with the embedded etcd, both below the stock watch cache. It asks one and the other
// in turn, so that both have the machine's good and bad moments. The hub's etcd does not wait for the disk; the embedded one
// does. docs/storage.md has the figures.
func BenchmarkStores(b *testing.B) {
	embedded, host := newEmbedded(b), newReplica(b, hub.newClient(b))
	fill(b, embedded)
	fill(b, host)
	for _, operation := range append(operations, watched(b, embedded, host)) {
		b.Run(operation.name, func(b *testing.B) {
			var took [2][]time.Duration
			for i := range b.N {
				for which, s := range []storage.Interface{embedded, host} {
					began := time.Now()
					if err := operation.run(b.Context(), s, i); err != nil {
						b.Fatal(err)
					}
					took[which] = append(took[which], time.Since(began))
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(milliseconds(took[0], 50), "embedded-p50-ms")
			b.ReportMetric(milliseconds(took[1], 50), "host-p50-ms")
			b.ReportMetric(milliseconds(took[1], 50)/milliseconds(took[0], 50), "times")
			b.ReportMetric(milliseconds(took[0], 99), "embedded-p99-ms")
			b.ReportMetric(milliseconds(took[1], 99), "host-p99-ms")
		})
	}
}

func milliseconds(took []time.Duration, percentile int) float64 {
	slices.Sort(took)
	return took[(len(took)-1)*percentile/100].Seconds() * 1000
}

type operation struct {
	name string
	run  func(ctx context.Context, s storage.Interface, i int) error
}

var operations = []operation{
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

// watched is a write until a watch has told of it.
func watched(b *testing.B, stores ...storage.Interface) operation {
	watches := map[storage.Interface]watch.Interface{}
	for _, s := range stores {
		w, err := s.Watch(b.Context(), storagetest.Prefix+"watched/", storage.ListOptions{Recursive: true, Predicate: storage.Everything})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(w.Stop)
		watches[s] = w
		_, pod := newPod("pod")
		pod.Namespace, pod.Annotations = "watched", payload
		if err := s.Create(b.Context(), storagetest.Prefix+"watched/pod", pod, nil, 0); err != nil {
			b.Fatal(err)
		}
		<-w.ResultChan()
	}
	return operation{"update-until-told", func(ctx context.Context, s storage.Interface, _ int) error {
		if err := touch(ctx, s, storagetest.Prefix+"watched/pod"); err != nil {
			return err
		}
		<-watches[s].ResultChan()
		return nil
	}}
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
