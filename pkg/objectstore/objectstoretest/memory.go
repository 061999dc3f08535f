// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package objectstoretest has an object store in memory that fails on request.
package objectstoretest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ramendr/dr-apiserver/pkg/objectstore"
)

// Memory is an objectstore.Store in memory. The zero value is empty and healthy.
type Memory struct {
	lock    sync.Mutex
	objects map[string][]byte
	fault   func(ctx context.Context, operation, key string) error
	log     []string
}

var _ objectstore.Store = (*Memory)(nil)

// Fault makes f decide before each operation ("check", "put", "get", "list", "delete") whether it fails; nil heals.
func (m *Memory) Fault(f func(ctx context.Context, operation, key string) error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.fault = f
}

// Fail makes every operation return err; nil heals.
func (m *Memory) Fail(err error) {
	m.Fault(func(context.Context, string, string) error { return err })
}

// Hang makes every operation wait for its context to end.
func (m *Memory) Hang() {
	m.Fault(func(ctx context.Context, _, _ string) error {
		<-ctx.Done()
		return fmt.Errorf("%w: %w", objectstore.ErrTimeout, ctx.Err())
	})
}

// Truncate cuts an object that is there to its first size bytes.
func (m *Memory) Truncate(key string, size int) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.objects[key] = m.objects[key][:size]
}

// Corrupt flips a bit of an object that is there.
func (m *Memory) Corrupt(key string) {
	m.lock.Lock()
	defer m.lock.Unlock()
	data := slices.Clone(m.objects[key])
	data[len(data)/2] ^= 1
	m.objects[key] = data
}

// Operations returns what was done so far, each as "operation key".
func (m *Memory) Operations() []string {
	m.lock.Lock()
	defer m.lock.Unlock()
	return slices.Clone(m.log)
}

func (m *Memory) begin(ctx context.Context, operation, key string) error {
	m.lock.Lock()
	m.log = append(m.log, operation+" "+key)
	fault := m.fault
	m.lock.Unlock()
	if fault != nil {
		if err := fault(ctx, operation, key); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// CheckBucket implements objectstore.Store.
func (m *Memory) CheckBucket(ctx context.Context) error {
	return m.begin(ctx, "check", "")
}

// Put implements objectstore.Store.
func (m *Memory) Put(ctx context.Context, key string, data []byte) error {
	if err := m.begin(ctx, "put", key); err != nil {
		return err
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.objects == nil {
		m.objects = map[string][]byte{}
	}
	m.objects[key] = slices.Clone(data)
	return nil
}

// Get implements objectstore.Store.
func (m *Memory) Get(ctx context.Context, key string) ([]byte, error) {
	if err := m.begin(ctx, "get", key); err != nil {
		return nil, err
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	data, ok := m.objects[key]
	if !ok {
		return nil, fmt.Errorf("reading %s: %w", key, objectstore.ErrNotFound)
	}
	return slices.Clone(data), nil
}

// List implements objectstore.Store.
func (m *Memory) List(ctx context.Context, prefix string) ([]string, error) {
	if err := m.begin(ctx, "list", prefix); err != nil {
		return nil, err
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	var keys []string
	for key := range m.objects {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// Delete implements objectstore.Store.
func (m *Memory) Delete(ctx context.Context, keys ...string) error {
	if err := m.begin(ctx, "delete", strings.Join(keys, " ")); err != nil {
		return err
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	for _, key := range keys {
		delete(m.objects, key)
	}
	return nil
}

// Provider is an objectstore.Provider of stores in memory, by profile name.
type Provider map[string]objectstore.Store

// Store implements objectstore.Provider.
func (p Provider) Store(_ context.Context, name string) (objectstore.Store, error) {
	s, ok := p[name]
	if !ok {
		return nil, fmt.Errorf("s3 profile %q: not in the configuration", name)
	}
	return s, nil
}
