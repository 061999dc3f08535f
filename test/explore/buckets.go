// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ramendr/dr-apiserver/pkg/objectstore"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

var (
	shop            = archive.Group{Namespace: "shop", Name: "shop"}
	errDead         = errors.New("it does not answer")
	errInterrupted  = errors.New("interrupted")
	errOverwritten  = errors.New("a complete capture is overwritten")
	errTokenInvalid = errors.New("the token does not fit")
)

// bucket is an object store's content for the length of one operation. It does not let a manifest in if cut is set.
type bucket struct {
	lock    sync.Mutex
	objects map[string][]byte
	dead    bool
	cut     bool
}

var _ objectstore.Store = (*bucket)(nil)

func (b *bucket) CheckBucket(context.Context) error { return nil }

func (b *bucket) Put(_ context.Context, key string, data []byte) error {
	b.lock.Lock()
	defer b.lock.Unlock()
	manifest := strings.HasSuffix(key, "/manifest.json")
	switch old, there := b.objects[key]; {
	case b.cut && manifest:
		return errInterrupted
	case there && manifest && string(old) != string(data):
		return errOverwritten
	}
	b.objects[key] = data
	return nil
}

func (b *bucket) Get(_ context.Context, key string) ([]byte, error) {
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.dead {
		return nil, errDead
	}
	data, ok := b.objects[key]
	if !ok {
		return nil, objectstore.ErrNotFound
	}
	return data, nil
}

func (b *bucket) List(_ context.Context, prefix string) ([]string, error) {
	if b.dead {
		return nil, errDead
	}
	keys := slices.Sorted(maps.Keys(b.objects))
	return slices.DeleteFunc(keys, func(k string) bool { return !strings.HasPrefix(k, prefix) }), nil
}

func (b *bucket) Delete(_ context.Context, keys ...string) error {
	for _, key := range keys {
		delete(b.objects, key)
	}
	return nil
}

// bucket opens the store of a profile, so that it can be changed.
func (m *model) bucket(s *state, p int) *bucket {
	objects := maps.Clone(m.contents.get(s.stores[p]))
	if objects == nil {
		objects = map[string][]byte{}
	}
	return &bucket{objects: objects, dead: !m.storeAnswers(s, p)}
}

// storeAnswers tells whether an object store can be reached. Where there are two, each dies with its cluster.
func (m *model) storeAnswers(s *state, p int) bool {
	return !s.storeDead[p] && !(m.scenario.twoStores && s.sites[p].dead)
}

// profiles are the object stores there are.
func (m *model) profiles() []string {
	if m.scenario.twoStores {
		return []string{profile(0), profile(1)}
	}
	return []string{profile(0)}
}

func (m *model) putContent(objects map[string][]byte) ref {
	if len(objects) == 0 {
		return 0
	}
	var code strings.Builder
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		fmt.Fprintf(&code, "%s=%s\n", key, archive.Digest(objects[key])[:16])
	}
	return m.contents.put(code.String(), objects)
}

// buckets are all stores, to read from.
type buckets map[string]*bucket

func (b buckets) Store(_ context.Context, name string) (objectstore.Store, error) {
	return b[name], nil
}

func (m *model) buckets(s *state) buckets {
	all := buckets{}
	for p := range m.profiles() {
		all[profile(p)] = m.bucket(s, p)
	}
	return all
}

func newest(stores buckets, profiles []string, group archive.Group, accept func(archive.Ref) bool) (*archive.Found, error) {
	return archive.Newest(context.Background(), stores, profiles, group, accept)
}
