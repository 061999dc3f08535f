// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package follow watches one object until it is as wanted, through lost connections and restarting servers.
package follow

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

// ErrDeleted is returned when the object was deleted while it was being watched.
var ErrDeleted = errors.New("deleted while it was being watched")

// WatchFunc is the Watch method of a typed client.
type WatchFunc func(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error)

// Bounds of the time between two attempts while the server can't be reached.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 3 * time.Second
)

// Object calls see with the present state of the object called name and with each later one, until see returns true
// or an error, the object is deleted (ErrDeleted) or ctx ends (its cause). A watch that breaks is started anew; lost, which
// may be nil, hears why. A server that refuses the very first watch for good is not asked again.
func Object[T runtime.Object](ctx context.Context, start WatchFunc, name string,
	see func(T) (bool, error), lost func(error),
) error {
	opts := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", name).String()}
	retry, seen := firstRetry, false
	for {
		done, err := watchOnce(ctx, start, opts, func(object T) (bool, error) {
			retry, seen = firstRetry, true
			return see(object)
		})
		var end *endError
		switch {
		case ctx.Err() != nil && !done:
			return context.Cause(ctx)
		case done:
			return nil
		case errors.As(err, &end):
			return end.error
		case err != nil && !seen && isFinal(err):
			return err
		case err != nil && lost != nil:
			lost(err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(retry):
		}
		retry = min(2*retry, lastRetry)
	}
}

// endError ends the following; every other error only ends one watch.
type endError struct{ error }

func watchOnce[T runtime.Object](ctx context.Context, start WatchFunc, opts metav1.ListOptions, see func(T) (bool, error)) (bool, error) {
	watcher, err := start(ctx, opts)
	if err != nil {
		return false, err
	}
	defer watcher.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case event, open := <-watcher.ResultChan():
			if !open {
				return false, nil
			}
			if done, err := judge(event, see); done || err != nil {
				return done, err
			}
		}
	}
}

func judge[T runtime.Object](event watch.Event, see func(T) (bool, error)) (bool, error) {
	switch event.Type {
	case watch.Added, watch.Modified:
		object, ok := event.Object.(T)
		if !ok {
			return false, &endError{fmt.Errorf("the server sent a %T", event.Object)}
		}
		done, err := see(object)
		if err != nil {
			err = &endError{err}
		}
		return done, err
	case watch.Deleted:
		return false, &endError{ErrDeleted}
	case watch.Error:
		return false, apierrors.FromObject(event.Object)
	default:
		return false, nil
	}
}

// isFinal tells refusals from servers that are not up yet.
func isFinal(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsBadRequest(err) || apierrors.IsMethodNotSupported(err)
}
