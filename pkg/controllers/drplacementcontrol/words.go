// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const (
	// progressGrace is how long a step must have been running before messages about it are worth a write of their own.
	progressGrace = 5 * time.Second
	// wordsGrace is the least time between a write and one that changes only words.
	wordsGrace = 2 * time.Second
	// observedGrace is how much older than an agent's last report a row may say it is while it says the same.
	observedGrace = 4 * time.Minute
)

// deferWords puts off a write that would only tell how something goes on, soon after another write or while a step is
// young: mostly what matters follows at once, and the write is one of hundreds when many applications recover together.
func (d *decider) deferWords() {
	before := d.facts.Placement.Status
	if equality.Semantic.DeepEqual(before, *d.status) ||
		!equality.Semantic.DeepEqual(withoutWords(before), withoutWords(*d.status)) {
		return
	}
	wait := max(d.facts.Written.Add(wordsGrace).Sub(d.facts.Now), d.stepIsYoung())
	if wait <= 0 {
		return
	}
	d.status = before.DeepCopy()
	d.decideAgain(wait)
}

// stepIsYoung is how long to be silent about the step that is running.
func (d *decider) stepIsYoung() time.Duration {
	if !action.Running(d.placement()) {
		return 0
	}
	for _, step := range d.record().Status.Steps {
		if step.State == v1alpha1.StepRunning && step.StartTime != nil {
			return min(progressGrace, step.StartTime.Add(progressGrace).Sub(d.facts.Now))
		}
	}
	return 0
}

// decideAgain has the placement decided upon within a time.
func (d *decider) decideAgain(within time.Duration) {
	if d.out.RequeueAfter == 0 || within < d.out.RequeueAfter {
		d.out.RequeueAfter = within
	}
}

// withoutWords is what programs and people wait for in a status. The rest explains it, or ages.
func withoutWords(status v1alpha1.DRPlacementControlStatus) *v1alpha1.DRPlacementControlStatus {
	stripped := status.DeepCopy()
	stripped.Clusters, stripped.LastGroupSyncTime, stripped.LastKubeObjectProtectionTime = nil, nil, nil
	for i := range stripped.Conditions {
		stripped.Conditions[i].Reason, stripped.Conditions[i].Message = "", ""
	}
	if stripped.CurrentAction != nil {
		for i := range stripped.CurrentAction.Status.Steps {
			stripped.CurrentAction.Status.Steps[i].Message = ""
		}
	}
	return stripped
}

// keepObserved leaves a row's time as it was while the agent goes on saying the same: that it is there at all, its Lease
// tells.
func keepObserved(before []v1alpha1.ClusterView, row *v1alpha1.ClusterView) {
	for _, old := range before {
		if old.Name != row.Name || old.ObservedAt == nil || row.ObservedAt == nil {
			continue
		}
		same := old.State == row.State && old.Epoch == row.Epoch && old.Message == row.Message
		if newer := row.ObservedAt.Sub(old.ObservedAt.Time); same && newer >= 0 && newer < observedGrace {
			row.ObservedAt = old.ObservedAt.DeepCopy()
		}
	}
}
