// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package shared is storage that the simulators of all clusters reach: volumes that either can write to, and the list of
// addresses that storage refuses. It lets two clusters write at once, as such storage does, unless one is fenced off.
//
//	<dir>/<volume handle>/   as package layout has it, with one copy for all clusters
//	<dir>/.writers/<handle>  in which generation each cluster writes
//	<dir>/.fences            the addresses that are fenced off
//	<dir>/.lock              held for every change, by whichever process
package shared

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// ErrFenced: storage refuses the cluster.
var ErrFenced = errors.New("the cluster is fenced off from storage")

const content = "content-1"

// Store is the shared storage as one cluster reaches it.
type Store struct {
	dir     string
	cluster string
	own     netip.Prefix

	mu   sync.Mutex
	ends map[string]end
}

// end is where a volume ended when this cluster last looked.
type end struct{ size, seq int64 }

// Open makes the directory. The cluster reaches the storage from its own addresses.
func Open(dir, cluster string, own netip.Prefix) (*Store, error) {
	return &Store{dir: dir, cluster: cluster, own: own, ends: map[string]end{}}, os.MkdirAll(filepath.Join(dir, ".writers"), 0o755)
}

// locked runs a change that no other process makes one beside.
func (s *Store) locked(change func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	lock, err := os.OpenFile(filepath.Join(s.dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	return change()
}

// Has says whether a volume is on this storage.
func (s *Store) Has(handle string) bool {
	_, err := layout.ReadMeta(s.dir, handle)
	return err == nil
}

// Namespace of the claim that uses a volume; empty if there is no such volume.
func (s *Store) Namespace(handle string) string {
	m, err := layout.ReadMeta(s.dir, handle)
	if err != nil {
		return ""
	}
	return m.Claim.Namespace
}

// Create makes an empty volume. Making it again changes nothing.
func (s *Store) Create(handle string, capacity int64, claim layout.Claim) error {
	if !layout.ValidHandle(handle) {
		return fmt.Errorf("volume handle %q: use lower case letters, digits, - and .", handle)
	}
	return s.locked(func() error {
		if s.Has(handle) {
			return nil
		}
		m := &layout.Meta{
			Handle: handle, Claim: claim, Capacity: capacity, Role: layout.Standalone, Generation: 1, Content: content,
			History: []layout.Term{{Generation: 1, Cluster: s.cluster}},
		}
		path := layout.RecordsPath(s.dir, m)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return errors.Join(os.WriteFile(path, nil, 0o644), layout.WriteMeta(s.dir, m, false))
	})
}

// Delete removes a volume, for all clusters.
func (s *Store) Delete(handle string) error {
	return s.locked(func() error {
		return errors.Join(layout.RemoveVolume(s.dir, handle), ignoreMissing(os.Remove(s.writersPath(handle))))
	})
}

// Claim tells that the cluster's writers of a volume begin. Each time they do is a generation of its own.
func (s *Store) Claim(handle string, claim layout.Claim) error {
	return s.locked(func() error {
		m, err := layout.ReadMeta(s.dir, handle)
		if err != nil {
			return err
		}
		m.Claim, m.Generation = claim, m.Generation+1
		writers, err := s.writers(handle)
		if err != nil {
			return err
		}
		writers[s.cluster] = m.Generation
		return errors.Join(layout.WriteMeta(s.dir, m, false), write(s.writersPath(handle), writers))
	})
}

// Append writes the next record to a volume, unless the cluster is fenced off.
func (s *Store) Append(handle, pod string) (record layout.Record, err error) {
	err = s.locked(func() error {
		if fenced, err := s.fenced(); err != nil || fenced {
			return errors.Join(err, fmt.Errorf("%w: %s", ErrFenced, s.own))
		}
		writers, err := s.writers(handle)
		if err != nil {
			return err
		}
		record = layout.Record{Time: time.Now(), Cluster: s.cluster, Generation: writers[s.cluster], Pod: pod}
		return s.append(handle, &record)
	})
	record.Volume = handle
	return record, err
}

func (s *Store) append(handle string, record *layout.Record) error {
	path := layout.RecordsPath(s.dir, &layout.Meta{Handle: handle, Content: content})
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	at := s.ends[handle]
	if at.size != info.Size() {
		if at.size, at.seq, err = layout.Tail(path, -1); err != nil {
			return err
		}
	}
	record.Seq = at.seq + 1
	line, err := record.Line()
	if err != nil {
		return err
	}
	if _, err := file.WriteAt(line, at.size); err != nil {
		return err
	}
	s.ends[handle] = end{size: at.size + int64(len(line)), seq: record.Seq}
	return nil
}

// Own are the addresses that the cluster reaches the storage from.
func (s *Store) Own() string { return s.own.String() }

// Fence has storage refuse addresses, and Unfence serve them again.
func (s *Store) Fence(cidrs []string) error {
	return s.changeFences(func(fences []string) []string { return append(fences, cidrs...) }, cidrs)
}

// Unfence has storage serve addresses again.
func (s *Store) Unfence(cidrs []string) error {
	return s.changeFences(func(fences []string) []string {
		return slices.DeleteFunc(fences, func(f string) bool { return slices.Contains(cidrs, f) })
	}, cidrs)
}

func (s *Store) changeFences(change func([]string) []string, cidrs []string) error {
	for _, cidr := range cidrs {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			return fmt.Errorf("CIDR %q: %w", cidr, err)
		}
	}
	return s.locked(func() error {
		fences, err := s.fences()
		if err != nil {
			return err
		}
		fences = change(fences)
		slices.Sort(fences)
		return write(s.fencesPath(), slices.Compact(fences))
	})
}

// Fences are the addresses that storage refuses.
func (s *Store) Fences() (fences []string, err error) {
	err = s.locked(func() error {
		fences, err = s.fences()
		return err
	})
	return fences, err
}

// Fenced says whether storage refuses the cluster.
func (s *Store) Fenced() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fenced()
}

func (s *Store) fenced() (bool, error) {
	fences, err := s.fences()
	return slices.ContainsFunc(fences, func(f string) bool {
		prefix, err := netip.ParsePrefix(f)
		return err == nil && prefix.Overlaps(s.own)
	}), err
}

func (s *Store) fences() ([]string, error) {
	var fences []string
	return fences, read(s.fencesPath(), &fences)
}

func (s *Store) writers(handle string) (map[string]int64, error) {
	writers := map[string]int64{}
	return writers, read(s.writersPath(handle), &writers)
}

func (s *Store) fencesPath() string { return filepath.Join(s.dir, ".fences") }

func (s *Store) writersPath(handle string) string { return filepath.Join(s.dir, ".writers", handle) }

// write replaces a file: whoever reads sees the old or the new one.
func write(path string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", raw, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// read reads a file into a value; one that is not there leaves it as it is.
func read(path string, into any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return ignoreMissing(err)
	}
	return json.Unmarshal(raw, into)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
