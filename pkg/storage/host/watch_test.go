// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/pkg/storage/storagetest"
)

// badLine leads to the hub, and can be cut.
type badLine struct {
	*httptest.Server
	down atomic.Bool
}

func newBadLine(t *testing.T) *badLine {
	target, err := url.Parse(hub.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	if proxy.Transport, err = rest.TransportFor(hub.Config); err != nil {
		t.Fatal(err)
	}
	l := &badLine{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.down.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		defer func() {
			// How the proxy ends an answer that it can't finish.
			if recovered := recover(); recovered != nil && recovered != http.ErrAbortHandler {
				panic(recovered)
			}
		}()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(l.Close)
	return l
}

func newBareStore(client *Client) *store {
	s, err := New(Config{
		Client: client, GroupResource: storagetest.Resource, ResourcePrefix: storagetest.Prefix,
		Codec: storagetest.Codec, NewFunc: storagetest.NewPod,
	})
	if err != nil {
		panic(err)
	}
	return s.(*store)
}

func TestAWatchMissesNothingAndRepeatsNothingWhenItsConnectionsBreak(t *testing.T) {
	t.Parallel()
	direct := hub.newClient(t)
	line := newBadLine(t)
	client, err := NewClient(&rest.Config{Host: line.URL}, direct.namespace)
	if err != nil {
		t.Fatal(err)
	}
	watched, written := newBareStore(client), newBareStore(direct)
	w, err := watched.Watch(t.Context(), storagetest.Prefix, storage.ListOptions{Recursive: true, Predicate: storage.Everything})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	key, pod := newPod("pod")
	if err := written.Create(t.Context(), key, pod, nil, 0); err != nil {
		t.Fatal(err)
	}
	if event := <-w.ResultChan(); event.Type != watch.Added {
		t.Fatalf("a pod is told as %+v", event)
	}
	for generation := int64(1); generation <= 5; generation++ {
		line.down.Store(true)
		line.CloseClientConnections()
		if err := touch(t.Context(), written, key); err != nil {
			t.Fatal(err)
		}
		line.down.Store(false)
		event := <-w.ResultChan()
		if got, ok := event.Object.(*example.Pod); !ok || event.Type != watch.Modified || got.Generation != generation {
			t.Fatalf("change %d is told as %+v", generation, event)
		}
	}
}

func TestAWatchFromBeforeWhatTheHubRemembersIsToldSo(t *testing.T) {
	t.Parallel()
	s := newBareStore(hub.newClient(t))
	w, err := s.Watch(t.Context(), storagetest.Prefix, storage.ListOptions{ResourceVersion: "1", Recursive: true, Predicate: storage.Everything})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	event := <-w.ResultChan()
	status, ok := event.Object.(*metav1.Status)
	if !ok || event.Type != watch.Error || !apierrors.IsResourceExpired(apierrors.FromObject(status)) {
		t.Errorf("it is told %+v", event)
	}
}

func TestOnlyTheStoresOwnObjectsAreToldAndListed(t *testing.T) {
	t.Parallel()
	client := hub.newClient(t)
	pods := newBareStore(client)
	config := Config{Client: client, GroupResource: storagetest.Resource, ResourcePrefix: "/pods2/", Codec: storagetest.Codec, NewFunc: storagetest.NewPod}
	config.GroupResource.Resource = "pods2"
	others, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	w, err := pods.Watch(t.Context(), storagetest.Prefix, storage.ListOptions{Recursive: true, Predicate: storage.Everything})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	key, pod := newPod("mine")
	_, other := newPod("other")
	if err := others.Create(t.Context(), "/pods2/shop/other", other, nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := pods.Create(t.Context(), key, pod, nil, 0); err != nil {
		t.Fatal(err)
	}
	if event := <-w.ResultChan(); event.Object.(*example.Pod).Name != "mine" {
		t.Errorf("it is told %+v", event)
	}
	if got := names(t.Context(), t, pods); got != "mine" {
		t.Errorf("it lists %q", got)
	}
}

func TestRecordsCopiedToAnotherHubAreTheSameObjects(t *testing.T) {
	t.Parallel()
	from, to := hub.newClient(t), hub.newClient(t)
	key, pod := newPod("pod")
	pod.UID = "as-it-was"
	if err := newBareStore(from).Create(t.Context(), key, pod, nil, 0); err != nil {
		t.Fatal(err)
	}
	records, err := from.list(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records.Items {
		// What a backup of custom resources leaves out.
		record.ObjectMeta = metav1.ObjectMeta{Name: record.Name, Labels: record.Labels}
		record.APIVersion, record.Kind = GroupVersion.String(), kind
		if _, err := to.create(t.Context(), &record); err != nil {
			t.Fatal(err)
		}
	}
	got := &example.Pod{}
	if err := newReplica(t, to).Get(t.Context(), key, storage.GetOptions{}, got); err != nil || got.UID != pod.UID {
		t.Errorf("got %+v, %v", got, err)
	}
}
