// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// bindingPatience is how long a restore waits for the cluster's volume controller before it says that it waits in vain.
const bindingPatience = time.Minute

// binding is a PersistentVolume that belongs to the claim of a UID.
type binding struct {
	volume string
	claim  types.UID
}

// bindings tells when the cluster's volume controller has found that a PersistentVolume is bound.
type bindings struct {
	lock    sync.Mutex
	waiting map[binding][]chan struct{}
}

// observe is told of every PersistentVolume that changes.
func (b *bindings) observe(volume *corev1.PersistentVolume) {
	if volume.Status.Phase != corev1.VolumeBound || volume.Spec.ClaimRef == nil {
		return
	}
	key := binding{volume.Name, volume.Spec.ClaimRef.UID}
	b.lock.Lock()
	defer b.lock.Unlock()
	for _, waiting := range b.waiting[key] {
		close(waiting)
	}
	delete(b.waiting, key)
}

// await returns once the volume is bound to the claim, according to a cache that observe is fed from.
func (b *bindings) await(ctx context.Context, cache client.Reader, volume string, claim types.UID) error {
	key, bound := binding{volume, claim}, make(chan struct{})
	b.lock.Lock()
	if b.waiting == nil {
		b.waiting = map[binding][]chan struct{}{}
	}
	b.waiting[key] = append(b.waiting[key], bound)
	b.lock.Unlock()
	// What the cache had before the channel was there, nobody tells.
	known := &corev1.PersistentVolume{}
	if err := cache.Get(ctx, client.ObjectKey{Name: volume}, known); err == nil {
		b.observe(known)
	}
	timer := time.NewTimer(bindingPatience)
	defer timer.Stop()
	select {
	case <-bound:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("PersistentVolume %s is not bound after %s; is the cluster's volume controller, a part of kube-controller-manager, running?",
			volume, bindingPatience)
	}
}
