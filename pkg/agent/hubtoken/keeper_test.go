// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package hubtoken

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	testingclock "k8s.io/utils/clock/testing"
)

// world is a hub that issues token 1, token 2 and so on, and the agent's cluster.
type world struct {
	*Keeper
	clock  *testingclock.FakeClock
	local  *fake.Clientset
	issued atomic.Int32
	lasts  time.Duration
	away   atomic.Bool
}

func newWorld(lasts time.Duration) *world {
	w := &world{lasts: lasts, clock: testingclock.NewFakeClock(time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC))}
	hub := fake.NewClientset()
	hub.PrependReactor("create", "serviceaccounts/token", w.issue)
	hub.PrependReactor("create", "serviceaccounts", w.issue)
	w.local = fake.NewClientset(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "dr-system", Name: "dr-hub"},
		Data:       map[string][]byte{Key: []byte("of joining"), "kubeconfig": []byte("x")},
	})
	w.Keeper = &Keeper{
		Hub: hub, Account: types.NamespacedName{Namespace: "dr-agents", Name: "dr1"},
		Local: w.local, Secret: types.NamespacedName{Namespace: "dr-system", Name: "dr-hub"}, Clock: w.clock,
	}
	return w
}

func (w *world) issue(action clienttesting.Action) (bool, runtime.Object, error) {
	create := action.(clienttesting.CreateActionImpl)
	if w.away.Load() {
		return true, nil, errors.New("the hub is away")
	}
	if create.Subresource != "token" || create.Name != "dr1" || create.Namespace != "dr-agents" {
		return true, nil, fmt.Errorf("asked for %s of %s/%s", create.Subresource, create.Namespace, create.Name)
	}
	return true, &authenticationv1.TokenRequest{Status: authenticationv1.TokenRequestStatus{
		Token:               fmt.Sprintf("token %d", w.issued.Add(1)),
		ExpirationTimestamp: metav1.NewTime(w.clock.Now().Add(w.lasts)),
	}}, nil
}

func (w *world) token(t *testing.T) string {
	t.Helper()
	secret, err := w.local.CoreV1().Secrets("dr-system").Get(t.Context(), "dr-hub", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if string(secret.Data["kubeconfig"]) != "x" {
		t.Error("what else the Secret holds was touched")
	}
	return string(secret.Data[Key])
}

// run runs the keeper and returns a function that waits until it waits.
func (w *world) run(t *testing.T) (waits func()) {
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return func() {
		for !w.clock.HasWaiters() {
			if ctx.Err() != nil {
				t.Fatal("it ended")
			}
		}
	}
}

func TestATokenIsRenewedAtOnceAndThenEveryDay(t *testing.T) {
	w := newWorld(lifetime)
	waits := w.run(t)
	waits()
	if got := w.token(t); got != "token 1" {
		t.Errorf("after the start: %q", got)
	}
	w.clock.Step(24 * time.Hour)
	waits()
	if got := w.token(t); got != "token 2" {
		t.Errorf("after a day: %q", got)
	}
}

func TestATokenThatLastsLessThanADayIsRenewedWhileAFifthOfItsTimeIsLeft(t *testing.T) {
	for lasts, want := range map[time.Duration]time.Duration{
		time.Hour:      48 * time.Minute,
		25 * time.Hour: 20 * time.Hour,
		lifetime:       24 * time.Hour,
	} {
		if got := next(lasts); got != want {
			t.Errorf("lasting %s it is renewed after %s, wanted %s", lasts, got, want)
		}
	}
}

func TestAHubThatIsAwayIsAskedAgain(t *testing.T) {
	w := newWorld(lifetime)
	w.away.Store(true)
	waits := w.run(t)
	waits()
	if got := w.token(t); got != "of joining" {
		t.Errorf("while it is away: %q", got)
	}
	w.away.Store(false)
	w.clock.Step(patience)
	waits()
	if got := w.token(t); got != "token 1" {
		t.Errorf("once it is back: %q", got)
	}
}
