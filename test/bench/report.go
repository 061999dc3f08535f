// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/ramendr/dr-apiserver/test/bench/stats"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// measured says what the numbers are of.
const measured = `
Failover: dr1's agent is dead and known not to be connected; the request acknowledges SourceMayStillWrite. Relocate: both
clusters are there. All times are in seconds from the moment before the request is sent. "first step" is the first object
that is created or changed on the target's cluster for the application, seen by a watch there; "may run" is the action's
workloadReadyTime; "seen" is the StatefulSet with its replicas, seen by that watch. One at a time: each run is an
application of its own. Storage answers at once. "charged" is all but the last column: storage and kubelets are only played
here. Until "protected again" includes, after a failover, that dr1's agent returns and gives way. The marks are those of
RamenDR's own operators on this kind of machine.
`

// report prints everything that was measured.
func report(out io.Writer, o options, phases []phase, idle idleUse) {
	fmt.Fprint(out, measured, "\n")
	reportTimes(phases).print(out)
	reportCPU(phases).print(out)
	reportRequests(phases).print(out)
	if idle.during > 0 {
		reportIdle(idle).print(out)
	}
	if o.verbose {
		reportKinds(out, phases)
	}
}

func reportTimes(phases []phase) table {
	t := table{{"seconds", "until", "runs", "first", "p50", "p99", "last", "mark (p50)", "times faster"}}
	for _, p := range phases {
		t.addTimes(p.name, "answered", p.samples, 0, func(s sample) time.Duration { return s.answered })
		t.addTimes("", "first step", p.samples, 0, func(s sample) time.Duration { return s.firstStep })
		t.addTimes("", "may run", p.samples, p.marks.ready, func(s sample) time.Duration { return s.ready })
		t.addTimes("", "seen", p.samples, p.marks.ready, func(s sample) time.Duration { return s.running })
	}
	return t
}

func (t *table) addTimes(name, until string, samples []sample, mark time.Duration, of func(sample) time.Duration) {
	durations := make([]time.Duration, 0, len(samples))
	for _, s := range samples {
		durations = append(durations, of(s))
	}
	d := stats.New(durations)
	p50 := d.Percentile(50)
	t.add(name, until, strconv.Itoa(len(d)), seconds(d.First()), seconds(p50), seconds(d.Percentile(99)), seconds(d.Last()),
		orDash(mark > 0, seconds(mark)), ratio(mark.Seconds(), p50.Seconds()))
}

func reportCPU(phases []phase) table {
	head := []string{"CPU seconds per application", "until"}
	for _, name := range programs {
		head = append(head, string(name))
	}
	t := table{append(head, "charged", "mark", "times less")}
	for _, p := range phases {
		t.addCPU(p, p.name, "may run", p.untilReady)
		t.addCPU(p, "", "protected again", p.untilProtected)
	}
	return t
}

func (t *table) addCPU(p phase, name, until string, s spent) {
	row := []string{name, until}
	for _, program := range programs {
		row = append(row, seconds(p.each(s.usage[program])))
	}
	var sum time.Duration
	for _, program := range charged {
		sum += s.usage[program]
	}
	sum = p.each(sum)
	t.add(append(row, seconds(sum), orDash(p.marks.cpu > 0, seconds(p.marks.cpu)), ratio(p.marks.cpu.Seconds(), sum.Seconds()))...)
}

// each is an application's part of a sum.
func (p phase) each(sum time.Duration) time.Duration {
	return sum / time.Duration(max(1, len(p.samples)))
}

// countedServers in the order of the report. What goes through the hub's kube-apiserver to dr-apiserver is counted there.
var countedServers = []string{component.APIServer, framework.Hub, framework.DR1, framework.DR2}

func reportRequests(phases []phase) table {
	head := append([]string{"API requests per application", "until"}, countedServers...)
	t := table{append(head, "all", "mark", "times less", "watches and Leases besides")}
	for _, p := range phases {
		t.addRequests(p, p.name, "may run", p.untilReady)
		t.addRequests(p, "", "protected again", p.untilProtected)
	}
	return t
}

func (t *table) addRequests(p phase, name, until string, s spent) {
	apps := float64(max(1, len(p.samples)))
	row := []string{name, until}
	for _, server := range countedServers {
		counted, _ := s.requests.total(server)
		row = append(row, decimal(counted/apps))
	}
	counted, apart := s.requests.total("")
	t.add(append(row, decimal(counted/apps), orDash(p.marks.requests > 0, decimal(p.marks.requests)),
		ratio(p.marks.requests, counted/apps), decimal(apart/apps))...)
}

func reportIdle(idle idleUse) table {
	t := table{{"idle for " + idle.during.String(), "", "CPU (% of a core)", "memory (MB)"}}
	for _, name := range programs {
		t.add(string(name), "", fmt.Sprintf("%.2f", 100*idle.cpu[name].Seconds()/idle.during.Seconds()),
			strconv.FormatInt(idle.memory[name]>>20, 10))
	}
	return t
}

// reportKinds lists what the requests were.
func reportKinds(out io.Writer, phases []phase) {
	for _, p := range phases {
		apps := float64(max(1, len(p.samples)))
		t := table{{"requests per application, " + p.name, "resource", "until it may run", "until protected again"}}
		for _, kind := range p.untilProtected.requests.kinds() {
			t.add(kind.server+" "+kind.verb, kind.name(),
				fmt.Sprintf("%.2f", p.untilReady.requests[kind]/apps), fmt.Sprintf("%.2f", p.untilProtected.requests[kind]/apps))
		}
		t.print(out)
	}
}

func seconds(d time.Duration) string {
	return fmt.Sprintf("%.3f", d.Seconds())
}

func decimal(f float64) string {
	return strconv.FormatFloat(f, 'f', 1, 64)
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
