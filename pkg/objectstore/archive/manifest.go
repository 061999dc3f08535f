// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package archive lays captures out in object stores: <namespace>/<drpc>/<epoch>/<capture>/ holds the capture's files
// and, put last, a manifest with their sizes and hashes. A capture without a manifest does not exist to a reader, and
// none is ever overwritten.
package archive

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// Names of a capture's objects.
const (
	VolumesFile  = "volumes.json.gz"
	ObjectsFile  = "objects.json.gz"
	manifestFile = "manifest.json"
)

// Group is whose captures they are: the same on all clusters of an application.
type Group struct {
	// Namespace and Name of the DRPlacementControl, or of the VolumeReplicationGroup if it has none.
	Namespace, Name string
}

func (g Group) String() string { return g.Namespace + "/" + g.Name }

func (g Group) prefix() string { return g.Namespace + "/" + g.Name + "/" }

// Ref names one capture of a group.
type Ref struct {
	Epoch int64
	ID    string
}

// Compare orders captures by epoch and, within one, by time.
func (r Ref) Compare(other Ref) int {
	return cmp.Or(cmp.Compare(r.Epoch, other.Epoch), cmp.Compare(r.ID, other.ID))
}

func (r Ref) String() string { return fmt.Sprintf("%s of epoch %d", r.ID, r.Epoch) }

func (g Group) key(r Ref, file string) string {
	return path.Join(g.Namespace, g.Name, fmt.Sprintf("%010d", r.Epoch), r.ID, file)
}

// parseKey splits a key below the group's prefix. What is there otherwise written than captures are put is none.
func (g Group) parseKey(key string) (Ref, string, bool) {
	rest, ok := strings.CutPrefix(key, g.prefix())
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 {
		return Ref{}, "", false
	}
	epoch, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return Ref{}, "", false
	}
	r := Ref{Epoch: epoch, ID: parts[1]}
	return r, parts[2], g.key(r, parts[2]) == key
}

const idTime = "20060102T150405.000000Z"

// NewID returns the id of a capture taken now. It sorts after the id before, whatever the clocks of two clusters say.
func NewID(now time.Time, before string) string {
	if taken, err := idTimeOf(before); err == nil && !now.After(taken) {
		now = taken.Add(time.Microsecond)
	}
	var random [4]byte
	_, _ = rand.Read(random[:])
	return now.UTC().Format(idTime) + "-" + hex.EncodeToString(random[:])
}

func idTimeOf(id string) (time.Time, error) {
	taken, _, _ := strings.Cut(id, "-")
	return time.Parse(idTime, taken)
}

// Manifest says what belongs to a capture.
type Manifest struct {
	Version   int       `json:"version"`
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Epoch     int64     `json:"epoch"`
	ID        string    `json:"id"`
	Time      time.Time `json:"time"`
	// Cluster that took the capture.
	Cluster string `json:"cluster"`
	// Volumes and Objects are how many of each it holds.
	Volumes int             `json:"volumes"`
	Objects int             `json:"objects"`
	Files   map[string]File `json:"files"`
	// SHA256 of the manifest itself, encoded with this field empty.
	SHA256 string `json:"sha256"`
}

// encode returns the manifest as it is put, with its own hash.
func (m Manifest) encode() ([]byte, error) {
	m.SHA256 = ""
	bare, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	m.SHA256 = Digest(bare)
	return json.Marshal(m)
}

// decodeManifest reads a manifest in which not a bit is other than it was put.
func decodeManifest(data []byte) (m Manifest, err error) {
	if err := json.Unmarshal(data, &m); err != nil {
		return m, err
	}
	if m.Version != manifestVersion {
		return m, fmt.Errorf("it is of version %d; this agent reads version %d", m.Version, manifestVersion)
	}
	again, err := m.encode()
	if err == nil && !bytes.Equal(again, data) {
		err = errors.New("its hash is not its own")
	}
	return m, err
}

// File is one object of a capture.
type File struct {
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
}

const manifestVersion = 1

// Digest returns the SHA-256 of data in hex.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Capture is a capture in memory.
type Capture struct {
	Ref
	Group   Group
	Time    time.Time
	Cluster string
	Content Content
}

// Sealed is a capture ready to be put: encoded once for all profiles.
type Sealed struct {
	Ref
	Group Group
	Time  time.Time
	// Digest of the manifest.
	Digest string
	// Objects is how many objects there are besides volumes.
	Objects  int
	files    map[string][]byte
	manifest []byte
}

// Seal encodes a capture.
func Seal(c Capture) (*Sealed, error) {
	s := &Sealed{Ref: c.Ref, Group: c.Group, Time: c.Time, Objects: len(c.Content.Objects), files: map[string][]byte{}}
	m := Manifest{
		Version: manifestVersion, Namespace: c.Group.Namespace, Name: c.Group.Name, Epoch: c.Epoch, ID: c.ID, Time: c.Time,
		Cluster: c.Cluster, Volumes: len(c.Content.Volumes), Objects: len(c.Content.Objects), Files: map[string]File{},
	}
	for name, part := range map[string]any{VolumesFile: volumesPart{c.Content.Volumes, c.Content.Replication}, ObjectsFile: objectsPart{c.Content.Objects, c.Content.Gone}} {
		data, err := pack(part)
		if err != nil {
			return nil, fmt.Errorf("encoding %s of capture %s: %w", name, c.Ref, err)
		}
		s.files[name] = data
		m.Files[name] = File{Size: len(data), SHA256: Digest(data)}
	}
	var err error
	if s.manifest, err = m.encode(); err != nil {
		return nil, fmt.Errorf("encoding the manifest of capture %s: %w", c.Ref, err)
	}
	s.Digest = Digest(s.manifest)
	return s, nil
}
