// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package storagetest holds stores to what Kubernetes' own store is held to.
package storagetest

import (
	"context"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
	storagetesting "k8s.io/apiserver/pkg/storage/testing"
)

// Store is an empty store of the suite's objects, and what is done to it besides using it.
type Store struct {
	storage.Interface

	// Transformer is what the store encrypts with.
	Transformer *Transformer
	// Advance writes something else, by which the revision becomes one higher.
	Advance storagetesting.IncreaseRVFunc
	// Compact forgets what was before a revision, and writes something else. It is nil if the store can't be made to.
	Compact storagetesting.Compaction
}

// What of k8s.io/apiserver/pkg/storage/testing is not here, and why:
//
//   - RunTestCreateWithTTL, RunTestGuaranteedUpdateWithTTL: no kind of this API expires, and a custom resource can't.
//   - RunTestDelete…ExpectedTransformOrDecodeError, RunTestWatchWithUnsafeDelete, RunTestGetListWith…ErrorAggregation: deleting
//     what can't be decoded is an alpha feature of etcd3. A record that can't be is deleted on the hub.
//   - RunTestCompactRevision: what is compacted is for the hub to know. The watch cache does without.
//   - RunTestWatchDispatchBookmarkEvents, RunTestOptionalWatchBookmarksWithCorrectResourceVersion: bookmarks to clients are the
//     watch cache's, see RunCached.
var (
	// alone are those that count revisions, compact, or set feature gates.
	alone = map[string]func(context.Context, *testing.T, *Store){
		"List": func(ctx context.Context, t *testing.T, s *Store) {
			storagetesting.RunTestList(ctx, t, s, s.Compact, false, nil)
		},
		"ListInconsistentContinuation": func(ctx context.Context, t *testing.T, s *Store) {
			storagetesting.RunTestListInconsistentContinuation(ctx, t, s, s.Compact)
		},
		"ConsistentList": func(ctx context.Context, t *testing.T, s *Store) {
			storagetesting.RunTestConsistentList(ctx, t, s, s.Advance, false, true, false)
		},
		"ListContinuation":           calls(storagetesting.RunTestListContinuation),
		"ListContinuationWithFilter": calls(storagetesting.RunTestListContinuationWithFilter),
		"WatchSemantics": func(ctx context.Context, t *testing.T, s *Store) {
			storagetesting.RunWatchSemantics(ctx, t, sinceNow(ctx, t, s))
		},
		"WatchSemanticInitialEventsExtended": plain(storagetesting.RunWatchSemanticInitialEventsExtended),
	}
	// together are those that mind nobody.
	together = map[string]func(context.Context, *testing.T, *Store){
		"Create": func(ctx context.Context, t *testing.T, s *Store) {
			storagetesting.RunTestCreate(ctx, t, s, func(context.Context, *testing.T, string) {})
		},
		"CreateWithKeyExist":                      plain(storagetesting.RunTestCreateWithKeyExist),
		"Get":                                     plain(storagetesting.RunTestGet),
		"UnconditionalDelete":                     plain(storagetesting.RunTestUnconditionalDelete),
		"ConditionalDelete":                       plain(storagetesting.RunTestConditionalDelete),
		"DeleteWithSuggestion":                    plain(storagetesting.RunTestDeleteWithSuggestion),
		"DeleteWithSuggestionAndConflict":         plain(storagetesting.RunTestDeleteWithSuggestionAndConflict),
		"DeleteWithConflict":                      plain(storagetesting.RunTestDeleteWithConflict),
		"DeleteWithSuggestionOfDeletedObject":     plain(storagetesting.RunTestDeleteWithSuggestionOfDeletedObject),
		"ValidateDeletionWithSuggestion":          plain(storagetesting.RunTestValidateDeletionWithSuggestion),
		"ValidateDeletionWithOnlySuggestionValid": plain(storagetesting.RunTestValidateDeletionWithOnlySuggestionValid),
		"PreconditionalDeleteWithSuggestion":      plain(storagetesting.RunTestPreconditionalDeleteWithSuggestion),
		"PreconditionalDeleteWithSuggestionPass":  plain(storagetesting.RunTestPreconditionalDeleteWithOnlySuggestionPass),
		"GetListNonRecursive": func(ctx context.Context, t *testing.T, s *Store) {
			storagetesting.RunTestGetListNonRecursive(ctx, t, s.Advance, s)
		},
		"GetListRecursivePrefix":   plain(storagetesting.RunTestGetListRecursivePrefix),
		"KeySchema":                plain(storagetesting.RunTestKeySchema),
		"ListPaging":               plain(storagetesting.RunTestListPaging),
		"NamespaceScopedList":      plain(storagetesting.RunTestNamespaceScopedList),
		"ListPaginationRareObject": calls(storagetesting.RunTestListPaginationRareObject),
		"ListResourceVersionMatch": func(ctx context.Context, t *testing.T, s *Store) {
			storagetesting.RunTestListResourceVersionMatch(ctx, t, s)
		},
		"GuaranteedUpdate": func(ctx context.Context, t *testing.T, s *Store) {
			storagetesting.RunTestGuaranteedUpdate(ctx, t, s, func(context.Context, *testing.T, string) {})
		},
		"GuaranteedUpdateChecksStoredData": func(ctx context.Context, t *testing.T, s *Store) {
			storagetesting.RunTestGuaranteedUpdateChecksStoredData(ctx, t, s)
		},
		"GuaranteedUpdateWithConflict":              plain(storagetesting.RunTestGuaranteedUpdateWithConflict),
		"GuaranteedUpdateWithSuggestionAndConflict": plain(storagetesting.RunTestGuaranteedUpdateWithSuggestionAndConflict),
		"TransformationFailure": func(ctx context.Context, t *testing.T, s *Store) {
			storagetesting.RunTestTransformationFailure(ctx, t, s)
		},
		"Stats": func(ctx context.Context, t *testing.T, s *Store) {
			storagetesting.RunTestStats(ctx, t, s, Codec, s.Transformer, false)
		},
		"Watch":                plain(storagetesting.RunTestWatch),
		"ClusterScopedWatch":   plain(storagetesting.RunTestClusterScopedWatch),
		"NamespaceScopedWatch": plain(storagetesting.RunTestNamespaceScopedWatch),
		"WatchFromZero": func(ctx context.Context, t *testing.T, s *Store) {
			storagetesting.RunTestWatchFromZero(ctx, t, s, nil)
		},
		"DeleteTriggerWatch":   plain(storagetesting.RunTestDeleteTriggerWatch),
		"WatchFromNonZero":     plain(storagetesting.RunTestWatchFromNonZero),
		"DelayedWatchDelivery": plain(storagetesting.RunTestDelayedWatchDelivery),
		"WatchError": func(ctx context.Context, t *testing.T, s *Store) {
			storagetesting.RunTestWatchError(ctx, t, s)
		},
		"WatchContextCancel":                     plain(storagetesting.RunTestWatchContextCancel),
		"WatcherTimeout":                         plain(storagetesting.RunTestWatcherTimeout),
		"WatchDeleteEventObjectHaveLatestRV":     plain(storagetesting.RunTestWatchDeleteEventObjectHaveLatestRV),
		"WatchInitializationSignal":              plain(storagetesting.RunTestWatchInitializationSignal),
		"SendInitialEventsBackwardCompatibility": plain(storagetesting.RunSendInitialEventsBackwardCompatibility),
		"WatchErrorIsBlockingFurtherEvents": func(ctx context.Context, t *testing.T, s *Store) {
			storagetesting.RunWatchErrorIsBlockingFurtherEvents(ctx, t, s)
		},
		"ProgressNotify": func(ctx context.Context, t *testing.T, s *Store) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			go askForProgress(ctx, s)
			storagetesting.RunOptionalTestProgressNotify(ctx, t, s, s.Advance)
		},
	}
)

// Run holds the stores that newStore makes, one for each test, to the suite.
func Run(t *testing.T, newStore func(*testing.T) *Store) {
	run(t, newStore, alone, together)
}

func run(t *testing.T, newStore func(*testing.T) *Store, alone, together map[string]func(context.Context, *testing.T, *Store)) {
	for name, test := range alone {
		t.Run(name, func(t *testing.T) { test(t.Context(), t, newStore(t)) })
	}
	for name, test := range together {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t.Context(), t, newStore(t))
		})
	}
}

func plain(test func(context.Context, *testing.T, storage.Interface)) func(context.Context, *testing.T, *Store) {
	return func(ctx context.Context, t *testing.T, s *Store) { test(ctx, t, s) }
}

// calls runs a test that can be told how to count the calls of an etcd.
func calls(test func(context.Context, *testing.T, storage.Interface, storagetesting.CallsValidation)) func(context.Context, *testing.T, *Store) {
	return func(ctx context.Context, t *testing.T, s *Store) { test(ctx, t, s, nil) }
}

// askForProgress does what the watch cache does while somebody waits for it.
func askForProgress(ctx context.Context, s *Store) {
	for ctx.Err() == nil {
		_ = s.RequestWatchProgress(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
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
