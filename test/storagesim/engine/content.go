// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// BlockSize is the size of the blocks that the contents of two volumes are compared by.
const BlockSize = 4 << 10

// Content describes what a volume holds, as whoever mounts it could find out.
type Content struct {
	Origin     string        `json:"origin"`
	Generation int64         `json:"generation"`
	History    []layout.Term `json:"history"`
	Size       int64         `json:"size"`
	// Blocks are the hashes of its blocks.
	Blocks []uint64 `json:"blocks"`
}

// Content describes what a volume holds now.
func (e *Engine) Content(handle string) (Content, error) {
	v, err := e.volume(handle)
	if err != nil {
		return Content{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.content(v.size)
}

// content describes the first size bytes; the caller holds the lock.
func (v *volume) content(size int64) (Content, error) {
	c := Content{Origin: v.meta.Lineage(), Generation: v.meta.Generation, History: slices.Clone(v.meta.History), Size: size}
	block := make([]byte, BlockSize)
	for at := int64(0); at < size; at += BlockSize {
		piece := block[:min(BlockSize, size-at)]
		if _, err := v.file.ReadAt(piece, at); err != nil {
			return Content{}, fmt.Errorf("volume %s: %w", v.handle, err)
		}
		h := fnv.New64a()
		_, _ = h.Write(piece)
		c.Blocks = append(c.Blocks, h.Sum64())
	}
	return c, nil
}

// ReadContent reads some bytes of a volume.
func (e *Engine) ReadContent(handle string, offset, length int64) ([]byte, error) {
	v, err := e.volume(handle)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	piece := make([]byte, length)
	_, err = v.file.ReadAt(piece, offset)
	return piece, err
}

// WriteContent writes some bytes into a volume, in place: whoever looks at the volume sees them at once.
func (e *Engine) WriteContent(ctx context.Context, handle string, offset int64, piece []byte) error {
	v, err := e.volume(handle)
	if err != nil {
		return err
	}
	if err := e.at(ctx, "mover-piece.before", v); err != nil {
		return err
	}
	if err := v.writePiece(ctx, offset, piece); err != nil {
		return err
	}
	return e.at(ctx, "mover-piece.after", v)
}

func (v *volume) writePiece(ctx context.Context, offset int64, piece []byte) error {
	v.inPlace.Lock()
	defer v.inPlace.Unlock()
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.beginIncoming(ctx); err != nil {
		return err
	}
	if _, err := v.file.WriteAt(piece, offset); err != nil {
		return err
	}
	v.size = max(v.size, offset+int64(len(piece)))
	return nil
}

// beginIncoming remembers that what the volume holds is not whole any more; the caller holds the lock.
func (v *volume) beginIncoming(ctx context.Context) error {
	if !v.writable() || v.e.dead.Load() {
		return fmt.Errorf("%w: %s", ErrReadOnly, v.handle)
	}
	if v.meta.Incoming && v.meta.Size == 0 {
		return nil
	}
	return v.change(ctx, true, func(m *layout.Meta) { m.Incoming, m.Size = true, 0 })
}

// FinishContent ends the writing of a volume that shall hold the same as another one now. Its writers will continue in a
// generation of their own.
func (e *Engine) FinishContent(ctx context.Context, handle, from string, of Content) error {
	v, err := e.volume(handle)
	if err != nil {
		return err
	}
	if err := e.at(ctx, "mover-finish.before", v); err != nil {
		return err
	}
	if err := v.finishContent(ctx, from, of); err != nil {
		return err
	}
	return e.at(ctx, "mover-finish.after", v)
}

func (v *volume) finishContent(ctx context.Context, from string, of Content) error {
	v.inPlace.Lock()
	defer v.inPlace.Unlock()
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.beginIncoming(ctx); err != nil {
		return err
	}
	if v.size < of.Size {
		return preconditionf("volume %s holds %d bytes of %d", v.handle, v.size, of.Size)
	}
	held, err := v.content(of.Size)
	if err != nil {
		return err
	}
	if !slices.Equal(held.Blocks, of.Blocks) {
		return preconditionf("volume %s does not hold what %s has sent", v.handle, from)
	}
	if err := v.file.Truncate(of.Size); err != nil {
		return err
	}
	if v.e.opts.Durable {
		if err := v.file.Sync(); err != nil {
			return err
		}
	}
	return v.takeOver(ctx, from, of)
}

// takeOver makes the metadata that of a volume which goes on from another one; the caller holds the lock.
func (v *volume) takeOver(ctx context.Context, from string, of Content) error {
	size, seq, err := layout.Tail(layout.RecordsPath(v.e.opts.Dir, &v.meta), of.Size)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	v.size, v.seq = size, seq
	return v.change(ctx, true, func(m *layout.Meta) {
		// One in which nobody has written here yet, or a record that it held before could be taken for one that it gets.
		m.Generation = max(m.Generation, of.Generation) + 1
		m.Origin, m.Size = of.Origin, size
		m.History = append(slices.Clone(of.History), layout.Term{Generation: m.Generation, Cluster: v.e.opts.Cluster, Start: size})
		m.Received = &layout.Received{From: from, Time: time.Now()}
	})
}
