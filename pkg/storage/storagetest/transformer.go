// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package storagetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"

	storagetesting "k8s.io/apiserver/pkg/storage/testing"
	"k8s.io/apiserver/pkg/storage/value"
)

// nonceLength is how much of what is stored is never the same twice.
const nonceLength = 8

// Transformer is what a store under test encrypts with, so far as that what it makes of the same data is never the same. The
// suite exchanges what it does besides.
type Transformer struct {
	current atomic.Pointer[value.Transformer]
}

var _ value.Transformer = &Transformer{}

// NewTransformer returns one that marks what it writes.
func NewTransformer() *Transformer {
	t := &Transformer{}
	t.set(storagetesting.NewPrefixTransformer([]byte("marked!"), false))
	return t
}

// TransformFromStorage undoes TransformToStorage.
func (t *Transformer) TransformFromStorage(ctx context.Context, data []byte, dataCtx value.Context) ([]byte, bool, error) {
	if len(data) < nonceLength {
		return nil, false, fmt.Errorf("%d bytes are too few", len(data))
	}
	return t.get().TransformFromStorage(ctx, data[nonceLength:], dataCtx)
}

// TransformToStorage makes what is stored of what is to be.
func (t *Transformer) TransformToStorage(ctx context.Context, data []byte, dataCtx value.Context) ([]byte, error) {
	transformed, err := t.get().TransformToStorage(ctx, data, dataCtx)
	if err != nil {
		return nil, err
	}
	stored := make([]byte, nonceLength, nonceLength+len(transformed))
	_, _ = rand.Read(stored)
	return append(stored, transformed...), nil
}

func (t *Transformer) get() value.Transformer   { return *t.current.Load() }
func (t *Transformer) set(to value.Transformer) { t.current.Store(&to) }

// UpdatePrefixTransformer exchanges what the store encrypts with. It returns what undoes that.
func (s *Store) UpdatePrefixTransformer(modify storagetesting.PrefixTransformerModifier) func() {
	before := s.Transformer.get()
	marks := *before.(*storagetesting.PrefixTransformer)
	s.Transformer.set(modify(&marks))
	return func() { s.Transformer.set(before) }
}
