// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package hublock

import (
	"context"
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	testingclock "k8s.io/utils/clock/testing"
)

func TestOneHolderAtATime(t *testing.T) {
	hub, clock := fake.NewClientset(), testingclock.NewFakePassiveClock(time.Now())
	replica := func() *Locks { return New(hub.CoordinationV1().Leases("dr-system"), "placements-of-", clock) }
	one, other := replica(), replica()

	within, release, err := one.Lock(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if deadline, ok := within.Deadline(); !ok || time.Until(deadline) > held {
		t.Errorf("the holder may go on until %v", deadline)
	}
	_, _, err = other.Lock(t.Context(), "shop")
	if seconds, ok := apierrors.SuggestsClientDelay(err); !apierrors.IsTooManyRequests(err) || !ok || seconds != retryAfterSeconds {
		t.Errorf("while it is held: %v", err)
	}
	if _, _, err := other.Lock(t.Context(), "bank"); err != nil {
		t.Errorf("another one: %v", err)
	}
	release()
	if within.Err() == nil {
		t.Error("after its release the holder may go on")
	}
	if _, _, err := other.Lock(t.Context(), "shop"); err != nil {
		t.Errorf("once it is released: %v", err)
	}
}

func TestALockOutlivesItsHolderAndNotForLong(t *testing.T) {
	hub, clock := fake.NewClientset(), testingclock.NewFakePassiveClock(time.Now())
	locks := New(hub.CoordinationV1().Leases("dr-system"), "", clock)
	if _, _, err := locks.Lock(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	clock.SetTime(clock.Now().Add(expiry - time.Second))
	if _, _, err := locks.Lock(t.Context(), "shop"); !apierrors.IsTooManyRequests(err) {
		t.Errorf("before it expires: %v", err)
	}
	clock.SetTime(clock.Now().Add(time.Second))
	if _, _, err := locks.Lock(t.Context(), "shop"); err != nil {
		t.Errorf("once it has expired: %v", err)
	}
}

func TestWithoutTheHubThereIsNoLock(t *testing.T) {
	hub, out := fake.NewClientset(), errors.New("out")
	hub.PrependReactor("*", "leases", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, out })
	locks := New(hub.CoordinationV1().Leases("dr-system"), "", testingclock.NewFakePassiveClock(time.Now()))
	if _, _, err := locks.Lock(context.Background(), "shop"); !errors.Is(err, out) {
		t.Errorf("got %v", err)
	}
}
