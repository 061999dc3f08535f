// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package framework

import (
	"testing"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
	"github.com/ramendr/dr-apiserver/test/storagesim/records"
)

func TestJudgementsOfRecords(t *testing.T) {
	syncPoint := time.Unix(1000, 0)
	early, late := syncPoint.Add(-time.Second), syncPoint.Add(time.Second)
	lost := func(count int, from time.Time) records.Volume {
		return records.Volume{Handle: "v", Lost: records.Loss{Count: count, FirstTime: &from, LastTime: &late}}
	}
	tests := map[string]struct {
		volume                   records.Volume
		asPlanned, nothing, once bool
	}{
		"nothing is lost":                 {records.Volume{Handle: "v"}, true, true, true},
		"what was lost already is":        {lost(2, late), true, true, true},
		"more is lost":                    {lost(3, late), true, false, true},
		"more is lost, and more than may": {lost(3, early), false, false, true},
		"another volume took its place":   {records.Volume{Handle: "w"}, true, false, true},
		"it was deleted":                  {records.Volume{Handle: "v", Deleted: true}, false, false, true},
		"two clusters wrote":              {records.Volume{Handle: "v", Overlaps: []records.Overlap{{}}}, true, true, false},
	}
	twice := &records.Report{Volumes: []records.Volume{{Claim: "data", Handle: "v"}, {Claim: "data", Handle: "w"}}}
	if err := LostOnlyAfter(twice, syncPoint); err == nil {
		t.Error("LostOnlyAfter holds although a claim had two volumes")
	}
	before := &records.Report{Volumes: []records.Volume{lost(2, late)}}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			report := &records.Report{Volumes: []records.Volume{test.volume}}
			if err := LostOnlyAfter(report, syncPoint); (err == nil) != test.asPlanned {
				t.Errorf("LostOnlyAfter: %v, want it to hold: %v", err, test.asPlanned)
			}
			if err := NothingLostSince(report, before); (err == nil) != test.nothing {
				t.Errorf("NothingLostSince: %v, want it to hold: %v", err, test.nothing)
			}
			if err := NeverTwoWriters(report); (err == nil) != test.once {
				t.Errorf("NeverTwoWriters: %v, want it to hold: %v", err, test.once)
			}
		})
	}
}

func TestWhatWasLostBeforeIsNotLostSince(t *testing.T) {
	syncPoint := time.Unix(1000, 0)
	lost := func(seconds ...int) *records.Report {
		loss := records.Loss{}
		for _, s := range seconds {
			at := syncPoint.Add(time.Duration(s) * time.Second)
			loss.Count++
			loss.Records = append(loss.Records, layout.Record{Seq: int64(s), Cluster: "dr1", Time: at})
			if loss.FirstTime == nil {
				loss.FirstTime = &at
			}
			loss.LastTime = &at
		}
		return &records.Report{Volumes: []records.Volume{{Handle: "v", Lost: loss}}}
	}
	before := lost(-9, -8)
	if err := LostOnlyAfter(Since(lost(-9, -8, 1), before), syncPoint); err != nil {
		t.Errorf("what an earlier failover gave up is held against this one: %v", err)
	}
	if LostOnlyAfter(Since(lost(-9, -8, -1), before), syncPoint) == nil {
		t.Error("what was lost from before the sync point is not seen")
	}
	if got := Since(lost(-9, -8), before); got.Volumes[0].Lost.Count != 0 || got.Lost != 0 {
		t.Errorf("nothing was lost since, got %+v", got.Volumes[0].Lost)
	}
}
