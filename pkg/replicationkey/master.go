// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package replicationkey makes the keys by which the two clusters of an application prove themselves to each other. All
// follow from one master key, which is in a Secret of the hub and nowhere else, so that every replica makes the same ones and
// so does a hub that was restored with its Secrets.
package replicationkey

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

const (
	// Secret is the name of the Secret with the master key, and Field where it has it.
	Secret = "dr-replication-keys"
	// Field of the Secret.
	Field = "master"
	// size of a master key in bytes.
	size = 32
)

// Master derives keys from the master key. The first that is asked for has it made, if there is none yet.
type Master struct {
	secrets corev1client.SecretInterface

	lock sync.Mutex
	key  []byte
}

// NewMaster returns a Master whose key is kept by the given client.
func NewMaster(secrets corev1client.SecretInterface) *Master { return &Master{secrets: secrets} }

// Of is the key of an application, in hex: the same for all its clusters and for nobody else.
func (m *Master) Of(ctx context.Context, application types.NamespacedName) (string, error) {
	master, err := m.load(ctx)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, master)
	mac.Write([]byte(application.String()))
	return hex.EncodeToString(mac.Sum(nil)), nil
}

func (m *Master) load(ctx context.Context) ([]byte, error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.key != nil {
		return m.key, nil
	}
	secret, err := m.secrets.Get(ctx, Secret, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		secret, err = m.create(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the master key of replication from Secret %s: %w", Secret, err)
	}
	if len(secret.Data[Field]) < size {
		return nil, fmt.Errorf("Secret %s has no master key of %d bytes in %q; delete it, and another one is made", Secret, size, Field)
	}
	m.key = secret.Data[Field]
	return m.key, nil
}

// create makes a master key. Of replicas that do so at once one succeeds, and the others take what it has made.
func (m *Master) create(ctx context.Context) (*corev1.Secret, error) {
	key := make([]byte, size)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	secret, err := m.secrets.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: Secret},
		Data:       map[string][]byte{Field: key},
	}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return m.secrets.Get(ctx, Secret, metav1.GetOptions{})
	}
	return secret, err
}
