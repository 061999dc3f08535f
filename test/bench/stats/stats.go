// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package stats sums up what the benchmarks measure.
package stats

import (
	"math"
	"slices"
	"time"
)

// Distribution is a set of durations, sorted.
type Distribution []time.Duration

// New returns the distribution of durations.
func New(durations []time.Duration) Distribution {
	sorted := slices.Clone(durations)
	slices.Sort(sorted)
	return sorted
}

// Percentile is the smallest duration that at least p percent are not longer than; 0 if there is none.
func (d Distribution) Percentile(p float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(d))))
	return d[min(max(rank, 1), len(d))-1]
}

// First is the shortest duration.
func (d Distribution) First() time.Duration { return d.Percentile(0) }

// Last is the longest duration.
func (d Distribution) Last() time.Duration { return d.Percentile(100) }
