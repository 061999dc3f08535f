// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// lateAfter is how many intervals a snapshot may be old before the replication counts as degraded.
const lateAfter = 3

// info is how the replication is doing at a time.
func (v *volume) info(now time.Time) (Info, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch v.meta.Role {
	case layout.Standalone:
		return Info{}, fmt.Errorf("%w: volume %s is not replicated", ErrNotFound, v.handle)
	case layout.Secondary:
		return secondaryInfo(&v.meta), nil
	}
	return primaryInfo(&v.meta, v.syncErr, now), nil
}

func secondaryInfo(m *layout.Meta) Info {
	info := Info{Health: Healthy, Message: "copy of the peer's volume"}
	if m.Received != nil {
		info.LastSync = &layout.Sync{Time: m.Received.Time}
	}
	switch {
	case m.Diverged:
		info.Health, info.Message = Broken, "the copy holds bytes that the primary does not: resync it by force"
	case m.Final != nil && !m.Final.Delivered:
		info.Health, info.Message = Degraded, "the last snapshot has not arrived at the peer"
	}
	return info
}

func primaryInfo(m *layout.Meta, syncErr error, now time.Time) Info {
	info := Info{LastSync: m.LastSync, Health: Healthy, Message: "snapshots are delivered"}
	switch {
	case m.SupersededBy != 0:
		info.Health = Broken
		info.Message = fmt.Sprintf("the peer was promoted (generation %d, here %d)", m.SupersededBy, m.Generation)
	case syncErr != nil:
		info.Health, info.Message = Degraded, syncErr.Error()
	case m.LastSync == nil:
		info.Health, info.Message = HealthUnknown, "no snapshot was delivered yet"
	case now.Sub(m.LastSync.Time) > lateAfter*m.SyncInterval+time.Second:
		info.Health = Degraded
		info.Message = fmt.Sprintf("the last snapshot delivered is of %s", m.LastSync.Time.Format(time.RFC3339))
	}
	return info
}
