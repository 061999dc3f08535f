// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// PeerState is what one array tells the other of its copy of a volume.
type PeerState struct {
	Handle     string        `json:"handle"`
	Cluster    string        `json:"cluster"`
	Exists     bool          `json:"exists"`
	Role       layout.Role   `json:"role,omitempty"`
	Generation int64         `json:"generation,omitempty"`
	History    []layout.Term `json:"history,omitempty"`
	Size       int64         `json:"size,omitempty"`
	// MayWrite is false of secondaries and of primaries that were superseded.
	MayWrite bool `json:"mayWrite,omitempty"`
	Diverged bool `json:"diverged,omitempty"`
	// Yields says that the copy gives up what it wrote as primary: whom it was promoted over may write again.
	Yields bool `json:"yields,omitempty"`
}

// Snapshot describes a volume at a point in time, and which of its bytes follow.
type Snapshot struct {
	Handle     string        `json:"handle"`
	Origin     string        `json:"origin,omitempty"`
	From       string        `json:"from"`
	Claim      layout.Claim  `json:"claim"`
	Capacity   int64         `json:"capacity"`
	Generation int64         `json:"generation"`
	History    []layout.Term `json:"history"`
	// Time it was taken: everything acknowledged up to then is in it.
	Time time.Time `json:"time"`
	// Final snapshots are taken by a demotion.
	Final bool `json:"final,omitempty"`
	// Base is the offset of the first byte that follows, Size that of the last one plus 1.
	Base int64 `json:"base"`
	Size int64 `json:"size"`
	// Full snapshots replace whatever the receiver has.
	Full bool `json:"full,omitempty"`
}

// extends says whether the copy (size, history) is a prefix of another: whatever it holds, the other holds too. The last
// term that wrote to it is enough to look at, because a term is written by one cluster, once.
func extends(history []layout.Term, size int64, of []layout.Term, ofSize int64) bool {
	last := lastTerm(history, size)
	if last == nil {
		return true
	}
	for i, t := range of {
		if t != *last {
			continue
		}
		end := ofSize
		if i+1 < len(of) {
			end = of[i+1].Start
		}
		return size <= end
	}
	return false
}

// lastTerm is the term that wrote the last byte, nil if there is none.
func lastTerm(history []layout.Term, size int64) *layout.Term {
	for i := len(history) - 1; i >= 0; i-- {
		if history[i].Start < size {
			return &history[i]
		}
	}
	return nil
}

// outranks says whether the peer was promoted over a copy of that generation. Whoever comes back gives way to an equal
// too: both promoted each other away, and only a person can say whose data counts.
func outranks(peer PeerState, generation int64, comingBack bool) bool {
	if !peer.Exists {
		return false
	}
	return peer.Generation > generation || (comingBack && peer.MayWrite && peer.Generation == generation)
}

// shipment is how a primary's snapshot gets to the peer.
type shipment int

const (
	shipDelta shipment = iota
	shipFull
	// shipSuperseded: the peer was promoted over us.
	shipSuperseded
	// shipWriter: the peer is not demoted yet.
	shipWriter
	// shipDiverged: the peer holds bytes that we don't, and must be resynced by force.
	shipDiverged
)

// route decides how a snapshot of a volume gets to a peer in that state.
func route(m *layout.Meta, size int64, peer PeerState) shipment {
	switch {
	case !peer.Exists:
		return shipFull
	case peer.Generation > m.Generation:
		return shipSuperseded
	case peer.Role != layout.Secondary:
		return shipWriter
	case peer.Diverged, !extends(peer.History, peer.Size, m.History, size):
		return shipDiverged
	default:
		return shipDelta
	}
}

// judge decides whether a receiver takes a snapshot in.
func judge(local *layout.Meta, size int64, s Snapshot) error {
	switch {
	case local == nil && !s.Full:
		return refusedf("volume %s has no copy here to extend: send it in full", s.Handle)
	case local == nil:
		return nil
	case s.Generation < local.Generation:
		return refusedf("volume %s is at generation %d here, the snapshot is of %d", s.Handle, local.Generation, s.Generation)
	case local.Role != layout.Secondary:
		return refusedf("volume %s is %s here: demote it before it can take snapshots in", s.Handle, local.Role)
	case olderThan(s, local):
		return refusedf("volume %s holds a later snapshot here, of %s", s.Handle, local.Received.Time)
	case s.Full:
		return nil
	case !extends(local.History, size, s.History, s.Size):
		return errDiverged
	case s.Base != size:
		return refusedf("volume %s holds %d bytes here, the snapshot begins at %d", s.Handle, size, s.Base)
	}
	return nil
}

// olderThan says whether a copy holds a later snapshot of the same primary: one that a resync fetched while this one was on
// its way. It tells nothing about the copy, least of all that it has diverged.
func olderThan(s Snapshot, local *layout.Meta) bool {
	r := local.Received
	return r != nil && !local.Diverged && r.From == s.From && local.Generation == s.Generation && s.Time.Before(r.Time)
}

// promotable decides whether a copy may become primary without force. peer is nil if it can't be reached.
func promotable(m *layout.Meta, size int64, peer *PeerState) error {
	if m.Diverged {
		return preconditionf("volume %s has diverged from its peer: resync it, or promote it by force to keep its data", m.Handle)
	}
	if m.SupersededBy != 0 {
		return preconditionf("volume %s was promoted on the peer (generation %d, here %d): resync it first",
			m.Handle, m.SupersededBy, m.Generation)
	}
	if peer == nil {
		return promotableAlone(m)
	}
	switch {
	case !peer.Exists:
		return nil
	case peer.MayWrite:
		return preconditionf("volume %s is still %s on %s: demote it there first", m.Handle, peer.Role, peer.Cluster)
	case peer.Generation > m.Generation:
		return preconditionf("volume %s was promoted on %s meanwhile (generation %d, here %d): resync it first",
			m.Handle, peer.Cluster, peer.Generation, m.Generation)
	case !extends(peer.History, peer.Size, m.History, size):
		return preconditionf("volume %s: the last snapshot of %s has not arrived completely: %d bytes here, %d there",
			m.Handle, peer.Cluster, size, peer.Size)
	}
	return nil
}

// promotableAlone decides from what the peer was known to be.
func promotableAlone(m *layout.Meta) error {
	switch {
	case m.Final != nil && !m.Final.Delivered:
		return nil // the peer can't have been promoted without force: it lacks our last snapshot
	case m.Final != nil:
		return preconditionf("volume %s was handed over and the peer can't be asked whether it was promoted", m.Handle)
	case m.Received != nil && m.Received.Final:
		return nil
	default:
		return preconditionf("volume %s: the peer can't be reached and was primary when last heard of", m.Handle)
	}
}
