// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/storage"
)

// currentVersion returns a resourceVersion newer than everything written before, to which watches get. If the hub does not
// take writes, it returns the newest there is.
func (c *Client) currentVersion(ctx context.Context) (uint64, error) {
	version, err := c.progress.Make(ctx)
	if err == nil || ctx.Err() != nil {
		return version, err
	}
	list, listErr := c.list(ctx, metav1.ListOptions{Limit: 1})
	if listErr != nil {
		return 0, err
	}
	return strconv.ParseUint(list.ResourceVersion, 10, 64)
}

// GetCurrentResourceVersion returns a resourceVersion newer than everything written before. It makes watches get to it, so
// that who waits for one to be that far does not wait in vain.
func (s *store) GetCurrentResourceVersion(ctx context.Context) (uint64, error) {
	version, err := s.client.currentVersion(ctx)
	return version, hubError(err)
}

// RequestWatchProgress makes watches tell how far they are.
func (s *store) RequestWatchProgress(ctx context.Context) error {
	_, err := s.client.progress.Make(ctx)
	return hubError(err)
}

// CompactRevision returns 0, for not known: what the hub has forgotten it tells who asks for it.
func (s *store) CompactRevision() int64 { return 0 }

// EnableResourceSizeEstimation takes what lists the keys. It is asked how many there are; sizes are not estimated.
func (s *store) EnableResourceSizeEstimation(keys storage.KeysFunc) error {
	if keys == nil {
		return errors.New("the function that lists the keys is nil")
	}
	s.keys.Store(&keys)
	return nil
}

// Stats returns the number of objects.
func (s *store) Stats(ctx context.Context) (storage.Stats, error) {
	if keys := s.keys.Load(); keys != nil {
		all, err := (*keys)(ctx)
		return storage.Stats{ObjectCount: int64(len(all))}, err
	}
	records, _, err := s.records(ctx, s.resourcePrefix, true, 0)
	return storage.Stats{ObjectCount: int64(len(records))}, hubError(err)
}
