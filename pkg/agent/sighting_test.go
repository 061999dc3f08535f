// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func persistentVolume(phase corev1.PersistentVolumePhase) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pv"}, Status: corev1.PersistentVolumeStatus{Phase: phase},
	}
}

func TestAVolumeThatWasSeenBeforeIsNotWaitedFor(t *testing.T) {
	s := &sightings{}
	cache := fake.NewClientBuilder().WithObjects(persistentVolume(corev1.VolumeAvailable)).Build()
	ctx, cancel := context.WithTimeout(t.Context(), sightingPatience/2)
	defer cancel()
	if err := s.await(ctx, cache, "pv"); err != nil {
		t.Fatal(err)
	}
}

func TestAVolumeIsWaitedForUntilItIsSeen(t *testing.T) {
	s := &sightings{}
	cache := fake.NewClientBuilder().WithObjects(persistentVolume("")).Build()
	done := make(chan error, 1)
	go func() { done <- s.await(t.Context(), cache, "pv") }()
	for waits(s) == 0 {
		time.Sleep(time.Millisecond)
	}
	s.observe(persistentVolume(""))
	if waits(s) != 1 {
		t.Fatal("a volume without a phase counts as seen")
	}
	s.observe(persistentVolume(corev1.VolumeAvailable))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if waits(s) != 0 {
		t.Fatal("somebody still waits")
	}
}

func TestWaitingForAVolumeEndsWithItsContext(t *testing.T) {
	s := &sightings{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.await(ctx, fake.NewClientBuilder().Build(), "pv"); err == nil {
		t.Fatal("it did not say so")
	}
}

func waits(s *sightings) int {
	s.lock.Lock()
	defer s.lock.Unlock()
	return len(s.waiting["pv"])
}
