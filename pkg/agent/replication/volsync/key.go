// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"context"
	"fmt"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// keyLasts is how long a key that was seen is taken to be there, and the hub's. Should somebody delete it, or the hub have
// another one since it was set up anew, transfers fail for no longer than that.
const keyLasts = 10 * time.Minute

func (b *Backend) hasKey(group types.NamespacedName) bool {
	b.lock.Lock()
	defer b.lock.Unlock()
	at, known := b.keyed[group]
	return known && b.Clock.Since(at) < keyLasts
}

func (b *Backend) keySeen(group types.NamespacedName, there bool) {
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.keyed == nil {
		b.keyed = map[types.NamespacedName]time.Time{}
	}
	if there {
		b.keyed[group] = b.Clock.Now()
	} else {
		delete(b.keyed, group)
	}
}

// ensureKey puts the group's key where the movers find it. While the hub can't be asked the one that is there goes on.
func (b *Backend) ensureKey(ctx context.Context, group types.NamespacedName) error {
	secret := &corev1.Secret{}
	err := b.Live.Get(ctx, types.NamespacedName{Namespace: group.Namespace, Name: KeySecret(group)}, secret)
	there := err == nil
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading Secret %s/%s: %w", group.Namespace, KeySecret(group), err)
	}
	key, err := b.Key(ctx, group)
	switch {
	case err != nil && there:
		b.keySeen(group, true)
		return nil
	case err != nil:
		return fmt.Errorf("getting the replication key of VolumeReplicationGroup %s from the hub: %w", group, err)
	}
	if err := b.writeKey(ctx, group, secret, there, keyIdentity+key); err != nil {
		return err
	}
	b.keySeen(group, true)
	return nil
}

func (b *Backend) writeKey(ctx context.Context, group types.NamespacedName, secret *corev1.Secret, there bool, value string) error {
	if !there {
		secret = &corev1.Secret{ObjectMeta: meta(group, KeySecret(group)), Data: map[string][]byte{keyField: []byte(value)}}
		err := b.Client.Create(ctx, secret)
		return wrap(err, "creating", secret)
	}
	if !ours(secret, group.String()) {
		return fmt.Errorf("Secret %s/%s exists and was not made by this agent; delete it, so that volumes can be protected", secret.Namespace, secret.Name)
	}
	if string(secret.Data[keyField]) == value {
		return nil
	}
	secret.Data = map[string][]byte{keyField: []byte(value)}
	return wrap(b.Client.Update(ctx, secret), "updating", secret)
}

func (b *Backend) dropKey(ctx context.Context, group types.NamespacedName) error {
	secret := &corev1.Secret{}
	err := b.Live.Get(ctx, types.NamespacedName{Namespace: group.Namespace, Name: KeySecret(group)}, secret)
	if apierrors.IsNotFound(err) || err == nil && !ours(secret, group.String()) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading Secret %s/%s: %w", group.Namespace, KeySecret(group), err)
	}
	if err := b.dropCycleKeys(ctx, group, nil); err != nil {
		return err
	}
	if err := b.Client.Delete(ctx, secret); client.IgnoreNotFound(err) != nil {
		return wrap(err, "deleting", secret)
	}
	b.keySeen(group, false)
	return nil
}

func ownedBy(rd *volsyncv1alpha1.ReplicationDestination) []metav1.OwnerReference {
	return []metav1.OwnerReference{{
		APIVersion: volsyncv1alpha1.GroupVersion.String(), Kind: "ReplicationDestination", Name: rd.Name, UID: rd.UID,
	}}
}
