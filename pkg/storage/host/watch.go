// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
	utilflowcontrol "k8s.io/apiserver/pkg/util/flowcontrol"
)

// resultBuffer is how many events wait for a slow reader before the hub's wait too.
const resultBuffer = 100

// watcher makes events of objects of events of records.
type watcher struct {
	store     *store
	key       string
	recursive bool
	pred      storage.SelectionPredicate
	// progress is to be told.
	progress bool

	ctx    context.Context
	cancel context.CancelFunc
	result chan watch.Event

	// version is how far it is.
	version uint64
	// selected are the objects that the predicate selects, by their keys. The hub does not tell what a record was before a
	// change, and one that is not selected any more is a deletion to the reader. It is nil if every object is selected.
	selected map[string]runtime.Object
}

// Watch follows the records from a revision on. It goes on where it was when a connection breaks or the hub restarts.
func (s *store) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	key, err := storage.PrepareKey(s.resourcePrefix, key, opts.Recursive)
	if err != nil {
		return nil, err
	}
	version, err := versioner.ParseResourceVersion(opts.ResourceVersion)
	if err != nil {
		return nil, err
	}
	initial := version == 0
	if opts.SendInitialEvents != nil {
		initial = *opts.SendInitialEvents
	}
	if version == 0 && !initial {
		if version, err = s.GetCurrentResourceVersion(ctx); err != nil {
			return nil, err
		}
	}
	w := &watcher{
		store: s, key: key, recursive: opts.Recursive, pred: opts.Predicate, progress: opts.ProgressNotify,
		result: make(chan watch.Event, resultBuffer), version: version,
	}
	if !opts.Predicate.Empty() {
		w.selected = map[string]runtime.Object{}
	}
	w.ctx, w.cancel = context.WithCancel(ctx)
	go w.run(initial, initial && opts.SendInitialEvents != nil && opts.Predicate.AllowWatchBookmarks)
	utilflowcontrol.WatchInitialized(ctx)
	return w, nil
}

// ResultChan delivers the events.
func (w *watcher) ResultChan() <-chan watch.Event { return w.result }

// Stop ends the watch. Events that have been made can still be read.
func (w *watcher) Stop() { w.cancel() }

func (w *watcher) run(initial, bookmark bool) {
	defer close(w.result)
	defer w.cancel()
	err := w.begin(initial)
	if err == nil && bookmark {
		err = w.tellProgress(storage.AnnotateInitialEventsEndBookmark)
	}
	if err == nil {
		err = w.follow()
	}
	if err != nil && w.ctx.Err() == nil {
		w.send(watch.Event{Type: watch.Error, Object: status(err)})
	}
}

// begin tells what there is, if it is asked to.
func (w *watcher) begin(initial bool) error {
	revision := int64(w.version)
	switch {
	case initial:
		if err := w.store.atLeast(w.ctx, w.version, nil); err != nil {
			return err
		}
		revision = 0
	case w.selected == nil:
		return nil
	}
	records, version, err := w.store.records(w.ctx, w.key, w.recursive, revision)
	if expired(err) {
		return apierrors.NewResourceExpired(watchExpired)
	}
	if err != nil {
		return hubError(err)
	}
	for _, record := range records {
		object, err := w.store.decode(w.ctx, record)
		if err != nil {
			return err
		}
		if event := w.selection(record.Key, watch.Added, object); event != nil && initial && !w.send(*event) {
			return w.ctx.Err()
		}
	}
	w.version = version
	return nil
}

// handle makes an event of a record's event.
func (w *watcher) handle(event watch.Event) error {
	record, ok := event.Object.(*Record)
	if !ok {
		return fmt.Errorf("the hub tells of a %T among its records", event.Object)
	}
	version, err := versionOf(record)
	if err != nil {
		return err
	}
	w.version = version
	switch {
	case event.Type == watch.Bookmark, record.Labels[ResourceLabel] == progressName:
		if w.progress {
			return w.tellProgress()
		}
		return nil
	case record.Key != w.key && !(w.recursive && strings.HasPrefix(record.Key, w.key)):
		return nil
	}
	object, err := w.store.decode(w.ctx, record)
	if err != nil {
		return err
	}
	if event := w.selection(record.Key, event.Type, object); event != nil {
		w.send(*event)
	}
	return nil
}

// selection returns what a change is to a reader who sees only what the predicate selects, or nil if it is nothing.
func (w *watcher) selection(key string, change watch.EventType, object runtime.Object) *watch.Event {
	if w.selected == nil {
		return &watch.Event{Type: change, Object: object}
	}
	matched, err := w.pred.Matches(object)
	matched = matched && err == nil
	before, seen := w.selected[key]
	delete(w.selected, key)
	if matched && change != watch.Deleted {
		// What is sent is the reader's.
		w.selected[key] = object.DeepCopyObject()
	}
	switch {
	case change == watch.Modified && matched && !seen:
		return &watch.Event{Type: watch.Added, Object: object}
	case change == watch.Modified && !matched && seen:
		// The reader is told the last state it was to see, at the resourceVersion at which it was gone.
		if version, err := versioner.ObjectResourceVersion(object); err == nil {
			_ = versioner.UpdateObject(before, version)
		}
		return &watch.Event{Type: watch.Deleted, Object: before}
	case matched:
		return &watch.Event{Type: change, Object: object}
	}
	return nil
}

// tellProgress tells how far the watch is.
func (w *watcher) tellProgress(annotate ...func(runtime.Object) error) error {
	object := w.store.newFunc()
	if err := versioner.UpdateObject(object, w.version); err != nil {
		return err
	}
	for _, annotate := range annotate {
		if err := annotate(object); err != nil {
			return err
		}
	}
	w.send(watch.Event{Type: watch.Bookmark, Object: object})
	return nil
}

// send waits for the reader. It fails if the watch has ended.
func (w *watcher) send(event watch.Event) bool {
	select {
	case w.result <- event:
		return true
	case <-w.ctx.Done():
		return false
	}
}

func status(err error) *metav1.Status {
	var known apierrors.APIStatus
	if !errors.As(err, &known) {
		known = apierrors.NewInternalError(err)
	}
	status := known.Status()
	return &status
}
