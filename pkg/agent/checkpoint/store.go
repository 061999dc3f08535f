// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
)

const dataKey = "checkpoint.json"

// Store keeps checkpoints in ConfigMaps of one namespace. It is their only writer and so reads them once, and again only
// where a write was refused.
type Store struct {
	client    client.Client
	namespace string

	lock    sync.RWMutex
	entries map[types.NamespacedName]entry
}

type entry struct {
	checkpoint *Checkpoint
	version    string
}

// Load reads all checkpoints of a namespace.
func Load(ctx context.Context, c client.Client, namespace string) (*Store, error) {
	s := &Store{client: c, namespace: namespace, entries: map[types.NamespacedName]entry{}}
	var list corev1.ConfigMapList
	if err := c.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels{mark.Checkpoint: "true"}); err != nil {
		return nil, fmt.Errorf("reading checkpoints in namespace %s: %w", namespace, err)
	}
	for i := range list.Items {
		e, err := decode(&list.Items[i])
		if err != nil {
			return nil, err
		}
		s.entries[e.checkpoint.Key()] = e
	}
	return s, nil
}

func decode(cm *corev1.ConfigMap) (entry, error) {
	c := &Checkpoint{}
	err := json.Unmarshal([]byte(cm.Data[dataKey]), c)
	if err == nil {
		err = c.check(cm.Name)
	}
	if err != nil {
		return entry{}, fmt.Errorf("the checkpoint in ConfigMap %s/%s is damaged (%w); what its VolumeReplicationGroup was told last must be known before it can be mended or deleted",
			cm.Namespace, cm.Name, err)
	}
	return entry{checkpoint: c, version: cm.ResourceVersion}, nil
}

// check returns why what was read from the ConfigMap of that name can't be what was written to it: an agent that took it for
// its memory would have forgotten what it accepted.
func (c *Checkpoint) check(name string) error {
	current := c.Current()
	switch {
	case configMapName(c.Key()) != name:
		return fmt.Errorf("it is that of VolumeReplicationGroup %s", c.Key())
	case len(c.History) == 0:
		return errors.New("it has no history")
	case current.Epoch != c.Spec.Epoch || current.State != c.Spec.ReplicationState || current.Action != c.Spec.Action:
		return fmt.Errorf("its last role, %s of epoch %d, is not that of its command, %s of epoch %d",
			current.State, current.Epoch, c.Spec.ReplicationState, c.Spec.Epoch)
	default:
		return nil
	}
}

// Get returns the checkpoint of a VolumeReplicationGroup, or nil. It must not be changed.
func (s *Store) Get(key types.NamespacedName) *Checkpoint {
	s.lock.RLock()
	defer s.lock.RUnlock()
	return s.entries[key].checkpoint
}

// Keys returns the VolumeReplicationGroups that have a checkpoint.
func (s *Store) Keys() []types.NamespacedName {
	s.lock.RLock()
	defer s.lock.RUnlock()
	keys := make([]types.NamespacedName, 0, len(s.entries))
	for key := range s.entries {
		keys = append(keys, key)
	}
	return keys
}

// Save writes a checkpoint; it is durable when Save returns. It fails with a conflict if somebody else wrote it in the
// meantime; what they wrote is what Get returns then.
func (s *Store) Save(ctx context.Context, c *Checkpoint) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	cm := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.namespace, Name: configMapName(c.Key()),
			Labels: map[string]string{mark.Checkpoint: "true", mark.ManagedBy: mark.Agent},
		},
		Data: map[string]string{dataKey: string(data)},
	}
	s.lock.RLock()
	cm.ResourceVersion = s.entries[c.Key()].version
	s.lock.RUnlock()
	if cm.ResourceVersion == "" {
		err = s.client.Create(ctx, cm)
	} else if err = s.client.Update(ctx, cm); apierrors.IsNotFound(err) {
		cm.ResourceVersion = ""
		err = s.client.Create(ctx, cm)
	}
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return s.reread(ctx, c, cm, err)
	}
	if err != nil {
		return fmt.Errorf("writing checkpoint %s/%s: %w", cm.Namespace, cm.Name, err)
	}
	s.put(c.Key(), entry{checkpoint: c, version: cm.ResourceVersion})
	return nil
}

// reread finds out why a checkpoint could not be written. It may be because it was: the answer to an earlier attempt got
// lost. Otherwise what is stored is what counts from now on, and the conflict has the caller decide anew.
func (s *Store) reread(ctx context.Context, c *Checkpoint, wanted *corev1.ConfigMap, conflict error) error {
	key := client.ObjectKeyFromObject(wanted)
	var cm corev1.ConfigMap
	if err := s.client.Get(ctx, key, &cm); err != nil {
		return fmt.Errorf("reading checkpoint %s after %w: %w", key, conflict, err)
	}
	stored, err := decode(&cm)
	if err != nil {
		return err
	}
	s.put(c.Key(), stored)
	if cm.Data[dataKey] == wanted.Data[dataKey] {
		return nil
	}
	return fmt.Errorf("writing checkpoint %s: %w", key, conflict)
}

func (s *Store) put(key types.NamespacedName, e entry) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.entries[key] = e
}

// Delete removes a checkpoint.
func (s *Store) Delete(ctx context.Context, key types.NamespacedName) error {
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: configMapName(key)}}
	if err := s.client.Delete(ctx, cm); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting checkpoint %s/%s: %w", cm.Namespace, cm.Name, err)
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	delete(s.entries, key)
	return nil
}

// configMapName is the group's namespace and name; no namespace has a dot, so that no two groups share it.
func configMapName(key types.NamespacedName) string {
	name := key.Namespace + "." + key.Name
	if len(name) <= validation.DNS1123SubdomainMaxLength {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return key.Namespace + "." + hex.EncodeToString(sum[:])
}
