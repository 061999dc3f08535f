// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// CreateFromSnapshot makes a volume that goes on from a snapshot. Making it again changes nothing.
func (e *Engine) CreateFromSnapshot(ctx context.Context, handle string, capacity int64, claim layout.Claim, id string) error {
	s, set := e.FindSnapshot(id)
	if s == nil {
		return fmt.Errorf("%w: there is no snapshot %s", ErrNotFound, id)
	}
	if s.Capacity > capacity {
		return fmt.Errorf("%w: volume %s of %d bytes can't hold snapshot %s of %d", ErrInvalid, handle, capacity, id, s.Capacity)
	}
	path := layout.SnapshotPath(e.opts.Dir, set.ID, slices.IndexFunc(set.Snapshots, func(o layout.Snapshot) bool { return o.ID == id }))
	return e.createFilled(ctx, &layout.Meta{Handle: handle, Capacity: capacity, Claim: claim}, s, func(f *os.File) error {
		from, err := os.Open(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, from)
		return errors.Join(err, from.Close())
	})
}

// CreateFromVolume makes a volume that goes on from what another one holds now.
func (e *Engine) CreateFromVolume(ctx context.Context, handle string, capacity int64, claim layout.Claim, of string) error {
	v, err := e.volume(of)
	if err != nil {
		return err
	}
	v.mu.Lock()
	s := &layout.Snapshot{
		Origin: v.meta.Lineage(), Capacity: v.meta.Capacity, Generation: v.meta.Generation,
		History: slices.Clone(v.meta.History), Size: v.size,
	}
	raw := make([]byte, v.size)
	_, err = v.file.ReadAt(raw, 0)
	v.mu.Unlock()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return e.createFilled(ctx, &layout.Meta{Handle: handle, Capacity: capacity, Claim: claim}, s, func(f *os.File) error {
		_, err := f.Write(raw)
		return err
	})
}

// createFilled makes a volume with the bytes of a snapshot, which its writers continue in a generation of their own.
func (e *Engine) createFilled(ctx context.Context, m *layout.Meta, s *layout.Snapshot, write func(*os.File) error) error {
	m.Origin, m.Size, m.Role = s.Origin, s.Size, layout.Standalone
	m.Generation = s.Generation + 1
	m.History = append(slices.Clone(s.History), layout.Term{Generation: m.Generation, Cluster: e.opts.Cluster, Start: s.Size})
	return e.create(ctx, "restore", m, write)
}
