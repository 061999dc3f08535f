// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package lease keeps the Lease by which the hub knows that a cluster's agent is connected.
package lease

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-helpers/apimachinery/lease"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// renewalsPerDuration is how often a Lease is renewed within its duration, so that one lost request costs nothing.
const renewalsPerDuration = 4

// Run renews the Lease named after the cluster, in the agents' namespace on the hub, until ctx ends. It is the kubelet's
// own way of doing that. A Lease lasts duration, which is rounded to whole seconds and at least one. The client should
// have a request timeout no longer than a quarter of duration: a hub that hangs must not stop the renewals after it.
func Run(ctx context.Context, hub kubernetes.Interface, cluster, namespace string, duration time.Duration) {
	seconds := max(1, int32(duration.Round(time.Second)/time.Second))
	logger := klog.FromContext(ctx).WithValues("lease", klog.KRef(namespace, cluster))
	onRepeatedFailure := func() {
		logger.Info("The hub can't be reached to renew the Lease; protection goes on, and no role changes")
	}
	lease.NewController(clock.RealClock{}, hub, cluster, seconds, onRepeatedFailure,
		duration/renewalsPerDuration, cluster, namespace, nil).Run(ctx)
}

// failuresInARow of the health check end the renewals: as many as would have let the Lease run out.
const failuresInARow = renewalsPerDuration

// RunWhile runs keep while healthy finds nothing wrong, asking every interval, until ctx ends. It takes several failures in
// a row to stop it, for a busy API server is not a dead one.
func RunWhile(ctx context.Context, interval time.Duration, healthy func(context.Context) error, keep func(context.Context)) {
	var stop context.CancelFunc
	var done sync.WaitGroup
	failures := 0
	check := func(ctx context.Context) {
		err := healthy(ctx)
		failures++
		switch {
		case err == nil && stop != nil:
			failures = 0
		case err == nil:
			failures = 0
			var keepCtx context.Context
			keepCtx, stop = context.WithCancel(ctx)
			done.Go(func() { keep(keepCtx) })
		case failures >= failuresInARow && stop != nil && ctx.Err() == nil:
			klog.FromContext(ctx).Info("This agent can't reach its own cluster and no longer renews its Lease", "reason", err.Error())
			stop()
			done.Wait()
			stop = nil
		}
	}
	wait.UntilWithContext(ctx, check, interval)
	if stop != nil {
		stop()
	}
	done.Wait()
}
