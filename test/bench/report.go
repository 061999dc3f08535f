// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// measured says what the numbers are of.
const measured = `
Failover: dr1's agent is dead and known not to be connected; the request acknowledges SourceMayStillWrite. Relocate: both
clusters are there. All times are from the moment before the request is sent. "first step" is the first object that is
created or changed on the target's cluster for the application, seen by a watch there; "may run" is the action's
workloadReadyTime; "seen" is the StatefulSet with its replicas, seen by that watch. One at a time: each run is an
application of its own. Storage answers at once. The marks are those of RamenDR's own operators on this kind of machine.
`

// report prints everything that was measured.
func report(out io.Writer, o options, phases []phase, idle idleUse) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(out, measured+"\n")
	reportTimes(table, phases)
	reportCPU(table, phases)
	reportRequests(table, phases)
	reportIdle(table, idle)
	if err := table.Flush(); err != nil {
		return err
	}
	if o.verbose {
		reportKinds(out, phases)
	}
	return nil
}

func reportTimes(out io.Writer, phases []phase) {
	fmt.Fprintln(out, "seconds\t\truns\tfirst\tp50\tp99\tlast\tmark (p50)\ttimes faster\t")
	for _, p := range phases {
		for i, row := range []struct {
			name string
			of   func(sample) time.Duration
			mark time.Duration
		}{
			{"answered", func(s sample) time.Duration { return s.answered }, 0},
			{"first step", func(s sample) time.Duration { return s.firstStep }, 0},
			{"may run", func(s sample) time.Duration { return s.ready }, p.marks.ready},
			{"seen", func(s sample) time.Duration { return s.running }, p.marks.ready},
		} {
			name := p.name
			if i > 0 {
				name = ""
			}
			d := newDistribution(collect(p.samples, row.of))
			fmt.Fprintf(out, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", name, row.name, len(d),
				seconds(d.first()), seconds(d.percentile(50)), seconds(d.percentile(99)), seconds(d.last()),
				orDash(row.mark > 0, seconds(row.mark)), ratio(row.mark.Seconds(), d.percentile(50).Seconds()))
		}
	}
}

func reportCPU(out io.Writer, phases []phase) {
	fmt.Fprintln(out, "\t\nCPU seconds per application\tuntil")
	for _, name := range programs {
		fmt.Fprintf(out, "\t%s", name)
	}
	fmt.Fprintln(out, "\tcharged\tmark\ttimes less\t")
	for _, p := range phases {
		reportCPUUntil(out, p, p.name, "may run", p.untilReady)
		reportCPUUntil(out, p, "", "protected again", p.untilProtected)
	}
}

func reportCPUUntil(out io.Writer, p phase, name, until string, s spent) {
	apps := float64(max(1, len(p.samples)))
	fmt.Fprintf(out, "%s\t%s", name, until)
	for _, program := range programs {
		fmt.Fprintf(out, "\t%.3f", s.usage[program].Seconds()/apps)
	}
	var sum time.Duration
	for _, program := range charged {
		sum += s.usage[program]
	}
	fmt.Fprintf(out, "\t%.3f\t%s\t%s\t\n", sum.Seconds()/apps,
		orDash(p.marks.cpu > 0, seconds(p.marks.cpu)), ratio(p.marks.cpu.Seconds(), sum.Seconds()/apps))
}

// countedServers in the order of the report.
var countedServers = []string{component.APIServer, framework.Hub, framework.DR1, framework.DR2}

func reportRequests(out io.Writer, phases []phase) {
	fmt.Fprint(out, "\t\nAPI requests per application\tuntil")
	for _, server := range countedServers {
		fmt.Fprintf(out, "\t%s", server)
	}
	fmt.Fprintln(out, "\tall\tmark\ttimes less\twatches, leases\t")
	for _, p := range phases {
		reportRequestsUntil(out, p, p.name, "may run", p.untilReady)
		reportRequestsUntil(out, p, "", "protected again", p.untilProtected)
	}
}

func reportRequestsUntil(out io.Writer, p phase, name, until string, s spent) {
	apps := float64(max(1, len(p.samples)))
	fmt.Fprintf(out, "%s\t%s", name, until)
	for _, server := range countedServers {
		counted, _ := s.requests.total(server)
		fmt.Fprintf(out, "\t%.1f", counted/apps)
	}
	counted, apart := s.requests.total("")
	fmt.Fprintf(out, "\t%.1f\t%s\t%s\t%.1f\t\n", counted/apps,
		orDash(p.marks.requests > 0, fmt.Sprintf("%.0f", p.marks.requests)), ratio(p.marks.requests, counted/apps), apart/apps)
}

func reportIdle(out io.Writer, idle idleUse) {
	if idle.during == 0 {
		return
	}
	fmt.Fprintf(out, "\t\nidle for %s\t\tCPU (%% of a core)\tmemory (MB)\t\n", idle.during)
	for _, name := range programs {
		fmt.Fprintf(out, "\t%s\t%.2f\t%d\t\n", name, 100*idle.cpu[name].Seconds()/idle.during.Seconds(), idle.memory[name]>>20)
	}
}

// reportKinds lists what the requests were.
func reportKinds(out io.Writer, phases []phase) {
	for _, p := range phases {
		fmt.Fprintf(out, "\nrequests per application, %s, until protected again\n", p.name)
		for _, kind := range p.untilProtected.requests.kinds() {
			fmt.Fprintf(out, "%8.2f  %s\n", p.untilProtected.requests[kind]/float64(max(1, len(p.samples))), kind)
		}
	}
}

func collect(samples []sample, of func(sample) time.Duration) []time.Duration {
	durations := make([]time.Duration, 0, len(samples))
	for _, s := range samples {
		durations = append(durations, of(s))
	}
	return durations
}

func seconds(d time.Duration) string {
	return fmt.Sprintf("%.3f", d.Seconds())
}

func orDash(there bool, text string) string {
	if there {
		return text
	}
	return "-"
}

// ratio is how many times less is needed than the mark.
func ratio(mark, measured float64) string {
	return orDash(mark > 0 && measured > 0, fmt.Sprintf("%.1f", mark/measured))
}
