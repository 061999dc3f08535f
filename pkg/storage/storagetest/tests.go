// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package storagetest

import (
	"context"
	"testing"
	"time"

	"k8s.io/apiserver/pkg/features"
	"k8s.io/apiserver/pkg/storage"
	storagetesting "k8s.io/apiserver/pkg/storage/testing"
	"k8s.io/component-base/featuregate"
)

// test is one of k8s.io/apiserver/pkg/storage/testing.
type test struct {
	name string
	run  func(context.Context, *testing.T, *Store)
	// alone is one that counts revisions, compacts, or sets feature gates.
	alone bool
	// without is a feature that it is not for.
	without featuregate.Feature
}

// What of that package is not here, and why:
//
//   - RunTestCreateWithTTL, RunTestGuaranteedUpdateWithTTL: no kind of this API expires, and a custom resource can't.
//   - RunTestDelete…ExpectedTransformOrDecodeError, RunTestWatchWithUnsafeDelete, RunTestGetListWith…ErrorAggregation: that what
//     can't be decoded can be deleted through the API is a feature of etcd3 (AllowUnsafeMalformedObjectDeletion). A record
//     that can't be is deleted on the hub, by kubectl.
//   - RunTestCompactRevision: what is compacted is for the hub to know. The watch cache does without.
//   - RunTestWatchFromZero's second half, which compacts: the hub's own watch cache still has what its etcd has forgotten.

// everywhere are those for a store with and without a watch cache.
var everywhere = []test{
	{name: "WatchSemantics", alone: true, run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunWatchSemantics(ctx, t, sinceNow(ctx, t, s))
	}},
	{name: "Create", run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunTestCreate(ctx, t, s, s.validate)
	}},
	{name: "CreateWithKeyExist", run: plain(storagetesting.RunTestCreateWithKeyExist)},
	{name: "Get", run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunTestGet(ctx, t, everlasting{s.Interface})
	}},
	{name: "UnconditionalDelete", run: plain(storagetesting.RunTestUnconditionalDelete)},
	{name: "ConditionalDelete", run: plain(storagetesting.RunTestConditionalDelete)},
	{name: "DeleteWithSuggestion", run: plain(storagetesting.RunTestDeleteWithSuggestion)},
	{name: "DeleteWithSuggestionAndConflict", run: plain(storagetesting.RunTestDeleteWithSuggestionAndConflict)},
	{name: "DeleteWithConflict", run: plain(storagetesting.RunTestDeleteWithConflict)},
	{name: "DeleteWithSuggestionOfDeletedObject", run: plain(storagetesting.RunTestDeleteWithSuggestionOfDeletedObject)},
	{name: "ValidateDeletionWithSuggestion", run: plain(storagetesting.RunTestValidateDeletionWithSuggestion)},
	{name: "ValidateDeletionWithOnlySuggestionValid", run: plain(storagetesting.RunTestValidateDeletionWithOnlySuggestionValid)},
	{name: "PreconditionalDeleteWithSuggestion", run: plain(storagetesting.RunTestPreconditionalDeleteWithSuggestion)},
	{name: "PreconditionalDeleteWithSuggestionPass", run: plain(storagetesting.RunTestPreconditionalDeleteWithOnlySuggestionPass)},
	{name: "GetListNonRecursive", run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunTestGetListNonRecursive(ctx, t, s.Advance, s)
	}},
	{name: "GetListRecursivePrefix", run: plain(storagetesting.RunTestGetListRecursivePrefix)},
	{name: "KeySchema", run: plain(storagetesting.RunTestKeySchema)},
	{name: "ListPaging", run: plain(storagetesting.RunTestListPaging)},
	{name: "NamespaceScopedList", run: plain(storagetesting.RunTestNamespaceScopedList)},
	{name: "GuaranteedUpdateWithConflict", run: plain(storagetesting.RunTestGuaranteedUpdateWithConflict)},
	{name: "GuaranteedUpdateWithSuggestionAndConflict", run: plain(storagetesting.RunTestGuaranteedUpdateWithSuggestionAndConflict)},
	{name: "Stats", run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunTestStats(ctx, t, s, Codec, s.Transformer, false)
	}},
	{name: "Watch", run: plain(storagetesting.RunTestWatch)},
	{name: "ClusterScopedWatch", run: plain(storagetesting.RunTestClusterScopedWatch)},
	{name: "NamespaceScopedWatch", run: plain(storagetesting.RunTestNamespaceScopedWatch)},
	{name: "WatchFromZero", run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunTestWatchFromZero(ctx, t, s, nil)
	}},
	{name: "DeleteTriggerWatch", run: plain(storagetesting.RunTestDeleteTriggerWatch)},
	{name: "WatchFromNonZero", run: plain(storagetesting.RunTestWatchFromNonZero)},
	{name: "DelayedWatchDelivery", run: plain(storagetesting.RunTestDelayedWatchDelivery)},
	{name: "WatcherTimeout", run: plain(storagetesting.RunTestWatcherTimeout)},
	{name: "WatchDeleteEventObjectHaveLatestRV", run: plain(storagetesting.RunTestWatchDeleteEventObjectHaveLatestRV)},
	{name: "WatchInitializationSignal", run: plain(storagetesting.RunTestWatchInitializationSignal)},
	{name: "SendInitialEventsBackwardCompatibility", run: plain(storagetesting.RunSendInitialEventsBackwardCompatibility)},
}

// uncached are those that count how revisions grow, which a consistent read from a cache may make them do, or that damage what
// is stored below a cache that has read it.
var uncached = []test{
	{name: "List", alone: true, run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunTestList(ctx, t, s, s.Compact, false, nil)
	}},
	{name: "ListInconsistentContinuation", alone: true, run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunTestListInconsistentContinuation(ctx, t, s, s.Compact)
	}},
	{name: "ConsistentList", alone: true, run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunTestConsistentList(ctx, t, s, s.Advance, false, true, false)
	}},
	{name: "WatchSemanticInitialEventsExtended", alone: true, run: plain(storagetesting.RunWatchSemanticInitialEventsExtended)},
	{name: "WatchListMatchSingle", alone: true, run: plain(storagetesting.RunWatchListMatchSingle)},
	{name: "ListContinuation", alone: true, run: calls(storagetesting.RunTestListContinuation)},
	{name: "ListContinuationWithFilter", alone: true, run: calls(storagetesting.RunTestListContinuationWithFilter)},
	{name: "ListPaginationRareObject", run: calls(storagetesting.RunTestListPaginationRareObject)},
	{name: "ListResourceVersionMatch", run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunTestListResourceVersionMatch(ctx, t, s)
	}},
	{name: "GuaranteedUpdate", run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunTestGuaranteedUpdate(ctx, t, s, s.validate)
	}},
	{name: "GuaranteedUpdateChecksStoredData", run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunTestGuaranteedUpdateChecksStoredData(ctx, t, s)
	}},
	{name: "TransformationFailure", alone: true, without: features.AllowUnsafeMalformedObjectDeletion, run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunTestTransformationFailure(ctx, t, s)
	}},
	{name: "WatchError", run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunTestWatchError(ctx, t, s)
	}},
	{name: "WatchContextCancel", run: plain(storagetesting.RunTestWatchContextCancel)},
	{name: "WatchErrorIsBlockingFurtherEvents", run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunWatchErrorIsBlockingFurtherEvents(ctx, t, s)
	}},
	{name: "ProgressNotify", run: func(ctx context.Context, t *testing.T, s *Store) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go askForProgress(ctx, s)
		storagetesting.RunOptionalTestProgressNotify(ctx, t, s, s.Advance)
	}},
}

// cached are those of what the watch cache adds.
var cached = []test{
	{name: "WatchBookmarksWithCorrectResourceVersion", run: plain(storagetesting.RunTestOptionalWatchBookmarksWithCorrectResourceVersion)},
	{name: "WatchDispatchBookmarkEvents", run: func(ctx context.Context, t *testing.T, s *Store) {
		storagetesting.RunTestWatchDispatchBookmarkEvents(ctx, t, s, true)
	}},
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
