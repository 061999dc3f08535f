// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"testing"

	"github.com/ramendr/dr-apiserver/pkg/storage/storagetest"
)

func TestRecordsOnTheHubAreAsGoodAsAnEtcd(t *testing.T) {
	storagetest.Run(t, newTestStore)
}

func TestTheWatchCacheOverRecordsIsAsGoodAsOverAnEtcd(t *testing.T) {
	supportProgress()
	storagetest.RunCached(t, newTestStore)
}

func newTestStore(t *testing.T) *storagetest.Store {
	client := hub.newClient(t)
	transformer := storagetest.NewTransformer()
	store, err := New(Config{
		Client: client, GroupResource: storagetest.Resource, ResourcePrefix: storagetest.Prefix,
		Codec: storagetest.Codec, Transformer: transformer, NewFunc: storagetest.NewPod,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &storagetest.Store{
		Interface:   store,
		Transformer: transformer,
		Stored: func(ctx context.Context, key string) ([]byte, error) {
			record, err := client.get(ctx, recordName(key))
			if err != nil {
				return nil, err
			}
			return decompress(record.Data)
		},
		Advance: func(ctx context.Context, t *testing.T) int64 { return hub.advance(ctx, t) },
		Compact: func(ctx context.Context, t *testing.T, resourceVersion string) {
			hub.compact(ctx, t, client, resourceVersion)
		},
	}
}
