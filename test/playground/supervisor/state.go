// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// state is what the playground remembers from one supervisor to the next.
type state struct {
	path string

	mu sync.Mutex
	remembered
}

type remembered struct {
	// InstantStorage says that the storage answers at once, without csi-addons' manager.
	InstantStorage bool `json:"instantStorage"`
	// APIStorage is where dr-apiserver keeps its objects.
	APIStorage string `json:"apiStorage,omitempty"`
	// Breakable says that disks can be full and dr-apiserver has a link.
	Breakable bool `json:"breakable,omitempty"`
	// Ports by name.
	Ports map[string]int `json:"ports"`
}

func loadState(path string) (*state, error) {
	s := &state{path: path}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, &s.remembered); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w); make down removes it", path, err)
	}
	return s, nil
}

func (s *state) update(change func(*remembered)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.remembered)
	content, err := json.MarshalIndent(s.remembered, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path+".new", content, 0o644); err != nil {
		return err
	}
	return os.Rename(s.path+".new", s.path)
}

func (s *state) instantStorage() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.InstantStorage
}

func (s *state) breakable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Breakable
}

// chooseAPIStorage remembers where dr-apiserver keeps its objects. There is no way from one place to another.
func (s *state) chooseAPIStorage(wanted string) error {
	if wanted != component.APIStorageEmbedded && wanted != component.APIStorageHost {
		return fmt.Errorf("--storage=%s: choose %s or %s", wanted, component.APIStorageEmbedded, component.APIStorageHost)
	}
	s.mu.Lock()
	chosen := s.APIStorage
	s.mu.Unlock()
	if chosen != "" && chosen != wanted {
		return fmt.Errorf("this playground keeps its objects with --storage=%s; make down removes it, then boot another", chosen)
	}
	return s.update(func(r *remembered) { r.APIStorage = wanted })
}
