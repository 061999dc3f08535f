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
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	groupsDir   = ".groups" // no volume can have that handle
	groupSuffix = ".json"
	// journalSuffix is of the file that says what all members of a group are about to become.
	journalSuffix = ".commit"
)

// Group is volumes that are replicated as one: what one cluster has of them is of one point in time.
type Group struct {
	ID string `json:"id"`
	// Members are the handles of its volumes, sorted.
	Members []string `json:"members"`
	// SyncInterval is the time between two snapshots; 0 while the group is not replicated.
	SyncInterval time.Duration `json:"syncInterval,omitempty"`
}

// GroupChange is what a group and volumes of it become at once.
type GroupChange struct {
	Group Group  `json:"group"`
	Metas []Meta `json:"metas"`
}

func groupPath(dataDir, id, suffix string) string {
	return filepath.Join(dataDir, groupsDir, id+suffix)
}

// JournalGroup makes a change certain: from now on it is what ReadMeta tells, whenever the writer is killed. CompleteGroup
// has to follow before any of the volumes changes again.
func JournalGroup(dataDir string, c *GroupChange, durable bool) error {
	return replaceJSON(dataDir, groupPath(dataDir, c.Group.ID, journalSuffix), c, durable)
}

// CompleteGroup carries out what was journaled for a group; nothing, if nothing was.
func CompleteGroup(dataDir, id string, durable bool) error {
	journal := groupPath(dataDir, id, journalSuffix)
	c, err := readJournal(journal)
	if c == nil || err != nil {
		return err
	}
	var writes errgroup.Group // at once, so that the disk can make many durable in one go
	for i := range c.Metas {
		writes.Go(func() error { return WriteMeta(dataDir, &c.Metas[i], durable) })
	}
	if err := writes.Wait(); err != nil {
		return err
	}
	if err := replaceJSON(dataDir, groupPath(dataDir, id, groupSuffix), &c.Group, durable); err != nil {
		return err
	}
	return os.Remove(journal)
}

// CompleteGroups carries out whatever a killed writer had journaled.
func CompleteGroups(dataDir string, durable bool) error {
	ids, err := groupsWith(dataDir, journalSuffix)
	for _, id := range ids {
		err = errors.Join(err, CompleteGroup(dataDir, id, durable))
	}
	return err
}

// Groups reads all groups.
func Groups(dataDir string) ([]Group, error) {
	ids, err := groupsWith(dataDir, groupSuffix)
	if err != nil {
		return nil, err
	}
	groups := make([]Group, 0, len(ids))
	for _, id := range ids {
		var g Group
		if err := readJSON(groupPath(dataDir, id, groupSuffix), &g); err != nil {
			return nil, err
		}
		groups = append(groups, g)
	}
	return groups, nil
}

// RemoveGroup forgets a group, not its volumes.
func RemoveGroup(dataDir, id string) error {
	if err := os.Remove(groupPath(dataDir, id, groupSuffix)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// journaled is what a volume has become although its own file does not say so yet; nil if its file does.
func journaled(dataDir, handle string) (*Meta, error) {
	ids, err := groupsWith(dataDir, journalSuffix)
	for _, id := range ids {
		c, err := readJournal(groupPath(dataDir, id, journalSuffix))
		if err != nil {
			return nil, err
		}
		for i := 0; c != nil && i < len(c.Metas); i++ {
			if c.Metas[i].Handle == handle {
				return &c.Metas[i], nil
			}
		}
	}
	return nil, err
}

func groupsWith(dataDir, suffix string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(dataDir, groupsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), suffix); ok {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// readJournal returns nil if there is none any more.
func readJournal(path string) (*GroupChange, error) {
	c := &GroupChange{}
	err := readJSON(path, c)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return c, err
}

func readJSON(path string, into any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// replaceJSON replaces a file of the groups' directory by rename.
func replaceJSON(dataDir, path string, content any, durable bool) error {
	raw, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	dir := filepath.Join(dataDir, groupsDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := writeFile(path+".new", raw, durable); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil || !durable {
		return err
	}
	return SyncDir(dir)
}
