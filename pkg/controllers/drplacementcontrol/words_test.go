// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestWordsWaitButWhatMattersIsWrittenAtOnce(t *testing.T) {
	synced := func(f *Facts) {
		later := metav1.NewTime(f.Groups[dr1].Status.LastGroupSyncTime.Add(time.Second))
		f.Groups[dr1].Status.LastGroupSyncTime = &later
	}
	for name, test := range map[string]struct {
		change  func(*Facts)
		ago     time.Duration
		written bool
		again   time.Duration
	}{
		"nothing changed": {change: func(*Facts) {}, ago: time.Millisecond},
		"a sync right after a write": {
			change: synced, ago: 500 * time.Millisecond, again: 1500 * time.Millisecond,
		},
		"a sync some time after a write":       {change: synced, ago: wordsGrace, written: true},
		"a sync after the controller's start":  {change: synced, ago: 1e6 * time.Hour, written: true},
		"a lost cluster right after a write":   {change: func(f *Facts) { f.Clusters[dr2] = lost(dr2) }, written: true},
		"a report that says the same, soon":    {change: reportedAgain(observedGrace - time.Second), ago: time.Hour},
		"a report that says the same, at last": {change: reportedAgain(observedGrace), ago: time.Hour, written: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := deployed()
			for _, cluster := range []string{dr1, dr2} {
				f.Groups[cluster].Status.LastUpdateTime = &metav1.Time{Time: f.Now}
			}
			f.Placement.Status.Clusters = nil
			f.Placement.Status = Decide(f).Status
			f.Written = f.Now.Add(-test.ago)
			test.change(&f)
			d := Decide(f)
			if d.StatusChanged != test.written || d.RequeueAfter != test.again {
				t.Errorf("written: %v, again after %v; want %v, %v", d.StatusChanged, d.RequeueAfter, test.written, test.again)
			}
		})
	}
}

func reportedAgain(later time.Duration) func(*Facts) {
	return func(f *Facts) {
		for _, cluster := range []string{dr1, dr2} {
			f.Groups[cluster].Status.LastUpdateTime = &metav1.Time{Time: f.Now.Add(later)}
		}
	}
}
