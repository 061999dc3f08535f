// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/storagesim/records"
)

// proof is what the story has to show for itself in the end.
type proof struct {
	failover, relocate *v1alpha1.DRAction
	// beforeRelocate has all that the failover cost, afterRelocate what the relocate cost besides.
	beforeRelocate, afterRelocate *records.Report
}

// finding is a line of the last table.
type finding struct {
	what, found string
	held        bool
}

// findings are what was proved; nothing holds that was never reached.
func (p proof) findings() []finding {
	return []finding{
		p.lostAtFailover(),
		p.lostAtRelocate(),
		p.twoWriters(),
		p.succeeded("failover", p.failover),
		p.succeeded("relocate", p.relocate),
	}
}

func unreached(what string) finding { return finding{what: what, found: "not reached"} }

func (p proof) lostAtFailover() finding {
	const what = "records lost at failover"
	if p.beforeRelocate == nil || p.failover == nil || p.failover.Status.DataLossWindow == nil {
		return unreached(what)
	}
	syncPoint := p.failover.Status.DataLossWindow.SyncPoint.Time
	named := fmt.Sprintf("the plan named everything after %s", syncPoint.Local().Format(time.TimeOnly))
	first := firstLost(p.beforeRelocate)
	if first == nil {
		return finding{what, fmt.Sprintf("0 of %d; %s", p.beforeRelocate.Acknowledged, named), true}
	}
	found := fmt.Sprintf("%d of %d, the first written at %s; %s",
		p.beforeRelocate.Lost, p.beforeRelocate.Acknowledged, first.Local().Format("15:04:05.000"), named)
	return finding{what, found, first.After(syncPoint)}
}

// firstLost is when the first of the lost records was written.
func firstLost(report *records.Report) *time.Time {
	var first *time.Time
	for _, volume := range report.Volumes {
		if at := volume.Lost.FirstTime; at != nil && (first == nil || at.Before(*first)) {
			first = at
		}
	}
	return first
}

func (p proof) lostAtRelocate() finding {
	const what = "records lost at relocate"
	if p.beforeRelocate == nil || p.afterRelocate == nil {
		return unreached(what)
	}
	lost := p.afterRelocate.Lost - p.beforeRelocate.Lost
	return finding{what, fmt.Sprintf("%d of %d", lost, p.afterRelocate.Acknowledged), lost == 0}
}

func (p proof) twoWriters() finding {
	const what = "moments with two writers"
	if p.afterRelocate == nil {
		return unreached(what)
	}
	return finding{what, fmt.Sprintf("%d; %s", p.afterRelocate.Overlaps, writers(p.afterRelocate)), p.afterRelocate.Overlaps == 0}
}

// writers tells who wrote the first volume, in order.
func writers(report *records.Report) string {
	if len(report.Volumes) == 0 {
		return "no volume was written to"
	}
	var all []string
	for _, writer := range report.Volumes[0].Writers {
		all = append(all, fmt.Sprintf("%s %d", writer.Cluster, writer.Count))
	}
	return fmt.Sprintf("%s was written by %s", report.Volumes[0].Claim, strings.Join(all, ", then "))
}

func (p proof) succeeded(what string, action *v1alpha1.DRAction) finding {
	what += ", request until the shop could run"
	if action == nil || action.Status.WorkloadReadyTime == nil || action.Status.AcceptedTime == nil {
		return unreached(what)
	}
	return finding{what, short(action.Status.WorkloadReadyTime.Sub(action.Status.AcceptedTime.Time)), true}
}

// printVerdict prints the last table and reports whether everything held.
func (d *demo) printVerdict() bool {
	out := d.stage.out
	fmt.Fprintf(out, "\n%s  +%s  ── What was proved\n", time.Now().Format(time.TimeOnly), short(time.Since(d.stage.began)))
	width := 0
	for _, act := range d.stage.acts {
		width = max(width, len(act.title))
	}
	for _, act := range d.stage.acts {
		fmt.Fprintf(out, "    %-*s  %s\n", width, act.title, short(act.took))
	}
	fmt.Fprintln(out)
	held, findings := true, d.proof.findings()
	width = 0
	for _, f := range findings {
		width = max(width, len(f.what))
	}
	for _, f := range findings {
		mark := "✓"
		if !f.held {
			mark, held = "✗", false
		}
		fmt.Fprintf(out, "  %s %-*s  %s\n", mark, width, f.what, f.found)
	}
	return held
}

// readRecords shows and returns what became of the records.
func (d *demo) readRecords(ctx context.Context) (*records.Report, error) {
	if err := d.stage.playground(ctx, "records", "-n", app); err != nil {
		return nil, err
	}
	return records.Read(d.stage.root.Run(), app)
}

// lookAgain is how long after a look at files the next one follows: there is nothing to watch.
const lookAgain = 200 * time.Millisecond

// awaitWriting waits until every volume is being written to on a cluster.
func (d *demo) awaitWriting(ctx context.Context, where actor) error {
	since := time.Now()
	for {
		report, err := records.Read(d.stage.root.Run(), app)
		if err != nil {
			return err
		}
		err = writtenOn(report, string(where), since)
		if err == nil {
			d.stage.say("all %d volumes are being written to on %s", len(report.Volumes), where)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for records: %w: %w", err, context.Cause(ctx))
		case <-time.After(lookAgain):
		}
	}
}

// awaitMore waits until that many more records were acknowledged.
func (d *demo) awaitMore(ctx context.Context, more int) error {
	first := -1
	for {
		report, err := records.Read(d.stage.root.Run(), app)
		if err != nil {
			return err
		}
		if first < 0 {
			first = report.Acknowledged
		}
		if report.Acknowledged >= first+more {
			d.stage.say("%d records were written meanwhile, %d in all", report.Acknowledged-first, report.Acknowledged)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d records: %d were written: %w", more, report.Acknowledged-first, context.Cause(ctx))
		case <-time.After(lookAgain):
		}
	}
}

// writtenOn tells whether each volume's newest record was written on a cluster, and lately.
func writtenOn(report *records.Report, cluster string, since time.Time) error {
	if len(report.Volumes) == 0 {
		return errors.New("no record was ever acknowledged")
	}
	for _, volume := range report.Volumes {
		last := volume.Writers[len(volume.Writers)-1]
		if last.Cluster != cluster || last.LastTime.Before(since) {
			return fmt.Errorf("%s was last written to on %s at %s", volume.Claim, last.Cluster, last.LastTime.Format(time.TimeOnly))
		}
	}
	return nil
}
