// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// summarize says in a few lines what happened.
func summarize(history []Entry, found []Finding, say func(string, ...any)) {
	kinds := map[string]bool{}
	met := map[string]int{}
	faultsDone, answers, ends, writes, seen, restored := map[string]int{}, map[string]int{}, map[string]int{}, 0, 0, 0
	for _, e := range history {
		switch {
		case e.Kind == KindFault && e.Error == "" && !strings.HasPrefix(e.What, "end of "):
			faultsDone["had an effect"]++
			kinds[kindOf(e.What)] = true
		case e.Kind == KindFault && e.Error != "":
			faultsDone["had none"]++
		case e.Kind == KindMet:
			_, what, _ := strings.Cut(e.What, " ")
			met[what]++
		case e.Kind == KindRequest:
			answers[string(e.Answer)]++
		case e.Kind == KindWrite && e.Answer == Accepted:
			writes++
		case e.Kind == KindSeen:
			seen++
		case e.Kind == KindCapture:
			restored++
		}
	}
	for _, lives := range actionsOf(history) {
		for _, l := range lives {
			ends[l.last().Ended]++
		}
	}
	say("Storage came by: %s.", counts(met))
	say("Faults of %d kinds: %s. Requests: %s. Actions: %s.", len(kinds), counts(faultsDone), counts(answers), counts(ends))
	acknowledged, lost, overlaps := 0, 0, 0
	for _, f := range found {
		say("%s (%s): %d records acknowledged, %d not kept, %d torn; %d times two clusters wrote a volume.",
			f.App, f.Kind.Name, f.Report.Acknowledged, f.Report.Lost, f.Report.Torn, f.Report.Overlaps)
		acknowledged += f.Report.Acknowledged
		lost += f.Report.Lost
		overlaps += f.Report.Overlaps
	}
	say("Records: %d acknowledged, %d not kept; %d times two clusters wrote. Captures restored: %d.", acknowledged, lost, overlaps, restored)
	say("API: %d writes acknowledged, %d seen by a watcher.", writes, seen)
}

// kindOf is the name of the fault without its target.
func kindOf(what string) string {
	kind := ""
	for name := range faults {
		if strings.HasPrefix(what, name+" ") && len(name) > len(kind) {
			kind = name
		}
	}
	return kind
}

func counts(of map[string]int) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		words = append(words, fmt.Sprintf("%d %s", of[name], name))
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
