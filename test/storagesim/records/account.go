// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package records

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// account counts the records of one volume.
func account(key volumeKey, acks []layout.Record, copies []held) Volume {
	v := Volume{
		Claim: key.claim, Handle: key.handle, Acknowledged: len(acks), Deleted: len(copies) == 0, Copies: []Copy{},
		Writers: writers(acks),
	}
	v.Overlaps = overlaps(acks, v.Writers)
	newest, writable := primary(copies)
	for i := range copies {
		survivors := keys(copies[i].records)
		lost := missing(acks, survivors)
		c := describe(&copies[i])
		c.Surviving = len(acks) - lost.Count
		v.Copies = append(v.Copies, c)
		if i == newest {
			v.Lost, v.ComparedWith = lost, copies[i].cluster
		}
	}
	if writable {
		v.Primary = v.ComparedWith
	}
	return v
}

// primary finds the copy that is the primary, or without one that which was promoted last and holds most; -1 if there is
// no copy.
func primary(copies []held) (index int, writable bool) {
	index = -1
	for i := range copies {
		if index < 0 || slices.Compare(copies[i].rank(), copies[index].rank()) > 0 {
			index = i
		}
	}
	return index, index >= 0 && copies[index].meta.MayWrite() && !copies[index].meta.Incoming
}

// rank orders copies: writable ones before what movers bring in, and that before read-only ones; then by generation, then by
// how much they hold.
func (h *held) rank() []int64 {
	writable := int64(0)
	switch {
	case h.meta.MayWrite() && !h.meta.Incoming:
		writable = 2
	case h.meta.MayWrite():
		writable = 1
	}
	return []int64{writable, h.meta.Generation, int64(len(h.records))}
}

func describe(c *held) Copy {
	d := Copy{
		Cluster: c.cluster, Handle: c.meta.Handle, Role: string(c.meta.Role), Generation: c.meta.Generation, Records: len(c.records),
	}
	switch {
	case c.meta.LastSync != nil:
		d.LastSyncTime = &c.meta.LastSync.Time
	case c.meta.Received != nil:
		d.LastSyncTime = &c.meta.Received.Time
	}
	return d
}

func keys(records []layout.Record) map[layout.Key]bool {
	set := make(map[layout.Key]bool, len(records))
	for i := range records {
		set[records[i].Key()] = true
	}
	return set
}

// missing counts the acknowledged records that did not survive.
func missing(acks []layout.Record, survivors map[layout.Key]bool) Loss {
	var l Loss
	for i := range acks {
		if survivors[acks[i].Key()] {
			continue
		}
		l.Count++
		l.Records = append(l.Records, acks[i])
		at := acks[i].Time
		if l.FirstTime == nil || at.Before(*l.FirstTime) {
			l.FirstTime = &at
		}
		if l.LastTime == nil || at.After(*l.LastTime) {
			l.LastTime = &at
		}
	}
	return l
}

// writers finds who wrote when.
func writers(acks []layout.Record) []Writer {
	type term struct {
		cluster    string
		generation int64
	}
	terms := map[term]*Writer{}
	for i := range acks {
		r := &acks[i]
		key := term{r.Cluster, r.Generation}
		w, ok := terms[key]
		if !ok {
			w = &Writer{Cluster: r.Cluster, Generation: r.Generation, FirstTime: r.Time, LastTime: r.Time}
			terms[key] = w
		}
		w.Count++
		w.FirstTime, w.LastTime = earlier(w.FirstTime, r.Time), later(w.LastTime, r.Time)
	}
	all := make([]Writer, 0, len(terms))
	for _, w := range terms {
		all = append(all, *w)
	}
	slices.SortFunc(all, func(a, b Writer) int {
		return cmp.Or(a.FirstTime.Compare(b.FirstTime), strings.Compare(a.Cluster, b.Cluster))
	})
	return all
}

// overlaps finds the times when two clusters were writing. A generation is written by one cluster from its first to its
// last record, pauses included: whoever goes on in an old generation after another cluster began overlaps with it.
func overlaps(acks []layout.Record, writers []Writer) []Overlap {
	found := []Overlap{}
	for i := range writers {
		for j := i + 1; j < len(writers); j++ {
			a, b := &writers[i], &writers[j]
			first, last := later(a.FirstTime, b.FirstTime), earlier(a.LastTime, b.LastTime)
			if a.Cluster == b.Cluster || last.Before(first) {
				continue
			}
			found = append(found, Overlap{
				Clusters: [2]string{a.Cluster, b.Cluster}, Generations: [2]int64{a.Generation, b.Generation},
				FirstTime: first, LastTime: last, Records: within(acks, first, last),
			})
		}
	}
	return found
}

func within(acks []layout.Record, first, last time.Time) int {
	n := 0
	for i := range acks {
		if !acks[i].Time.Before(first) && !acks[i].Time.After(last) {
			n++
		}
	}
	return n
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
