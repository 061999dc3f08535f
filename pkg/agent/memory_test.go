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

func TestAClaimThatIsMadeAnewIsWaitedForAsIfNoneOfItsNameHadBeen(t *testing.T) {
	m := newMemory()
	key := vol("a").Key()
	m.fill(&Facts{Now: now, Volumes: []Volume{vol("a", promoting)}})
	m.refreshed[key] = Attempt{Count: 9, Last: now}
	gone := &Facts{Now: now.Add(time.Minute)}
	m.fill(gone)
	if len(gone.Unanswered)+len(gone.Refreshed)+len(m.seen) > 0 {
		t.Errorf("of a claim that is gone it keeps %v, %v, %v", gone.Unanswered, gone.Refreshed, m.seen)
	}
	anew := &Facts{Now: now.Add(time.Hour), Volumes: []Volume{vol("a", promoting)}}
	m.fill(anew)
	if since := anew.Unanswered[key]; !since.Equal(anew.Now) || anew.Refreshed[key].Count > 0 {
		t.Errorf("the claim made anew is waited for since %s, and was looked at %d times", since, anew.Refreshed[key].Count)
	}
}
