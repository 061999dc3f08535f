// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// CreateShared makes an empty volume on the storage that other clusters reach too.
func (e *Engine) CreateShared(ctx context.Context, handle string, capacity int64, claim layout.Claim) error {
	if e.opts.Shared == nil {
		return fmt.Errorf("%w: there is no shared storage", ErrInvalid)
	}
	at := faults.Volume{Handle: handle, Namespace: claim.Namespace}
	if err := e.opts.Faults.At(ctx, "provision.before", at); err != nil {
		return err
	}
	if err := e.opts.Shared.Create(handle, capacity, claim); err != nil {
		return err
	}
	return e.opts.Faults.At(ctx, "provision.after", at)
}

// onShared says whether all these volumes are on shared storage.
func (e *Engine) onShared(handles []string) bool {
	return e.opts.Shared != nil && !slices.ContainsFunc(handles, func(h string) bool { return !e.opts.Shared.Has(h) })
}

// appendShared writes a record to each of several volumes, one after the other.
func (e *Engine) appendShared(ctx context.Context, handles []string, pod string) ([]layout.Record, error) {
	var records []layout.Record
	for _, handle := range slices.Compact(slices.Sorted(slices.Values(handles))) {
		at := e.concern(handle)
		if err := e.opts.Faults.At(ctx, "write.before", at); err != nil {
			return nil, err
		}
		r, err := e.opts.Shared.Append(handle, pod)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrReadOnly, err)
		}
		if err := e.opts.Faults.At(ctx, "write.after", at); err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// fenced says whether storage refuses this cluster's nodes. Its own array obeys the same list.
func (e *Engine) fenced() bool {
	if e.opts.Shared == nil {
		return false
	}
	fenced, err := e.opts.Shared.Fenced()
	return fenced || err != nil
}
