// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	snapshotsDir = ".snapshots" // no volume can have that handle
	setFile      = "set.json"
	unfinished   = ".new"
)

// SnapshotSet is what was taken of one or several volumes at one point in time.
type SnapshotSet struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	// Group says that it is a group snapshot, which may have a single member.
	Group     bool       `json:"group,omitempty"`
	Snapshots []Snapshot `json:"snapshots"`
}

// Snapshot is one volume as it was.
type Snapshot struct {
	ID string `json:"id"`
	// Volume is the handle of the volume it was taken of.
	Volume     string `json:"volume"`
	Origin     string `json:"origin"`
	Claim      Claim  `json:"claim"`
	Capacity   int64  `json:"capacity"`
	Generation int64  `json:"generation"`
	History    []Term `json:"history"`
	Size       int64  `json:"size"`
}

func setDir(dataDir, set string) string { return filepath.Join(dataDir, snapshotsDir, set) }

// SnapshotPath is the file that holds the bytes of the nth snapshot of a set.
func SnapshotPath(dataDir, set string, n int) string {
	return filepath.Join(setDir(dataDir, set), strconv.Itoa(n)+"."+recordsFile)
}

// WriteSnapshotSet makes a set exist: all its snapshots or none, whenever the writer is killed. content writes the bytes of
// the nth; durable makes the set outlive the machine.
func WriteSnapshotSet(dataDir string, set *SnapshotSet, content func(n int, f *os.File) error, durable bool) error {
	raw, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("encode snapshots %s: %w", set.ID, err)
	}
	tmp := setDir(dataDir, set.ID) + unfinished
	if err := errors.Join(os.RemoveAll(tmp), os.MkdirAll(tmp, 0o755)); err != nil {
		return err
	}
	for n := range set.Snapshots {
		if err := writeContent(filepath.Join(tmp, strconv.Itoa(n)+"."+recordsFile), n, content, durable); err != nil {
			return err
		}
	}
	if err := writeFile(filepath.Join(tmp, setFile), raw, durable); err != nil {
		return err
	}
	if durable {
		if err := SyncDir(tmp); err != nil {
			return err
		}
	}
	if err := os.Rename(tmp, setDir(dataDir, set.ID)); err != nil || !durable {
		return err
	}
	return SyncDir(filepath.Join(dataDir, snapshotsDir))
}

func writeContent(path string, n int, content func(n int, f *os.File) error, durable bool) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = content(n, f)
	if err == nil && durable {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// RemoveSnapshotSet forgets a set; its description goes first, so a half-removed set is no set.
func RemoveSnapshotSet(dataDir, set string) error {
	dir := setDir(dataDir, set)
	if err := os.Remove(filepath.Join(dir, setFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(dir)
}

// SnapshotSets reads all sets, and removes what was left of those that were being made or removed.
func SnapshotSets(dataDir string) ([]*SnapshotSet, error) {
	entries, err := os.ReadDir(filepath.Join(dataDir, snapshotsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var sets []*SnapshotSet
	for _, entry := range entries {
		set, err := readSnapshotSet(dataDir, entry.Name())
		if errors.Is(err, fs.ErrNotExist) || strings.HasSuffix(entry.Name(), unfinished) {
			if err := os.RemoveAll(setDir(dataDir, entry.Name())); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return sets, nil
}

func readSnapshotSet(dataDir, name string) (*SnapshotSet, error) {
	raw, err := os.ReadFile(filepath.Join(setDir(dataDir, name), setFile))
	if err != nil {
		return nil, err
	}
	set := &SnapshotSet{}
	if err := json.Unmarshal(raw, set); err != nil {
		return nil, fmt.Errorf("description of snapshots %s in %s: %w", name, dataDir, err)
	}
	return set, nil
}
