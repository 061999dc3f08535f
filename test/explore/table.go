// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
)

// ref names a value in a table; 0 is none. Two states that hold the same refs are the same state.
type ref uint32

// table keeps one of each value, so that states are small and comparing them is cheap. What is in it never changes.
type table[T any] struct {
	refs  map[string]ref
	items []T
}

// put returns the ref of the value that is written as code.
func (t *table[T]) put(code string, item T) ref {
	if r, ok := t.refs[code]; ok {
		return r
	}
	if t.refs == nil {
		t.refs = map[string]ref{}
	}
	t.items = append(t.items, item)
	r := ref(len(t.items)) //nolint:gosec // there are far fewer
	t.refs[code] = r
	return r
}

// get returns the value of a ref; the zero value for none.
func (t *table[T]) get(r ref) T {
	if r == 0 {
		var none T
		return none
	}
	return t.items[r-1]
}

// values is a table of comparable values.
type values[T comparable] struct {
	refs  map[T]ref
	items []T
}

func (t *values[T]) put(item T) ref {
	var none T
	if item == none {
		return 0
	}
	if r, ok := t.refs[item]; ok {
		return r
	}
	if t.refs == nil {
		t.refs = map[T]ref{}
	}
	t.items = append(t.items, item)
	r := ref(len(t.items)) //nolint:gosec // there are far fewer
	t.refs[item] = r
	return r
}

func (t *values[T]) get(r ref) T {
	if r == 0 {
		var none T
		return none
	}
	return t.items[r-1]
}

// encode writes a value as the code that tells it from others.
func encode(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("a value of the model can't be encoded: %v", err))
	}
	return string(data)
}

// memo remembers what a function of refs returned.
type memo[K comparable, V any] map[K]V

func (m memo[K, V]) of(key K, compute func() V) V {
	if v, ok := m[key]; ok {
		return v
	}
	v := compute()
	m[key] = v
	return v
}
