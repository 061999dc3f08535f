// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import "sync"

// keyedMutex is a mutex per key. Its zero value is ready for use.
type keyedMutex struct {
	mu      sync.Mutex
	holders map[string]*holder
}

type holder struct {
	sync.Mutex
	waiting int
}

// lock waits for the key and returns what lets go of it.
func (m *keyedMutex) lock(key string) func() {
	m.mu.Lock()
	if m.holders == nil {
		m.holders = map[string]*holder{}
	}
	h := m.holders[key]
	if h == nil {
		h = &holder{}
		m.holders[key] = h
	}
	h.waiting++
	m.mu.Unlock()

	h.Lock()
	return func() {
		h.Unlock()
		m.mu.Lock()
		defer m.mu.Unlock()
		if h.waiting--; h.waiting == 0 {
			delete(m.holders, key)
		}
	}
}
