// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// sightingPatience is how long a claim is held back for its volume to be seen. Without the volume controller it would not
// be bound anyhow.
const sightingPatience = time.Minute

// sightings tells when the cluster's volume controller has seen that a PersistentVolume may be bound: it gives it a phase.
type sightings struct {
	lock    sync.Mutex
	waiting map[string][]chan struct{}
}

// observe is told of every PersistentVolume that changes.
func (s *sightings) observe(volume *corev1.PersistentVolume) {
	if volume.Status.Phase != corev1.VolumeAvailable && volume.Status.Phase != corev1.VolumeBound {
		return
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, waiting := range s.waiting[volume.Name] {
		close(waiting)
	}
	delete(s.waiting, volume.Name)
}

// await returns when the volume has been seen, according to a cache that observe is fed from, or when patience ends.
func (s *sightings) await(ctx context.Context, cache client.Reader, name string) error {
	seen := make(chan struct{})
	s.lock.Lock()
	if s.waiting == nil {
		s.waiting = map[string][]chan struct{}{}
	}
	s.waiting[name] = append(s.waiting[name], seen)
	s.lock.Unlock()
	// What the cache had before the channel was there, nobody tells.
	volume := &corev1.PersistentVolume{}
	if err := cache.Get(ctx, client.ObjectKey{Name: name}, volume); err == nil {
		s.observe(volume)
	}
	timer := time.NewTimer(sightingPatience)
	defer timer.Stop()
	select {
	case <-seen:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
