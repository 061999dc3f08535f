// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package hublock keeps replicas of the server from doing the same thing at the same time, by Leases on the hub.
package hublock

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

const (
	// held is the time after which a lock's holder has given up.
	held = 30 * time.Second
	// expiry is when a lock is taken from a holder that did not let go: replicas' clocks may differ by what is more.
	expiry = 2 * held
	// releaseTimeout is how long letting go is tried; after that the lock expires.
	releaseTimeout = 5 * time.Second
	// retryAfterSeconds is what those are told who find a lock taken. Clients of Kubernetes do so by themselves.
	retryAfterSeconds = 1
)

// Locks are locks by name, each a Lease while it is held.
type Locks struct {
	leases coordinationclient.LeaseInterface
	prefix string
	clock  clock.PassiveClock
}

// New returns locks whose Leases' names begin with the prefix.
func New(leases coordinationclient.LeaseInterface, prefix string, clock clock.PassiveClock) *Locks {
	return &Locks{leases: leases, prefix: prefix, clock: clock}
}

// Lock takes the lock of that name and returns a context that ends before anybody else can take it, and what lets go of it.
// It does not wait: whoever finds the lock taken is told to try again.
func (l *Locks) Lock(ctx context.Context, name string) (context.Context, func(), error) {
	lease, err := l.create(ctx, name)
	if apierrors.IsAlreadyExists(err) {
		if err := l.removeExpired(ctx, name); err != nil {
			return nil, nil, err
		}
		lease, err = l.create(ctx, name)
	}
	switch {
	case apierrors.IsAlreadyExists(err):
		return nil, nil, taken(name)
	case err != nil:
		return nil, nil, fmt.Errorf("taking the lock %s on the hub: %w", l.prefix+name, err)
	}
	within, cancel := context.WithTimeout(ctx, held)
	return within, func() {
		cancel()
		l.remove(ctx, lease)
	}, nil
}

func (l *Locks) create(ctx context.Context, name string) (*coordinationv1.Lease, error) {
	now, seconds := metav1.NewMicroTime(l.clock.Now()), int32(expiry.Seconds())
	return l.leases.Create(ctx, &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: l.prefix + name},
		Spec:       coordinationv1.LeaseSpec{AcquireTime: &now, RenewTime: &now, LeaseDurationSeconds: &seconds},
	}, metav1.CreateOptions{})
}

// removeExpired makes room if the holder of the lock is gone.
func (l *Locks) removeExpired(ctx context.Context, name string) error {
	lease, err := l.leases.Get(ctx, l.prefix+name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("reading the lock %s on the hub: %w", l.prefix+name, err)
	case lease.Spec.AcquireTime != nil && l.clock.Since(lease.Spec.AcquireTime.Time) < expiry:
		return taken(name)
	}
	err = l.leases.Delete(ctx, lease.Name, exactly(lease))
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("removing the expired lock %s on the hub: %w", lease.Name, err)
	}
	return nil
}

// remove lets go of the lock. If it can't, others wait until the lock expires.
func (l *Locks) remove(ctx context.Context, lease *coordinationv1.Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	if err := l.leases.Delete(ctx, lease.Name, exactly(lease)); err != nil && !apierrors.IsNotFound(err) {
		klog.FromContext(ctx).Error(err, "A lock on the hub can't be removed and will have to expire", "lease", lease.Name)
	}
}

func exactly(lease *coordinationv1.Lease) metav1.DeleteOptions {
	return metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &lease.UID, ResourceVersion: &lease.ResourceVersion}}
}

func taken(name string) error {
	return apierrors.NewTooManyRequests(fmt.Sprintf("another replica of the server is at the same in %s; try again", name), retryAfterSeconds)
}
