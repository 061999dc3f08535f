// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"fmt"
	"strings"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Marks in front of what is printed.
const (
	markGood    = "✓"
	markWarning = "!"
	markBad     = "✗"
	markRunning = "●"
	markPending = "○"
	markSkipped = "–"
)

var checkMarks = map[v1alpha1.CheckResult]string{
	v1alpha1.CheckPassed:     markGood,
	v1alpha1.CheckOverridden: markWarning,
	v1alpha1.CheckFailed:     markBad,
}

var stepMarks = map[v1alpha1.StepState]string{
	v1alpha1.StepPending: markPending,
	v1alpha1.StepRunning: markRunning,
	v1alpha1.StepDone:    markGood,
	v1alpha1.StepFailed:  markBad,
	v1alpha1.StepSkipped: markSkipped,
}

// verbs are what a person calls the two types of action.
var verbs = map[v1alpha1.ActionType]string{
	v1alpha1.ActionFailover: "failover",
	v1alpha1.ActionRelocate: "relocate",
}

// span words a length of time as exactly as a person wants to know it.
func span(d time.Duration) string {
	switch {
	case d > 0 && d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second && d%time.Second != 0:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return shortened(d.Round(time.Second))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
	}
}

// shortened drops a final "0s" from minutes.
func shortened(d time.Duration) string {
	if d >= time.Minute && d%time.Minute == 0 {
		return fmt.Sprintf("%dm", int(d.Minutes()))
	}
	return d.String()
}

// age words the time since then, in whole seconds.
func age(now, then time.Time) string {
	return span(max(now.Sub(then), 0).Truncate(time.Second)) + " ago"
}

// moment words a point in time: the time of day, with the date unless it is today.
func moment(now, then time.Time) string {
	then = then.In(now.Location())
	if now.Format(time.DateOnly) == then.Format(time.DateOnly) {
		return then.Format(time.TimeOnly)
	}
	return then.Format(time.DateTime)
}

// wrap breaks a line between words into parts no wider than width; all but the first begin with indent. A width too small
// to be of use, or unknown (0), leaves the line as it is.
func wrap(line string, width int, indent string) []string {
	const usable = 20
	var parts []string
	for runes := []rune(line); ; runes = []rune(line) {
		if width < usable || len(runes) <= width {
			return append(parts, line)
		}
		end := width
		for i := width; i > len(indent) && i > width/2; i-- {
			if runes[i] == ' ' {
				end = i
				break
			}
		}
		parts = append(parts, string(runes[:end]))
		line = indent + strings.TrimLeft(string(runes[end:]), " ")
	}
}
