// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

func checkCaptures(history []Entry) (out []Violation) {
	for _, e := range history {
		if e.Kind == KindCapture && e.Error != "" {
			out = append(out, Violation{promiseCapture, fmt.Sprintf("%s: %s: %s", e.App, e.What, e.Error)})
		}
	}
	return out
}

// checkWrites has no read give less than what was acknowledged before it began.
func checkWrites(history []Entry) (out []Violation) {
	acknowledged := []Entry{}
	for _, e := range history {
		switch e.Kind {
		case KindWrite:
			if e.Answer == Accepted {
				acknowledged = append(acknowledged, e)
			}
		case KindRead:
			for _, w := range acknowledged {
				if w.Time.Before(*e.Began) && w.Number > e.Number {
					out = append(out, Violation{promiseWrite, fmt.Sprintf("write %d was acknowledged at %s, and a read at %s gave %d",
						w.Number, w.Time.Format(time.RFC3339Nano), e.Time.Format(time.RFC3339Nano), e.Number)})
					break
				}
			}
		}
	}
	return out
}

// checkWatches has each watch see every acknowledged write between the first and the last that it saw, in their order.
func checkWatches(history []Entry) (out []Violation) {
	acknowledged, sessions := map[int64]bool{}, map[int][]int64{}
	for _, e := range history {
		switch e.Kind {
		case KindWrite:
			acknowledged[e.Number] = acknowledged[e.Number] || e.Answer == Accepted
		case KindSeen:
			sessions[e.Session] = append(sessions[e.Session], e.Number)
		}
	}
	for _, session := range slices.Sorted(maps.Keys(sessions)) {
		seen := sessions[session]
		if !slices.IsSorted(seen) {
			out = append(out, Violation{promiseWatch, fmt.Sprintf("watch %d saw writes out of their order: %v", session, seen)})
			continue
		}
		for n := seen[0]; n <= seen[len(seen)-1]; n++ {
			if _, there := slices.BinarySearch(seen, n); !there && acknowledged[n] {
				out = append(out, Violation{promiseWatch, fmt.Sprintf("watch %d saw write %d and later ones but not %d, which was acknowledged", session, seen[0], n)})
			}
		}
	}
	return out
}
