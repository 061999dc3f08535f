// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"slices"
	"time"
)

// distribution is a set of durations, sorted.
type distribution []time.Duration

func newDistribution(durations []time.Duration) distribution {
	sorted := slices.Clone(durations)
	slices.Sort(sorted)
	return sorted
}

// percentile is the smallest duration that at least p percent are not longer than; 0 if there is none.
func (d distribution) percentile(p float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(d))))
	return d[min(max(rank, 1), len(d))-1]
}

func (d distribution) first() time.Duration { return d.percentile(0) }

func (d distribution) last() time.Duration { return d.percentile(100) }
