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
	if d.Capture.Running || !d.due(d.Capture.Retry) || d.joining() {
		return
	}
	last := d.lastCapture()
	if last == nil || last.Epoch != d.spec.Epoch || last.Quiesced {
		d.out.Capture = !d.grouping()
		return
	}
	at := last.Time.Add(d.interval())
	if last.Volumes != d.volumesWord() || len(d.unserved(last)) > 0 && d.Capture.Taken == nil {
		at = last.Time.Add(min(captureSpacing, d.interval()))
	}
	d.out.Capture = d.due(at)
}

// joining tells whether a volume is about to become a member: a capture taken before would lack it.
func (d *decider) joining() bool {
	return slices.ContainsFunc(d.out.Claim, func(v *Volume) bool { return v.Selected && v.Problem == nil })
}

// grouping tells whether a volume is about to be replicated with others, of which the first capture of a role would know nothing,
// and the next is to be some time after it. That is not waited for longer than for the next one.
func (d *decider) grouping() bool {
	return slices.ContainsFunc(d.Volumes, func(v Volume) bool {
		return v.Method.Grouped() && d.Captured(&v) && (v.State == nil || v.State.Group == "")
	}) && !d.due(d.Checkpoint.Current().Time.Add(captureSpacing))
}

// lastCapture is the newest capture there is: taken since the agent started, with the profiles that have it by now, or
// remembered.
func (d *decider) lastCapture() *checkpoint.Capture {
	if d.Capture.Taken == nil {
		return d.Checkpoint.LastCapture
	}
	capture := *d.Capture.Taken
	capture.S3Profiles = slices.Clone(d.Capture.Put)
	return &capture
}

// recordCapture remembers the newest capture, and which profiles have it.
func (d *decider) recordCapture() {
	taken := d.Capture.Taken
	if taken == nil || len(d.Capture.Put) == 0 {
		return
	}
	recorded := d.Checkpoint.LastCapture
	if recorded != nil && recorded.ID == taken.ID && slices.Equal(recorded.S3Profiles, d.Capture.Put) {
		return
	}
	if !d.uploaded() && !d.due(taken.Time.Add(time.Second)) {
		return
	}
	next := d.Checkpoint.DeepCopy()
	if d.out.Settle != nil {
		next = d.out.Settle
	}
	next.LastCapture = d.lastCapture()
	next.Objects = d.Capture.Objects
	d.out.Settle = next
	d.report.Capture = next.LastCapture.CaptureReference.DeepCopy()
}

// uploaded tells whether every profile has been given the capture that is being put, or has failed to take it.
func (d *decider) uploaded() bool {
	return len(d.Capture.Put)+len(d.Capture.Failed) >= len(d.spec.S3Profiles)
}

// capturedAsIs tells whether the last capture of this role has the members that there are, and no others. Profiles that fail to
// take it are not waited for.
func (d *decider) capturedAsIs() bool {
	last := d.Checkpoint.LastCapture
	if last == nil || last.Epoch != d.spec.Epoch || last.Volumes != d.volumesWord() {
		return false
	}
	return d.Capture.Taken == nil || d.Capture.Taken.ID == last.ID && d.uploaded()
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
	case d.Capture.Err != nil:
		c = status.False("CaptureFailed", d.Capture.Err.Error())
	case len(d.Capture.Failed) > 0:
		c = status.False("UploadFailed", failures(d.Capture.Failed))
	case last == nil || last.Epoch != d.spec.Epoch || len(last.S3Profiles) == 0:
		c = status.False("Capturing", "The first capture of this role is being taken.")
	case d.joining() || last.Volumes != d.volumesWord():
		c = status.False("Capturing", "Volumes have come or gone since the last capture; the next one is about to be taken.")
	case len(d.unserved(last)) > 0:
		c = status.False("Capturing", fmt.Sprintf("The last capture is being put into %s.", join(d.unserved(last))))
	case d.Now.After(last.Time.Add(2 * d.interval())):
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
