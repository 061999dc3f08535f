// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

// arrayRole is what an array takes a volume for. Only a copy refuses writes.
type arrayRole uint8

const (
	arrayNone arrayRole = iota
	arrayStandalone
	arrayPrimary
	arraySecondary
)

// records are what a volume holds: each written at its own time, which is its number.
type records struct {
	n  uint8
	at [maxRecords]uint8
}

func (r records) prefixOf(other records) bool {
	if r.n > other.n {
		return false
	}
	for i := range r.n {
		if r.at[i] != other.at[i] {
			return false
		}
	}
	return true
}

func (r records) add(time uint8) records {
	r.at[r.n] = time
	r.n++
	return r
}

// set is which records there are, a bit each; until leaves out those written after a time.
func (r records) set() recordSet { return r.until(maxRecords) }

func (r records) until(time uint8) recordSet {
	var set recordSet
	for i := range r.n {
		if r.at[i] <= time {
			set |= 1 << r.at[i]
		}
	}
	return set
}

// recordSet has a bit for each record.
type recordSet uint8

// side is one cluster's part of a replicated volume.
type side struct {
	role arrayRole
	data records
	// generation counts promotions: who has the higher one was promoted later.
	generation uint8
	// undelivered is true for a demoted volume whose last snapshot the peer does not have yet, diverged for a copy that
	// holds what its primary does not.
	undelivered, diverged bool
	// synced is one more than the time up to which the peer has everything; 0 if it never had.
	synced uint8
}

func (s side) writable() bool { return s.role == arrayStandalone || s.role == arrayPrimary }

func (s side) copies() bool { return s.role == arraySecondary || s.role == arrayNone }

// volume is both sides of a volume. It does not fence: a primary stays writable until it is demoted, whoever else was
// promoted meanwhile. That is the worst that storage does.
type volume [clusters]side

// enable makes a volume replicated.
func (v *volume) enable(c int) bool {
	if v[c].role == arrayStandalone {
		v[c].role, v[c].synced = arrayPrimary, 0
	}
	return v[c].role != arrayNone
}

// promote makes a side primary by force, as csi-addons does in the end.
func (v *volume) promote(c int) bool {
	s := &v[c]
	switch s.role {
	case arraySecondary:
		s.generation = max(s.generation, v[1-c].generation) + 1
		s.role, s.undelivered, s.diverged, s.synced = arrayPrimary, false, false, 0
		return true
	case arrayPrimary:
		s.generation = max(s.generation, v[1-c].generation)
		return true
	}
	return false
}

// demote makes a side a copy whose last snapshot is still to be delivered.
func (v *volume) demote(c int) bool {
	s := &v[c]
	if s.role == arrayPrimary {
		s.role, s.undelivered, s.synced = arraySecondary, true, 0
	}
	return s.role == arraySecondary
}

func (v *volume) disable(c int) {
	if v[c].role == arrayPrimary {
		v[c].role, v[c].synced = arrayStandalone, 0
	}
}

// deliver brings the peer's copy up to a side's bytes, if it may have them.
func (v *volume) deliver(c int) bool {
	from, to := v[c], &v[1-c]
	if !to.copies() || from.generation < to.generation || !to.data.prefixOf(from.data) || to.diverged || to.undelivered {
		return false
	}
	to.role, to.data, to.generation = arraySecondary, from.data, from.generation
	return true
}

// replicate ships a snapshot of a primary, or the last one of a demoted volume.
func (v *volume) replicate(c int, clock uint8) {
	s := &v[c]
	switch {
	case s.role == arrayPrimary && v.deliver(c):
		s.synced = clock + 1
	case s.role == arraySecondary && s.undelivered && v.deliver(c):
		s.undelivered = false
	}
}

// resync brings a copy up to date with its primary and tells whether it is; ok is false if it cannot be.
func (v *volume) resync(c int, force, linked bool) (ready, ok bool) {
	own, peer := &v[c], v[1-c]
	switch {
	case own.role != arraySecondary:
		return false, false
	case !linked:
		return !own.undelivered && !own.diverged, true
	case peer.role == arrayPrimary:
		return v.pull(c, force)
	case peer.role == arrayStandalone:
		return false, false
	case own.undelivered && own.generation >= peer.generation:
		if v.deliver(c) {
			own.undelivered = false
		}
		return !own.undelivered, true
	case peer.role == arrayNone || own.diverged:
		return false, false
	}
	return peer.data.prefixOf(own.data), true
}

func (v *volume) pull(c int, force bool) (ready, ok bool) {
	own, peer := &v[c], v[1-c]
	if own.generation > peer.generation && !force {
		return false, true
	}
	if !force && (own.diverged || !own.data.prefixOf(peer.data)) {
		own.diverged = true
		return false, false
	}
	own.data, own.generation, own.diverged, own.undelivered = peer.data, peer.generation, false, false
	return true, true
}
