// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSpan(t *testing.T) {
	tests := map[time.Duration]string{
		0:                             "0s",
		1500 * time.Microsecond:       "2ms",
		120 * time.Millisecond:        "120ms",
		3240 * time.Millisecond:       "3.2s",
		7 * time.Second:               "7s",
		72 * time.Second:              "1m12s",
		5 * time.Minute:               "5m",
		25*time.Hour + 3*time.Minute:  "25h3m",
		50*time.Hour + 59*time.Minute: "2d2h",
	}
	for length, want := range tests {
		if got := span(length); got != want {
			t.Errorf("span(%s) = %q, want %q", length, got, want)
		}
	}
}

func TestMomentNamesTheDayUnlessItIsToday(t *testing.T) {
	if got, want := moment(now, now.Add(-12*time.Second)), "14:03:07"; got != want {
		t.Errorf("moment() = %q, want %q", got, want)
	}
	if got, want := moment(now, now.Add(-24*time.Hour)), "2026-11-22 14:03:19"; got != want {
		t.Errorf("moment() = %q, want %q", got, want)
	}
}

func TestWrap(t *testing.T) {
	tests := map[string]struct {
		line  string
		width int
		want  []string
	}{
		"short enough":          {"one two", 20, []string{"one two"}},
		"between words":         {"one two three four five six", 20, []string{"one two three four", "  five six"}},
		"again and again":       {"one two three four five six seven eight nine ten", 20, []string{"one two three four", "  five six seven", "  eight nine ten"}},
		"within a word if must": {"https://an.address/that-has-no-spaces", 20, []string{"https://an.address/t", "  hat-has-no-spaces"}},
		"an unknown width":      {"one two three four five six", 0, []string{"one two three four five six"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, wrap(tt.line, tt.width, "  ")); diff != "" {
				t.Errorf("wrap() (-want +got):\n%s", diff)
			}
		})
	}
}
