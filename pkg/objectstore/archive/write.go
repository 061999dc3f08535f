// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/ramendr/dr-apiserver/pkg/objectstore"
)

// Put writes a capture to one store: its files at once, then the manifest that makes it complete.
func Put(ctx context.Context, store objectstore.Store, s *Sealed) error {
	files, filesCtx := errgroup.WithContext(ctx)
	for name, data := range s.files {
		files.Go(func() error {
			err := store.Put(filesCtx, s.Group.key(s.Ref, name), data)
			filePut.Hit(s.Group.Namespace)
			return err
		})
	}
	if err := files.Wait(); err != nil {
		return err
	}
	manifestPut.Hit(s.Group.Namespace)
	return store.Put(ctx, s.Group.key(s.Ref, manifestFile), s.manifest)
}

// keepOfEpoch is how many complete captures of the current epoch are kept.
const keepOfEpoch = 2

// Prune deletes what is no longer needed after a capture was put in epoch: all but the last two complete captures of
// that epoch and the last of the one before. What a later epoch wrote is left alone.
func Prune(ctx context.Context, store objectstore.Store, g Group, epoch int64) error {
	keys, err := store.List(ctx, g.prefix())
	if err != nil {
		return err
	}
	return store.Delete(ctx, superfluous(g, keys, epoch)...)
}

// superfluous picks the keys to delete. A capture without a manifest is deleted once a later one is complete: until then
// it may be one that is being written. Manifests come first, so that a capture is never half there with one.
func superfluous(g Group, keys []string, epoch int64) []string {
	complete := completeRefs(g, keys)
	keep := map[Ref]bool{}
	kept, before := 0, false
	for _, r := range complete {
		switch {
		case r.Epoch > epoch:
			keep[r] = true
		case r.Epoch == epoch && kept < keepOfEpoch:
			keep[r], kept = true, kept+1
		case r.Epoch < epoch && !before:
			keep[r], before = true, true
		}
	}
	var manifests, files []string
	for _, key := range keys {
		r, file, ok := g.parseKey(key)
		beingWritten := len(complete) == 0 || r.Compare(complete[0]) > 0
		switch {
		case !ok || keep[r] || beingWritten || r.Epoch > epoch:
		case file == manifestFile:
			manifests = append(manifests, key)
		default:
			files = append(files, key)
		}
	}
	return append(manifests, files...)
}

// Clear deletes every capture of a group.
func Clear(ctx context.Context, store objectstore.Store, g Group) error {
	keys, err := store.List(ctx, g.prefix())
	if err != nil {
		return err
	}
	return store.Delete(ctx, keys...)
}

// completeRefs returns the captures that have a manifest, the newest first.
func completeRefs(g Group, keys []string) []Ref {
	var refs []Ref
	for _, key := range keys {
		if r, file, ok := g.parseKey(key); ok && file == manifestFile {
			refs = append(refs, r)
		}
	}
	slices.SortFunc(refs, func(a, b Ref) int { return b.Compare(a) })
	return refs
}
