// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func volumeOf(claim types.UID, phase corev1.PersistentVolumePhase) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pv"},
		Spec:       corev1.PersistentVolumeSpec{ClaimRef: &corev1.ObjectReference{UID: claim}},
		Status:     corev1.PersistentVolumeStatus{Phase: phase},
	}
}

func TestABindingThatIsThereIsNotWaitedFor(t *testing.T) {
	cache := fake.NewClientBuilder().WithObjects(volumeOf("claim", corev1.VolumeBound)).Build()
	if err := new(bindings).await(t.Context(), cache, "pv", "claim"); err != nil {
		t.Error(err)
	}
}

func TestABindingIsWaitedForUntilItIsTheClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bindings{}
		cache := fake.NewClientBuilder().WithObjects(volumeOf("former", corev1.VolumeBound)).Build()
		done := make(chan error, 1)
		go func() { done <- b.await(t.Context(), cache, "pv", "claim") }()
		for name, volume := range map[string]*corev1.PersistentVolume{
			"one that is not bound yet":  volumeOf("claim", corev1.VolumeAvailable),
			"one of a former claim":      volumeOf("former", corev1.VolumeBound),
			"one that belongs to nobody": {ObjectMeta: metav1.ObjectMeta{Name: "pv"}, Status: corev1.PersistentVolumeStatus{Phase: corev1.VolumeBound}},
		} {
			b.observe(volume)
			synctest.Wait()
			if len(done) != 0 {
				t.Fatalf("%s counts as bound", name)
			}
		}
		b.observe(volumeOf("claim", corev1.VolumeBound))
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestWaitingForABindingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := new(bindings).await(t.Context(), fake.NewClientBuilder().Build(), "pv", "claim")
		if err == nil || !strings.Contains(err.Error(), "PersistentVolume pv is not bound") || time.Since(start) != bindingPatience {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := new(bindings).await(ctx, fake.NewClientBuilder().Build(), "pv", "claim"); err == nil {
			t.Error("no error when the context has ended")
		}
	})
}
