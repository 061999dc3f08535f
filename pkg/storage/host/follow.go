// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/klog/v2"
)

// reconnect is how long to wait before a watch of the hub is opened again: hardly at all after one that told something.
var reconnect = wait.Backoff{Duration: 10 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 10, Cap: 5 * time.Second}

// follow handles the hub's events until the watch is stopped or can't go on. The hub ends each of its own watches after a
// while; the next one begins where that was.
func (w *watcher) follow() error {
	backoff := reconnect
	for {
		before := w.version
		again, err := w.followOnce()
		if !again || w.ctx.Err() != nil {
			return err
		}
		if err != nil {
			klog.V(2).InfoS("Watching records anew", "resource", w.store.resource, "resourceVersion", w.version, "reason", err)
		}
		if w.version > before {
			backoff = reconnect
		}
		select {
		case <-time.After(backoff.Step()):
		case <-w.ctx.Done():
			return nil
		}
	}
}

// followOnce handles the events of one watch of the hub. It tells whether there may be another.
func (w *watcher) followOnce() (again bool, err error) {
	hub, err := w.store.client.watch(w.ctx, metav1.ListOptions{
		LabelSelector:       fmt.Sprintf("%s in (%s, %s)", ResourceLabel, w.store.resource, progressName),
		ResourceVersion:     strconv.FormatUint(w.version, 10),
		AllowWatchBookmarks: true,
	})
	if err != nil {
		return w.failed(err)
	}
	defer hub.Stop()
	for event := range hub.ResultChan() {
		if event.Type == watch.Error {
			return w.failed(apierrors.FromObject(event.Object))
		}
		if err := w.handle(event); err != nil {
			return false, err
		}
	}
	return true, nil
}

// failed tells whether a failure of the hub's passes.
func (w *watcher) failed(err error) (again bool, _ error) {
	if expired(err) {
		return false, apierrors.NewResourceExpired(watchExpired)
	}
	switch apierrors.ReasonForError(err) {
	case metav1.StatusReasonForbidden, metav1.StatusReasonUnauthorized, metav1.StatusReasonNotFound,
		metav1.StatusReasonBadRequest, metav1.StatusReasonInvalid, metav1.StatusReasonMethodNotAllowed:
		return false, hubError(err)
	}
	return true, err
}
