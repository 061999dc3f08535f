// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

const compared = `
Applications that run are protected and then go there and back, one after the other%s. Seconds from the request;
of several rounds the median.
`

// reportVolumes prints how applications compare that differ in how many volumes they have.
func reportVolumes(out io.Writer, courses []course) {
	if len(courses) == 0 {
		return
	}
	fmt.Fprintf(out, compared, ", each alone")
	fmt.Fprint(out, "Were volumes dealt with one after the other, times would grow as their number does: \"of n times\" were 100%.\n\n")
	least := courses[0]
	head := []string{
		"volumes", "until", "seconds", fmt.Sprintf("times that of %d", least.volumes), "further volume (ms)",
		fmt.Sprintf("of n times that of %d", least.volumes),
	}
	for _, program := range programs {
		head = append(head, "CPU s: "+string(program))
	}
	t := table{head}
	for _, m := range measures {
		if m.of(least).took == 0 {
			// It did not go there and back.
			continue
		}
		for _, c := range courses {
			it, first := m.of(c), m.of(least)
			more, factor := c.volumes-least.volumes, float64(c.volumes)/float64(least.volumes)
			row := []string{
				strconv.Itoa(c.volumes), m.until, seconds(it.took), times(it.took, first.took),
				orDash(more > 0, decimal(float64((it.took-first.took).Milliseconds())/float64(max(1, more)))),
				fmt.Sprintf("%.0f%%", 100*it.took.Seconds()/(factor*first.took.Seconds())),
			}
			for _, program := range programs {
				row = append(row, seconds(it.usage[program]))
			}
			t.add(row...)
		}
	}
	t.print(out)
}

// reportMethods prints how applications with volumes of several methods compare with those of one.
func reportMethods(out io.Writer, courses []course) {
	if len(courses) == 0 {
		return
	}
	fmt.Fprintf(out, compared, ", while the others' volumes are replicated")
	fmt.Fprint(out, "Storage needs its time here, and its own controllers. Were methods dealt with one after the other, an application would\n"+
		"take as long as all its methods together; it takes as long as the slowest where they don't wait for each other.\n\n")
	t := table{{
		fmt.Sprintf("classes of the %d volumes", volumesPerMix), "until", "seconds", "slowest of these alone", "times that",
	}}
	for _, m := range measures {
		for _, c := range courses {
			took, limit := m.of(c).took, slowest(courses, c.classes, m.of)
			mixed := len(c.classes) > 1
			t.add(strings.Join(c.classes, ", "), m.until, seconds(took), orDash(mixed, seconds(limit)), orDash(mixed, times(took, limit)))
		}
	}
	t.print(out)
}

func times(d, of time.Duration) string {
	return ratio(d.Seconds(), of.Seconds())
}
