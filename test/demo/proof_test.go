// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/storagesim/records"
)

var syncPoint = time.Date(2026, 11, 23, 14, 3, 7, 0, time.UTC)

func report(acknowledged, lost, overlaps int, first time.Time) *records.Report {
	r := &records.Report{Acknowledged: acknowledged, Lost: lost, Overlaps: overlaps}
	volume := records.Volume{Claim: "data-0", Writers: []records.Writer{{Cluster: "dr1", Count: acknowledged, LastTime: syncPoint}}}
	if lost > 0 {
		volume.Lost = records.Loss{Count: lost, FirstTime: &first}
	}
	r.Volumes = []records.Volume{{Claim: "log-0"}, volume}
	r.Volumes[0].Writers = volume.Writers
	return r
}

func action(window bool) *v1alpha1.DRAction {
	accepted, ready := metav1.NewMicroTime(syncPoint.Add(time.Minute)), metav1.NewMicroTime(syncPoint.Add(62*time.Second))
	a := &v1alpha1.DRAction{Status: v1alpha1.DRActionStatus{AcceptedTime: &accepted, WorkloadReadyTime: &ready}}
	if window {
		a.Status.DataLossWindow = &v1alpha1.DataLossWindow{SyncPoint: metav1.NewTime(syncPoint)}
	}
	return a
}

func TestWhatWasProved(t *testing.T) {
	late, early := syncPoint.Add(time.Second), syncPoint.Add(-time.Second)
	tests := map[string]struct {
		proof  proof
		broken []string
	}{
		"everything held": {
			proof: proof{failover: action(true), relocate: action(false), beforeRelocate: report(100, 7, 0, late), afterRelocate: report(120, 7, 0, late)},
		},
		"nothing was lost at all": {
			proof: proof{failover: action(true), relocate: action(false), beforeRelocate: report(100, 0, 0, late), afterRelocate: report(120, 0, 0, late)},
		},
		"the failover lost more than it named": {
			proof: proof{
				failover: action(true), relocate: action(false), beforeRelocate: report(100, 7, 0, early), afterRelocate: report(120, 7, 0, early),
			},
			broken: []string{"records lost at failover"},
		},
		"the relocate lost a record": {
			proof:  proof{failover: action(true), relocate: action(false), beforeRelocate: report(100, 7, 0, late), afterRelocate: report(120, 8, 0, late)},
			broken: []string{"records lost at relocate"},
		},
		"two clusters wrote at once": {
			proof:  proof{failover: action(true), relocate: action(false), beforeRelocate: report(100, 7, 1, late), afterRelocate: report(120, 7, 1, late)},
			broken: []string{"moments with two writers"},
		},
		"the story ended early": {
			proof: proof{failover: action(true)},
			broken: []string{
				"records lost at failover", "records lost at relocate", "moments with two writers", "relocate, request until the shop could run",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var broken []string
			for _, f := range tt.proof.findings() {
				if !f.held {
					broken = append(broken, f.what)
				}
			}
			if len(broken) != len(tt.broken) {
				t.Fatalf("broken: %q, want %q", broken, tt.broken)
			}
			for i := range broken {
				if broken[i] != tt.broken[i] {
					t.Errorf("broken: %q, want %q", broken, tt.broken)
				}
			}
		})
	}
}

func TestWrittenOn(t *testing.T) {
	now := report(10, 0, 0, syncPoint)
	if err := writtenOn(now, "dr1", syncPoint.Add(-time.Second)); err != nil {
		t.Errorf("written on dr1: %v", err)
	}
	if err := writtenOn(now, "dr2", syncPoint.Add(-time.Second)); err == nil {
		t.Error("nothing was written on dr2")
	}
	if err := writtenOn(now, "dr1", syncPoint.Add(time.Second)); err == nil {
		t.Error("nothing was written lately")
	}
	if err := writtenOn(&records.Report{}, "dr1", syncPoint); err == nil {
		t.Error("nothing was written at all")
	}
}
