// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package layout is what the storage simulator keeps on disk, so that it can be read when every process is dead.
//
//	<data-dir>/<volume handle>/meta.json          what the array knows of its copy; replaced by rename only
//	<data-dir>/<volume handle>/<content>/records  the bytes of the volume: one JSON record per line
//	<data-dir>/.groups/<group>.json               the volumes that are replicated as one
//	<data-dir>/.groups/<group>.commit             what all of them have become, until each one's meta.json says so too
//	<data-dir>/.snapshots/<set>/set.json          the snapshots that were taken at one point in time
//	<data-dir>/.snapshots/<set>/<n>.records       the bytes of the nth of them
//	<ack-dir>/<namespace>/<claim>.jsonl           what was acknowledged to writers, by all clusters
package layout

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	metaFile    = "meta.json"
	recordsFile = "records"
	ackSuffix   = ".jsonl"
)

// Role is what an array does with its copy of a volume.
type Role string

const (
	// Standalone volumes are writable and not replicated.
	Standalone Role = "Standalone"
	// Primary volumes are writable and replicated to the peer.
	Primary Role = "Primary"
	// Secondary volumes are read-only copies.
	Secondary Role = "Secondary"
)

// Claim is the PersistentVolumeClaim a volume was made for.
type Claim struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
}

// Term is a stretch of a volume's bytes written by one cluster between two promotions. The terms of two copies tell
// whether one is a prefix of the other.
type Term struct {
	// Generation of the volume, counted up by each promotion.
	Generation int64 `json:"generation"`
	// Cluster that was promoted.
	Cluster string `json:"cluster"`
	// Start is the offset of the term's first byte.
	Start int64 `json:"start"`
}

// Final is the snapshot a primary takes when it is demoted.
type Final struct {
	Time time.Time `json:"time"`
	// Delivered says that the peer has acknowledged it.
	Delivered bool `json:"delivered"`
}

// Received is the last snapshot a secondary has taken in completely.
type Received struct {
	From string `json:"from"`
	// Time the snapshot was taken: everything acknowledged up to then is in it.
	Time time.Time `json:"time"`
	// Final snapshots are taken by a demotion: the sender writes no more.
	Final bool `json:"final,omitempty"`
}

// Sync is the last snapshot a primary has delivered to its peer.
type Sync struct {
	// Time the snapshot was taken, not when it arrived.
	Time     time.Time     `json:"time"`
	Duration time.Duration `json:"duration"`
	Bytes    int64         `json:"bytes"`
}

// Meta is what an array knows of its copy of a volume.
type Meta struct {
	Handle string `json:"handle"`
	// Origin is the handle of the volume that this one goes on from, through snapshots and movers; empty if from none.
	Origin   string `json:"origin,omitempty"`
	Claim    Claim  `json:"claim"`
	Capacity int64  `json:"capacity"`
	Role     Role   `json:"role"`
	// Generation counts the promotions of the volume, on either cluster, that this copy knows of.
	Generation int64  `json:"generation"`
	History    []Term `json:"history"`
	// Content is the directory that holds the bytes.
	Content string `json:"content"`
	// Size is how many bytes count. Of a writable volume it is a lower bound: its file tells.
	Size int64 `json:"size"`
	// SyncInterval is the time between two snapshots.
	SyncInterval time.Duration `json:"syncInterval,omitempty"`
	// SupersededBy is the generation in which the peer was promoted over this primary, which may not write since.
	SupersededBy int64 `json:"supersededBy,omitempty"`
	// Incoming volumes hold what a mover brings or has brought: nobody has written to them here since.
	Incoming bool `json:"incoming,omitempty"`
	// Diverged copies hold bytes that the new primary does not, and need a forced resync.
	Diverged bool      `json:"diverged,omitempty"`
	Final    *Final    `json:"final,omitempty"`
	Received *Received `json:"received,omitempty"`
	LastSync *Sync     `json:"lastSync,omitempty"`
}

// Lineage names the volume through all copies of it, whatever their handles are.
func (m *Meta) Lineage() string { return cmp.Or(m.Origin, m.Handle) }

// MayWrite says whether the array may let anyone write to this copy.
func (m *Meta) MayWrite() bool { return m.Role != Secondary && m.SupersededBy == 0 }

var handlePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,127})$`)

// ValidHandle says whether a handle can name a volume.
func ValidHandle(handle string) bool { return handlePattern.MatchString(handle) }

// VolumeDir is where the volume with that handle is kept.
func VolumeDir(dataDir, handle string) string { return filepath.Join(dataDir, handle) }

// RecordsPath is the file that holds the bytes of the volume.
func RecordsPath(dataDir string, m *Meta) string {
	return filepath.Join(VolumeDir(dataDir, m.Handle), m.Content, recordsFile)
}

// AckPath is the file that holds what was acknowledged to the writers of a claim.
func AckPath(ackDir string, c Claim) string {
	return filepath.Join(ackDir, c.Namespace, c.Name+ackSuffix)
}

// AckedClaim is the claim whose acknowledgements a file of that name holds.
func AckedClaim(file string) (claim string, ok bool) { return strings.CutSuffix(file, ackSuffix) }

// WriteMeta replaces a volume's metadata. Whoever reads sees the old or the new one, whenever the writer is killed;
// durable makes it outlive the machine too.
func WriteMeta(dataDir string, m *Meta, durable bool) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode metadata of volume %s: %w", m.Handle, err)
	}
	dir := VolumeDir(dataDir, m.Handle)
	tmp := filepath.Join(dir, metaFile+".new")
	if err := writeFile(tmp, raw, durable); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, metaFile)); err != nil {
		return err
	}
	if durable {
		return SyncDir(dir)
	}
	return nil
}

func writeFile(path string, raw []byte, durable bool) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err == nil && durable {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// SyncDir makes renames in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// RemoveVolume forgets a volume; its metadata goes first, so a half-removed volume is no volume.
func RemoveVolume(dataDir, handle string) error {
	dir := VolumeDir(dataDir, handle)
	if err := os.Remove(filepath.Join(dir, metaFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(dir)
}

// ReadMeta reads a volume's metadata; fs.ErrNotExist if there is no such volume.
func ReadMeta(dataDir, handle string) (*Meta, error) {
	if m, err := journaled(dataDir, handle); m != nil || err != nil {
		return m, err
	}
	raw, err := os.ReadFile(filepath.Join(VolumeDir(dataDir, handle), metaFile))
	if err != nil {
		return nil, err
	}
	m := &Meta{}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, fmt.Errorf("metadata of volume %s in %s: %w", handle, dataDir, err)
	}
	return m, nil
}

// Handles lists the directories that may be volumes.
func Handles(dataDir string) ([]string, error) {
	entries, err := os.ReadDir(dataDir)
	if err != nil {
		return nil, err
	}
	var handles []string
	for _, e := range entries {
		if e.IsDir() && ValidHandle(e.Name()) {
			handles = append(handles, e.Name())
		}
	}
	return handles, nil
}

// Complete returns the length of raw up to and including its last whole line.
func Complete(raw []byte) int64 { return int64(bytes.LastIndexByte(raw, '\n') + 1) }
