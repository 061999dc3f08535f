// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// label makes a claim a member of its group.
func (b *Backend) label(ctx context.Context, namespace string, c *Claim) error {
	claim := &corev1.PersistentVolumeClaim{}
	claim.Namespace, claim.Name = namespace, c.Name
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q}}}`, labelGroup, c.Group)
	return wrap(client.IgnoreNotFound(b.Client.Patch(ctx, claim, client.RawPatch(types.MergePatchType, patch))), "labelling", claim)
}

// snapshot begins a cycle. It looks past the cache whether that was begun already: no two snapshots are sent under one number.
func (b *Backend) snapshot(ctx context.Context, group types.NamespacedName, s *GroupSnapshot) error {
	kind, err := b.groupVersion()
	if err != nil {
		return err
	}
	s.SetGroupVersionKind(kind)
	there, err := b.groupSnapshots(ctx, b.Live, group)
	if err != nil {
		return err
	}
	for _, other := range there {
		if other.GetAnnotations()[annotationGroup] == s.GetAnnotations()[annotationGroup] && other.GetDeletionTimestamp() == nil {
			return nil
		}
	}
	var sources volsyncv1alpha1.ReplicationSourceList
	if err := b.Live.List(ctx, &sources, client.InNamespace(group.Namespace)); err != nil {
		return fmt.Errorf("listing ReplicationSources: %w", err)
	}
	for i := range sources.Items {
		sent, ok := parseSending(trigger(&sources.Items[i]))
		if ok && ours(&sources.Items[i], group.String()) && sent.stream == s.cycle().stream && sent.number >= s.cycle().number {
			return nil
		}
	}
	if err := b.Client.Create(ctx, s.Unstructured); err != nil && !apierrors.IsAlreadyExists(err) {
		return wrap(err, "creating", s)
	}
	return nil
}

// ensureCycleKeys puts the keys of cycles in place that something is about to refer to, and takes away those that nothing
// refers to any more.
func (b *Backend) ensureCycleKeys(ctx context.Context, group types.NamespacedName, plan Plan) error {
	used := sets.New[string]()
	for _, object := range slices.Concat(plan.Create, plan.Update) {
		used.Insert(keyOf(object))
	}
	for _, s := range plan.Streams {
		if s.source != nil {
			used.Insert(keyOf(s.source))
		}
	}
	var missing []CycleKey
	for _, k := range plan.CycleKeys {
		if used.Has(k.Secret) {
			missing = append(missing, k)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	key, err := b.groupKey(ctx, group)
	if err != nil {
		return err
	}
	for _, k := range missing {
		if err := b.ensureCycleKey(ctx, group, k, key); err != nil {
			return err
		}
	}
	return b.dropCycleKeys(ctx, group, used)
}

// keyOf is the Secret that a source or destination refers to.
func keyOf(object client.Object) string {
	var secret *string
	switch o := object.(type) {
	case *volsyncv1alpha1.ReplicationSource:
		secret = o.Spec.RsyncTLS.KeySecret
	case *volsyncv1alpha1.ReplicationDestination:
		secret = o.Spec.RsyncTLS.KeySecret
	}
	if secret == nil {
		return ""
	}
	return *secret
}

// groupKey is the key of a VolumeReplicationGroup, got from the hub if it is not there.
func (b *Backend) groupKey(ctx context.Context, group types.NamespacedName) (string, error) {
	secret := &corev1.Secret{}
	name := types.NamespacedName{Namespace: group.Namespace, Name: KeySecret(group)}
	err := b.Live.Get(ctx, name, secret)
	if apierrors.IsNotFound(err) {
		if err := b.ensureKey(ctx, group); err != nil {
			return "", err
		}
		err = b.Live.Get(ctx, name, secret)
	}
	if err != nil {
		return "", fmt.Errorf("reading Secret %s: %w", name, err)
	}
	key := strings.TrimPrefix(string(secret.Data[keyField]), keyIdentity)
	if key == "" {
		return "", fmt.Errorf("Secret %s has no %s; delete it, so that it is made anew", name, keyField)
	}
	return key, nil
}

func (b *Backend) ensureCycleKey(ctx context.Context, group types.NamespacedName, k CycleKey, key string) error {
	secret := &corev1.Secret{ObjectMeta: meta(group, k.Secret)}
	secret.Labels[labelKey] = "true"
	wanted := keyIdentity + deriveKey(key, k.group, k.cycle)
	secret.Data = map[string][]byte{keyField: []byte(wanted)}
	err := b.Client.Create(ctx, secret)
	if !apierrors.IsAlreadyExists(err) {
		return wrap(err, "creating", secret)
	}
	existing := &corev1.Secret{}
	if err := b.Live.Get(ctx, client.ObjectKeyFromObject(secret), existing); err != nil {
		return wrap(err, "reading", secret)
	}
	if string(existing.Data[keyField]) == wanted {
		return nil
	}
	return b.writeKey(ctx, group, existing, true, wanted)
}

// dropCycleKeys takes away the keys of cycles that are over.
func (b *Backend) dropCycleKeys(ctx context.Context, group types.NamespacedName, used sets.Set[string]) error {
	var keys corev1.SecretList
	if err := b.Live.List(ctx, &keys, client.InNamespace(group.Namespace), client.HasLabels{labelKey}); err != nil {
		return fmt.Errorf("listing Secrets: %w", err)
	}
	if used != nil {
		inUse, err := b.keysInUse(ctx, group.Namespace)
		if err != nil {
			return err
		}
		used = used.Union(inUse)
	}
	var errs []error
	for i := range keys.Items {
		if secret := &keys.Items[i]; ours(secret, group.String()) && !used.Has(secret.Name) {
			errs = append(errs, b.delete(ctx, secret))
		}
	}
	return errors.Join(errs...)
}

func (b *Backend) keysInUse(ctx context.Context, namespace string) (sets.Set[string], error) {
	var sources volsyncv1alpha1.ReplicationSourceList
	var destinations volsyncv1alpha1.ReplicationDestinationList
	if err := errors.Join(b.Live.List(ctx, &sources, client.InNamespace(namespace)), b.Live.List(ctx, &destinations, client.InNamespace(namespace))); err != nil {
		return nil, fmt.Errorf("listing what VolSync is told: %w", err)
	}
	used := sets.New[string]()
	for i := range sources.Items {
		if sources.Items[i].Spec.RsyncTLS != nil {
			used.Insert(keyOf(&sources.Items[i]))
		}
	}
	for i := range destinations.Items {
		if destinations.Items[i].Spec.RsyncTLS != nil {
			used.Insert(keyOf(&destinations.Items[i]))
		}
	}
	return used, nil
}
