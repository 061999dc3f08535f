// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"
	"time"
)

func TestWhatAVolumeWasToldCountsAsUnansweredFromWhenItWasToldUntilItIsThat(t *testing.T) {
	m := newMemory()
	at := now
	for _, step := range []struct {
		name  string
		is    func(*Volume)
		since time.Duration
		open  bool
	}{
		{"not replicated", func(*Volume) {}, 0, false},
		{"told to be primary", promoting, 10 * time.Second, true},
		{"still told that", promoting, 10 * time.Second, true},
		{"primary", promoted, 0, false},
		{"told to be secondary", demoting, 40 * time.Second, true},
		{"told to be primary instead", promoting, 50 * time.Second, true},
		{"ending", ending, 60 * time.Second, true},
		{"gone", func(*Volume) {}, 0, false},
	} {
		f := &Facts{Now: at, Volumes: []Volume{vol("a", step.is)}}
		m.fill(f)
		since, open := f.Unanswered[f.Volumes[0].Key()]
		if open != step.open || open && !since.Equal(now.Add(step.since)) {
			t.Errorf("%s: %t since %s", step.name, open, since.Sub(now))
		}
		at = at.Add(10 * time.Second)
	}
}
