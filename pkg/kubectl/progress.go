// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"fmt"
	"io"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// progress shows an action as it goes on.
type progress interface {
	// show is called with every state of the action, and with the last one again as time passes.
	show(now time.Time, action *v1alpha1.DRAction)
	// note shows a line beside the action.
	note(now time.Time, line string)
}

// changeLines prints a line for each change: what a log or a pipe wants.
type changeLines struct {
	out  io.Writer
	last map[v1alpha1.StepName]string
}

func newChangeLines(out io.Writer) *changeLines {
	return &changeLines{out: out, last: map[v1alpha1.StepName]string{}}
}

func (c *changeLines) show(now time.Time, action *v1alpha1.DRAction) {
	for _, step := range action.Status.Steps {
		key := string(step.State) + step.Message
		if step.State == v1alpha1.StepPending || c.last[step.Name] == key {
			continue
		}
		c.last[step.Name] = key
		fmt.Fprintf(c.out, "%s  %s\n", moment(now, stepMoment(now, step)), stepLine(now, step))
	}
}

func (c *changeLines) note(now time.Time, line string) {
	fmt.Fprintf(c.out, "%s  %s\n", moment(now, now), line)
}

// stepMoment is when a step came into the state it is in, as far as it says.
func stepMoment(now time.Time, step v1alpha1.ActionStep) time.Time {
	if step.CompletionTime != nil {
		return step.CompletionTime.Time
	}
	return now
}

// redrawn keeps the steps at one place of a terminal and draws them anew. It wraps lines
// itself, or it could not count them.
type redrawn struct {
	out   io.Writer
	width func() int
	drawn int
	notes string
}

func (r *redrawn) show(now time.Time, action *v1alpha1.DRAction) {
	var lines []string
	for _, step := range action.Status.Steps {
		lines = append(lines, "  "+stepLine(now, step))
	}
	if r.notes != "" && !isComplete(action.Status) {
		lines = append(lines, "  "+r.notes)
	}
	if r.drawn > 0 {
		fmt.Fprintf(r.out, "\x1b[%dA\x1b[J", r.drawn)
	}
	r.drawn = 0
	for _, line := range lines {
		for _, part := range wrap(line, r.width(), "      ") {
			fmt.Fprintln(r.out, part)
			r.drawn++
		}
	}
}

func (r *redrawn) note(_ time.Time, line string) { r.notes = line }

func stepLine(now time.Time, step v1alpha1.ActionStep) string {
	line := fmt.Sprintf("%s %s on %s", stepMarks[step.State], step.Name, step.Cluster)
	switch {
	case step.State == v1alpha1.StepPending || step.State == v1alpha1.StepSkipped:
		line += ": " + strings.ToLower(string(step.State))
	case step.CompletionTime != nil && step.StartTime != nil:
		line += fmt.Sprintf(": %s in %s", strings.ToLower(string(step.State)), span(between(step.StartTime, step.CompletionTime)))
	default:
		line += ": running"
		if running := runningFor(now, step); running >= time.Second {
			line += " for " + span(running)
		}
	}
	if step.Message != "" {
		line += ": " + step.Message
	}
	return line
}

func runningFor(now time.Time, step v1alpha1.ActionStep) time.Duration {
	if step.StartTime == nil {
		return 0
	}
	return now.Sub(step.StartTime.Time).Truncate(time.Second)
}

func between(from, to *metav1.MicroTime) time.Duration { return max(to.Sub(from.Time), 0) }
