// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// captureSpacing is the least time between two captures, however often volumes come and go.
const captureSpacing = 10 * time.Second

// keepCaptured has a capture taken when one is due: the first in a role, when volumes have come or gone, when a profile
// lacks the last one, and every interval.
func (d *decider) keepCaptured() {
	d.recordCapture()
	d.captureCondition()
	if d.capture.running || !d.due(d.capture.retry) || d.joining() {
		return
	}
	last := d.lastCapture()
	if last == nil || last.Epoch != d.spec.Epoch || last.Quiesced {
		d.out.capture = true
		return
	}
	at := last.Time.Add(d.interval())
	if last.Volumes != volumesWord(d.members()) || len(d.unserved(last)) > 0 && d.capture.taken == nil {
		at = last.Time.Add(min(captureSpacing, d.interval()))
	}
	d.out.capture = d.due(at)
}

// joining tells whether a volume is about to become a member: a capture taken before would lack it.
func (d *decider) joining() bool {
	return slices.ContainsFunc(d.out.claim, func(v *volume) bool { return v.selected && v.problem == nil })
}

// lastCapture is the newest capture there is: taken since the agent started, with the profiles that have it by now, or
// remembered.
func (d *decider) lastCapture() *checkpoint.Capture {
	if d.capture.taken == nil {
		return d.checkpoint.LastCapture
	}
	capture := *d.capture.taken
	capture.S3Profiles = slices.Clone(d.capture.put)
	return &capture
}

// recordCapture remembers the newest capture, and which profiles have it.
func (d *decider) recordCapture() {
	taken := d.capture.taken
	if taken == nil || len(d.capture.put) == 0 {
		return
	}
	recorded := d.checkpoint.LastCapture
	if recorded != nil && recorded.ID == taken.ID && slices.Equal(recorded.S3Profiles, d.capture.put) {
		return
	}
	settled := len(d.capture.put)+len(d.capture.failed) >= len(d.spec.S3Profiles)
	if !settled && !d.due(taken.Time.Add(time.Second)) {
		return
	}
	next := d.checkpoint.DeepCopy()
	if d.out.settle != nil {
		next = d.out.settle
	}
	next.LastCapture = d.lastCapture()
	next.Objects = d.capture.objects
	d.out.settle = next
	d.report.Capture = next.LastCapture.CaptureReference.DeepCopy()
}

// unserved are the profiles that do not have a capture.
func (d *decider) unserved(c *checkpoint.Capture) []string {
	var missing []string
	for _, profile := range d.spec.S3Profiles {
		if !slices.Contains(c.S3Profiles, profile) {
			missing = append(missing, profile)
		}
	}
	return missing
}

// captureCondition says whether every profile has a capture that is recent enough.
func (d *decider) captureCondition() {
	last := d.lastCapture()
	c := status.True("Captured", "Every S3 profile has the last capture.")
	switch {
	case d.capture.err != nil:
		c = status.False("CaptureFailed", d.capture.err.Error())
	case len(d.capture.failed) > 0:
		c = status.False("UploadFailed", failures(d.capture.failed))
	case last == nil || last.Epoch != d.spec.Epoch || len(last.S3Profiles) == 0:
		c = status.False("Capturing", "The first capture of this role is being taken.")
	case d.joining() || last.Volumes != volumesWord(d.members()):
		c = status.False("Capturing", "Volumes have come or gone since the last capture; the next one is about to be taken.")
	case len(d.unserved(last)) > 0:
		c = status.False("Capturing", fmt.Sprintf("The last capture is being put into %s.", join(d.unserved(last))))
	case d.now.After(last.Time.Add(2 * d.interval())):
		c = status.False("CaptureStale", fmt.Sprintf("The last capture is older than twice the interval of %s.", d.interval()))
	}
	d.condition(v1alpha1.ConditionClusterDataProtected, c)
}

func failures(failed map[string]string) string {
	var messages []string
	for _, profile := range slices.Sorted(maps.Keys(failed)) {
		messages = append(messages, failed[profile])
	}
	return join(messages)
}
