// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"testing"
	"time"
)

func TestPercentiles(t *testing.T) {
	upTo := func(n int) []time.Duration {
		durations := make([]time.Duration, n)
		for i := range durations {
			durations[i] = time.Duration(n - i)
		}
		return durations
	}
	tests := map[string]struct {
		durations            []time.Duration
		first, p50, p99, end time.Duration
	}{
		"of nothing are 0":                          {nil, 0, 0, 0, 0},
		"of one are that one":                       {upTo(1), 1, 1, 1, 1},
		"of fifty: the last one in a hundred is it": {upTo(50), 1, 25, 50, 50},
		"of a hundred: one may be longer":           {upTo(100), 1, 50, 99, 100},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := New(test.durations)
			got := [...]time.Duration{d.First(), d.Percentile(50), d.Percentile(99), d.Last()}
			if want := [...]time.Duration{test.first, test.p50, test.p99, test.end}; got != want {
				t.Errorf("first, p50, p99, last = %v, want %v", got, want)
			}
		})
	}
}
