// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package framework

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

// Client is what waiting needs of a generated client.
type Client[T runtime.Object] interface {
	Get(ctx context.Context, name string, opts metav1.GetOptions) (T, error)
	Watch(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error)
}

// Wanted is a state that an object is to reach.
type Wanted[T any] struct {
	// What names the state in the error of a wait that ended before.
	What string
	// Reached says whether the object is in it and, in words, what state it is in. An error ends the wait:
	// the object cannot reach the state any more.
	Reached func(T) (bool, string, error)
}

// retryAfter is how long to leave a server alone that did not answer.
const retryAfter = 100 * time.Millisecond

// Await returns the object as soon as it is as wanted. A server that does not answer is asked again, so processes may be
// killed meanwhile. The error of a wait that ended without says what was waited for and what was seen last.
func Await[T runtime.Object](
	ctx context.Context, client Client[T], name string, timeout time.Duration, wanted Wanted[T],
) (T, error) {
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	w := wait[T]{client: client, name: name, wanted: wanted, seen: "nothing"}
	began := time.Now()
	for {
		object, done, err := w.look(waiting)
		if done || err != nil {
			return object, err
		}
		select {
		case <-waiting.Done():
			return object, fmt.Errorf("waited %s for %s to be %s; last seen: %s",
				time.Since(began).Round(100*time.Millisecond), name, wanted.What, w.seen)
		case <-time.After(retryAfter):
		}
	}
}

// wait is one wait under way.
type wait[T runtime.Object] struct {
	client Client[T]
	name   string
	wanted Wanted[T]
	seen   string
}

// look reads the object and follows it until it is as wanted, or until it can't be followed any further.
func (w *wait[T]) look(ctx context.Context) (T, bool, error) {
	object, err := w.client.Get(ctx, w.name, metav1.GetOptions{})
	version := ""
	switch {
	case err == nil:
		if done, err := w.judge(object); done || err != nil {
			return object, done, err
		}
		version, _ = meta.NewAccessor().ResourceVersion(object)
	case !apierrors.IsNotFound(err):
		w.note(ctx, err)
		return object, false, nil
	default:
		w.seen = "it does not exist"
	}
	return w.follow(ctx, object, version)
}

func (w *wait[T]) follow(ctx context.Context, last T, version string) (T, bool, error) {
	watcher, err := w.client.Watch(ctx, metav1.ListOptions{
		FieldSelector:   fields.OneTermEqualSelector(metav1.ObjectNameField, w.name).String(),
		ResourceVersion: version,
	})
	if err != nil {
		w.note(ctx, err)
		return last, false, nil
	}
	defer watcher.Stop()
	for {
		event, more := next(ctx, watcher)
		object, ok := event.Object.(T)
		switch {
		case !more:
			return last, false, nil
		case event.Type == watch.Error:
			w.note(ctx, apierrors.FromObject(event.Object))
			return last, false, nil
		case event.Type == watch.Deleted:
			w.seen = "it was deleted"
		case ok:
			last = object
			if done, err := w.judge(object); done || err != nil {
				return object, done, err
			}
		}
	}
}

// next waits for an event; there is none any more when the watch or the context has ended.
func next(ctx context.Context, watcher watch.Interface) (watch.Event, bool) {
	select {
	case event, more := <-watcher.ResultChan():
		return event, more
	case <-ctx.Done():
		return watch.Event{}, false
	}
}

func (w *wait[T]) judge(object T) (bool, error) {
	done, seen, err := w.wanted.Reached(object)
	w.seen = seen
	if err != nil {
		return false, fmt.Errorf("%s will not be %s: %w", w.name, w.wanted.What, err)
	}
	return done, nil
}

// note remembers what went wrong, unless it is no more than the end of the wait.
func (w *wait[T]) note(ctx context.Context, err error) {
	if ctx.Err() == nil && !errors.Is(err, context.Canceled) {
		w.seen += fmt.Sprintf(" (then: %v)", err)
	}
}

// AwaitGone returns once there is no object of the name.
func AwaitGone[T runtime.Object](ctx context.Context, client Client[T], name string, timeout time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	seen := "nothing"
	for {
		object, err := client.Get(waiting, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		version := ""
		if err == nil {
			version, seen = left(object)
			awaitDeletion(waiting, client, name, version)
		} else if waiting.Err() == nil {
			seen = err.Error()
		}
		select {
		case <-waiting.Done():
			return fmt.Errorf("waited %s for %s to be gone; last seen: %s", timeout, name, seen)
		case <-time.After(retryAfter):
		}
	}
}

// left says what keeps an object, and in which version.
func left(object runtime.Object) (version, why string) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return "", err.Error()
	}
	return accessor.GetResourceVersion(), fmt.Sprintf("deleted at %v, kept by finalizers %v",
		accessor.GetDeletionTimestamp(), accessor.GetFinalizers())
}

// awaitDeletion follows the object until it is changed or deleted, or can't be followed.
func awaitDeletion[T runtime.Object](ctx context.Context, client Client[T], name, version string) {
	watcher, err := client.Watch(ctx, metav1.ListOptions{
		FieldSelector:   fields.OneTermEqualSelector(metav1.ObjectNameField, name).String(),
		ResourceVersion: version,
	})
	if err != nil {
		return
	}
	defer watcher.Stop()
	next(ctx, watcher)
}
