// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/cacher"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/pkg/storage/storagetest"
)

// newReplica returns what one of several servers that share records has: a store with a watch cache over it.
func newReplica(tb testing.TB, client *Client) storage.Interface {
	tb.Helper()
	supportProgress()
	store, err := New(Config{
		Client: client, GroupResource: storagetest.Resource, ResourcePrefix: storagetest.Prefix,
		Codec: storagetest.Codec, NewFunc: storagetest.NewPod,
	})
	if err != nil {
		tb.Fatal(err)
	}
	watchCache, err := cacher.NewCacherFromConfig(storagetest.CacherConfig(store))
	if err != nil {
		tb.Fatal(err)
	}
	cached := cacher.NewCacheDelegator(watchCache, store)
	tb.Cleanup(func() {
		cached.Stop()
		watchCache.Stop()
	})
	if err := watchCache.Wait(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return cached
}

func newPod(name string) (string, *example.Pod) {
	return storagetest.Prefix + "shop/" + name, &example.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
}

func names(ctx context.Context, t *testing.T, s storage.Interface) string {
	t.Helper()
	list := &example.PodList{}
	if err := s.GetList(ctx, storagetest.Prefix, storage.ListOptions{Recursive: true, Predicate: storage.Everything}, list); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, pod := range list.Items {
		all = append(all, pod.Name)
	}
	return strings.Join(all, ",")
}

func TestAListFromTheCacheHasWhatAnotherReplicaHasJustWrittenAndNotWhatItHasJustDeleted(t *testing.T) {
	t.Parallel()
	client := hub.newClient(t)
	one, other := newReplica(t, client), newReplica(t, client)
	for i := range 20 {
		key, pod := newPod(fmt.Sprintf("pod-%02d", i))
		if err := one.Create(t.Context(), key, pod, nil, 0); err != nil {
			t.Fatal(err)
		}
		if got := names(t.Context(), t, other); got != pod.Name {
			t.Fatalf("the other replica lists %q, wanted %q", got, pod.Name)
		}
		if err := one.Delete(t.Context(), key, &example.Pod{}, nil, storage.ValidateAllObjectFunc, nil, storage.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := names(t.Context(), t, other); got != "" {
			t.Fatalf("the other replica still lists %q", got)
		}
	}
}

func TestOfReplicasThatUpdateAtOnceNoneUndoesWhatAnotherDid(t *testing.T) {
	t.Parallel()
	client := hub.newClient(t)
	replicas := []storage.Interface{newReplica(t, client), newReplica(t, client), newReplica(t, client)}
	key, pod := newPod("counter")
	if err := replicas[0].Create(t.Context(), key, pod, nil, 0); err != nil {
		t.Fatal(err)
	}
	const each = 10
	errs := make(chan error, len(replicas))
	for _, replica := range replicas {
		go func() {
			var err error
			for range each {
				err = replica.GuaranteedUpdate(t.Context(), key, &example.Pod{}, false, nil,
					storage.SimpleUpdate(func(obj runtime.Object) (runtime.Object, error) {
						obj.(*example.Pod).Generation++
						return obj, nil
					}), nil)
				if err != nil {
					break
				}
			}
			errs <- err
		}()
	}
	for range replicas {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	got := &example.Pod{}
	if err := replicas[0].Get(t.Context(), key, storage.GetOptions{}, got); err != nil {
		t.Fatal(err)
	}
	if want := int64(each * len(replicas)); got.Generation != want {
		t.Errorf("%d updates are left of %d", got.Generation, want)
	}
}

func TestAnObjectOfSeveralMegabytesFitsIntoARecordIfItCanBeCompressed(t *testing.T) {
	t.Parallel()
	s := newReplica(t, hub.newClient(t))
	key, pod := newPod("large")
	pod.Annotations = map[string]string{"a": strings.Repeat("what is said again and again. ", 200_000)}
	if err := s.Create(t.Context(), key, pod.DeepCopy(), nil, 0); err != nil {
		t.Fatal(err)
	}
	got := &example.Pod{}
	if err := s.Get(t.Context(), key, storage.GetOptions{}, got); err != nil || got.Annotations["a"] != pod.Annotations["a"] {
		t.Errorf("%d of %d bytes come back (%v)", len(got.Annotations["a"]), len(pod.Annotations["a"]), err)
	}
}

func TestAnObjectThatDoesNotFitIntoARecordIsRefusedForItsSize(t *testing.T) {
	t.Parallel()
	s := newReplica(t, hub.newClient(t))
	for name, size := range map[string]int{"for-the-etcd": 1_300_000, "for-the-etcds-client": 1_700_000, "for-the-kube-apiserver": 4_000_000} {
		key, pod := newPod(name)
		random := make([]byte, size)
		_, _ = rand.Read(random)
		pod.Annotations = map[string]string{"a": base64.StdEncoding.EncodeToString(random)}
		err := s.Create(t.Context(), key, pod, nil, 0)
		if !apierrors.IsRequestEntityTooLargeError(err) || !strings.Contains(err.Error(), "make it smaller") {
			t.Errorf("%s: the answer is %v", name, err)
		}
	}
}

func TestWhatTheHubSaysOfTheServersOwnRightsIsNotSaidOfTheUsers(t *testing.T) {
	t.Parallel()
	client := hub.newClient(t)
	powerless := rest.CopyConfig(hub.Config)
	powerless.Impersonate.UserName = "somebody"
	as, err := NewClient(powerless, client.namespace)
	if err != nil {
		t.Fatal(err)
	}
	store := newStore(Config{Client: as, GroupResource: storagetest.Resource, ResourcePrefix: storagetest.Prefix, Codec: storagetest.Codec, NewFunc: storagetest.NewPod})
	key, _ := newPod("pod")
	err = store.Get(t.Context(), key, storage.GetOptions{}, &example.Pod{})
	if !storage.IsInternalError(err) || !strings.Contains(err.Error(), "apply the Role") {
		t.Errorf("the answer is %v", err)
	}
	if err := as.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "apply the Role") {
		t.Errorf("it is ready: %v", err)
	}
	if err := client.Ready(t.Context()); err != nil {
		t.Errorf("with rights it is not ready: %v", err)
	}
}

func TestRecordsThatTheHubDoesNotServeAreNamedWithARemedy(t *testing.T) {
	t.Parallel()
	err := hubError(apierrors.NewGenericServerResponse(404, "get", GroupVersion.WithResource(Resource).GroupResource(), "", "", 0, true))
	if !storage.IsInternalError(err) || !strings.Contains(err.Error(), "CustomResourceDefinition") {
		t.Errorf("the answer is %v", err)
	}
}
