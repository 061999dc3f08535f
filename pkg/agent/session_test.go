// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

// TestAReportAnswersTheRunOfTheHubThatAsked holds also where a hub that was restored asks for less than was accepted.
func TestAReportAnswersTheRunOfTheHubThatAsked(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	failover := builder.VRG("shop", "shop", builder.DR1).Secondary(4, v1alpha1.VRGActionFailover).Obj()
	accepted, refusal := checkpoint.Accept(nil, failover, builder.DR1, at)
	if refusal != nil {
		t.Fatal(refusal)
	}
	for name, epoch := range map[string]int64{"a command that it has accepted": 4, "an older one": 2} {
		group := failover.DeepCopy()
		group.Spec.Epoch, group.Spec.Session = epoch, "a-run"
		f := &Facts{Now: at, Cluster: builder.DR1, Group: group, Checkpoint: accepted}
		d := Decide(f)
		if d.Save != nil {
			f.Checkpoint = d.Save
			d = Decide(f)
		}
		if d.Report == nil || d.Report.Session != "a-run" || d.Report.Epoch != 4 {
			t.Errorf("to %s it reports %+v", name, d.Report)
		}
	}
}
