// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints everything that was measured.
func (b *bench) report() error {
	fmt.Fprintf(b.out, "\n%d objects of each kind in %d namespaces; storage %s; %d CPUs; load %s.\n\n",
		b.objects, namespaces, b.storage, runtime.NumCPU(), strings.Join(b.loads, ", "))
	if err := b.reportTimes(); err != nil {
		return err
	}
	fmt.Fprintln(b.out)
	return b.reportMemory()
}

func (b *bench) reportTimes() error {
	table := tabwriter.NewWriter(b.out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "milliseconds\tof each\tcustom resource p50\tp99\tdr-apiserver p50\tp99\tratio p50\tp99\taim\tMB\t")
	for _, r := range b.results {
		theirs, ours := r.taken[0], r.taken[1]
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.name, len(ours),
			milliseconds(theirs.Percentile(50)), milliseconds(theirs.Percentile(99)),
			milliseconds(ours.Percentile(50)), milliseconds(ours.Percentile(99)),
			ratio(ours.Percentile(50), theirs.Percentile(50)), ratio(ours.Percentile(99), theirs.Percentile(99)), aim(r.aim), b.size(r.name))
	}
	return table.Flush()
}

func aim(ratio float64) string {
	if ratio == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", ratio)
}

// size is how much was read from each side.
func (b *bench) size(name string) string {
	sizes := b.sizes[name]
	if sizes == nil {
		return ""
	}
	return fmt.Sprintf("%.1f, %.1f", megabytes(int64(sizes[b.sides[0].name])), megabytes(int64(sizes[b.sides[1].name])))
}

func (b *bench) reportMemory() error {
	if len(b.memory) < len(b.sides) {
		return nil
	}
	table := tabwriter.NewWriter(b.out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "MB more per 10,000 objects\tcustom resource live\tresident\tdr-apiserver live\tresident\tratio live\tresident\t")
	row := func(name string, theirs, ours footprint) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", name,
			b.perTenThousand(theirs.live), b.perTenThousand(theirs.resident), b.perTenThousand(ours.live), b.perTenThousand(ours.resident),
			ratio(ours.live, theirs.live), ratio(ours.resident, theirs.resident))
	}
	theirs, ours := b.memory[0], b.memory[1]
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		row(name, theirs[name], ours[name])
	}
	row("all", theirs.sum(), ours.sum())
	return table.Flush()
}

func (b *bench) perTenThousand(bytes int64) string {
	return fmt.Sprintf("%.1f", megabytes(bytes)*10000/float64(b.objects))
}

func megabytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()*1000) }

// ratio is how many times more ours is than theirs.
func ratio[N ~int64](ours, theirs N) string {
	if ours <= 0 || theirs <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(ours)/float64(theirs))
}
