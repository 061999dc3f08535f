// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"context"
	"path"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apiserver/pkg/storage/etcd3"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"

	"github.com/ramendr/dr-apiserver/pkg/storage/storagetest"
)

func TestTheEmbeddedEtcdIsAsGoodAsAnother(t *testing.T) {
	storagetest.Run(t, newTestStore)
}

func TestTheWatchCacheOverTheEmbeddedEtcdIsAsGoodAsOverAnother(t *testing.T) {
	storagetest.RunCached(t, newTestStore)
}

// newTestStore returns the store of an etcd of its own.
func newTestStore(t *testing.T) *storagetest.Store {
	const prefix = "/registry"
	server, err := Start(t.Context(), t.TempDir(), DefaultQuota)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{server.Endpoint()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	transformer := storagetest.NewTransformer()
	config := storagebackend.NewDefaultConfig(prefix, storagetest.Codec)
	config.Transport.ServerList = []string{server.Endpoint()}
	config.Transformer = transformer
	config.CompactionInterval, config.DBMetricPollInterval = 0, 0
	store, destroy, err := factory.Create(*config.ForResource(storagetest.Resource), storagetest.NewPod, storagetest.NewPodList, storagetest.Prefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(destroy)
	return &storagetest.Store{
		Interface:   store,
		Transformer: transformer,
		Stored: func(ctx context.Context, key string) ([]byte, error) {
			answer, err := client.Get(ctx, path.Join(prefix, key))
			if err != nil || len(answer.Kvs) == 0 {
				return nil, err
			}
			return answer.Kvs[0].Value, nil
		},
		Advance: func(ctx context.Context, t *testing.T) int64 {
			answer, err := client.Put(ctx, "elsewhere", "something")
			if err != nil {
				t.Fatal(err)
			}
			return answer.Header.Revision
		},
		Compact: func(ctx context.Context, t *testing.T, resourceVersion string) {
			revision, err := store.Versioner().ParseResourceVersion(resourceVersion)
			if err != nil {
				t.Fatal(err)
			}
			for version, compacted := int64(0), int64(0); compacted != int64(revision); {
				if version, _, compacted, err = etcd3.Compact(ctx, client, version, int64(revision)); err != nil {
					t.Fatal(err)
				}
			}
		},
	}
}
