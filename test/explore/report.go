// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const rowFormat = "%-10s %-6s %9s %12s %6s %9s %8s  %s\n"

// explore searches the scenarios and tells what came of it. A violation is told as a story, and written to a file that
// TestStories replays once it is moved to testdata/traces.
func explore(only, bound, own string, most, walks int, seed int64) error {
	fmt.Printf(rowFormat, "SCENARIO", "BOUND", "STATES", "TRANSITIONS", "DEPTH", "CPU", "MEMORY", "")
	failed, states := 0, 0
	for _, sc := range scenarios {
		if only != "" && sc.name != only {
			continue
		}
		if own != "" {
			b := budget{}
			if _, err := fmt.Sscanf(own, "%d,%d,%d,%d,%d", &b.verbs, &b.faults, &b.crashes, &b.writes, &b.backups); err != nil {
				return fmt.Errorf("-budget %s: %w", own, err)
			}
			bound, sc.bounds = "own", map[string]budget{"own": b}
		}
		if _, ok := sc.bounds[bound]; !ok {
			return fmt.Errorf("there is no bound %q; there are small, ci and large", bound)
		}
		m := newModel(sc, theProducts())
		o := m.search(bound, most)
		states += o.states
		fmt.Print(o.row())
		if o.violation == nil && walks > 0 {
			o = m.walk(bound, walks, seed)
			fmt.Print(o.row())
		}
		if o.violation != nil {
			failed++
			if err := m.show(o); err != nil {
				return err
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d scenarios violate an invariant", failed)
	}
	fmt.Printf("%d states, in none of which a promise is broken, and from each of which all ends well\n", states)
	return nil
}

func (o outcome) row() string {
	verdict := "every state"
	switch {
	case o.violation != nil:
		verdict = "VIOLATED: " + string(o.violation.invariant)
	case o.bound == afoot:
		verdict = "so many walks"
	case !o.complete:
		verdict = "not every state"
	}
	return fmt.Sprintf(rowFormat, o.scenario, o.bound, fmt.Sprint(o.states), fmt.Sprint(o.transitions), fmt.Sprint(o.depth),
		o.took.Round(10*time.Millisecond), fmt.Sprintf("%dMB", o.heap>>20), verdict)
}

// show tells the shortest way to a violation, and writes it down.
func (m *model) show(o outcome) error {
	t := m.tell(o.trace, o.violation)
	fmt.Println()
	for i, line := range t.lines {
		fmt.Printf("%4d. %s\n", i+1, line)
	}
	fmt.Printf("\n%s\n\n", o.violation)
	path := filepath.Join(os.TempDir(), fmt.Sprintf("%s-%d.txt", o.scenario, len(t.lines)))
	if err := os.WriteFile(path, []byte(t.String()), 0o600); err != nil {
		return err
	}
	fmt.Printf("To replay it, move %s to test/explore/testdata/traces and run go test ./test/explore -run Stories\n", path)
	return nil
}

// hunt has the search try itself on mutants.
func hunt(name string) error {
	fmt.Printf("%-60s %-10s %9s %6s  %s\n", "MUTANT", "SCENARIO", "STATES", "EVENTS", "CAUGHT BY")
	var survivors []string
	hunted := 0
	for _, mu := range mutants {
		if name != "all" && !strings.Contains(mu.name, name) {
			continue
		}
		hunted++
		m, o, err := mu.hunt()
		if err != nil {
			return err
		}
		caught := "NOTHING"
		if o.violation != nil {
			caught = string(o.violation.invariant)
		} else {
			survivors = append(survivors, mu.name)
		}
		fmt.Printf("%-60s %-10s %9d %6d  %s\n", mu.name, mu.scenario, o.states, len(o.trace), caught)
		if name != "all" && o.violation != nil {
			if err := m.show(o); err != nil {
				return err
			}
		}
	}
	if hunted == 0 {
		return fmt.Errorf("there is no mutant %q", name)
	}
	if len(survivors) > 0 {
		return errors.New("not caught: " + strings.Join(survivors, "; "))
	}
	return nil
}
