// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"context"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"k8s.io/klog/v2"
)

const (
	// spaceInterval is how often is looked at how much space is left.
	spaceInterval = 5 * time.Second
	// spaceTimeout bounds what is then done, but for the defragmentation, which nobody can interrupt.
	spaceTimeout = time.Minute
)

// space is how much the database takes.
type space struct {
	// size is that of the file, which etcd never makes smaller by itself, and inUse what of it is not free.
	size, inUse, quota int64
	// refused says that a write has been refused because the quota was reached: then all are, until the alarm is lifted.
	refused bool
}

// fits tells whether so many bytes leave room for more. Right at the quota the next write would raise the alarm again.
func (s space) fits(bytes int64) bool { return bytes < s.quota/10*9 }

// wasteful tells whether most of a file that has grown large is free.
func (s space) wasteful() bool { return s.size > s.quota/2 && s.inUse < s.size/2 }

// keepSpace gives back what old revisions and deleted objects have taken, so that a database that is full of them takes
// writes again by itself. That is what an operator does with an etcd of several members; here there is none.
func (s *Server) keepSpace(ctx context.Context) {
	ticker := time.NewTicker(spaceInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.makeSpace(ctx); err != nil && ctx.Err() == nil {
				klog.ErrorS(err, "The embedded etcd could not make space")
			}
		}
	}
}

func (s *Server) makeSpace(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, spaceTimeout)
	defer cancel()
	now := s.space()
	if now.refused {
		if err := s.forgetHistory(ctx); err != nil {
			return err
		}
		now = s.space()
	}
	if now.wasteful() || now.refused && !now.fits(now.size) && now.fits(now.inUse) {
		klog.InfoS("Defragmenting the embedded etcd", "bytes", now.size, "inUse", now.inUse)
		if err := s.etcd.Server.Backend().Defrag(); err != nil {
			return err
		}
		now = s.space()
	}
	switch {
	case !now.refused:
		return nil
	case now.fits(now.size):
		klog.InfoS("The embedded etcd has space again and takes writes", "bytes", now.size, "quota", now.quota)
		return s.takeWrites(ctx)
	}
	klog.InfoS("The embedded etcd is full and refuses writes; delete objects, or give --quota-backend-bytes more", "inUse", now.inUse, "quota", now.quota)
	return nil
}

func (s *Server) space() space {
	backend := s.etcd.Server.Backend()
	now := space{size: backend.Size(), inUse: backend.SizeInUse(), quota: s.etcd.Server.Cfg.QuotaBackendBytes}
	for _, alarm := range s.etcd.Server.Alarms() {
		now.refused = now.refused || alarm.Alarm == etcdserverpb.AlarmType_NOSPACE
	}
	return now
}

// forgetHistory drops all revisions but the newest. Watches that are behind have to list again.
func (s *Server) forgetHistory(ctx context.Context) error {
	newest := s.etcd.Server.KV().Rev()
	if s.compacted == newest {
		return nil
	}
	if _, err := s.etcd.Server.Compact(ctx, &etcdserverpb.CompactionRequest{Revision: newest, Physical: true}); err != nil {
		return err
	}
	s.compacted = newest
	return nil
}

func (s *Server) takeWrites(ctx context.Context) error {
	_, err := s.etcd.Server.Alarm(ctx, &etcdserverpb.AlarmRequest{
		Action: etcdserverpb.AlarmRequest_DEACTIVATE, MemberID: uint64(s.etcd.Server.MemberID()), Alarm: etcdserverpb.AlarmType_NOSPACE,
	})
	return err
}
