// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"
)

// story is a trace as people read it and a test replays it: the scenario and what happened, a line each.
type story struct {
	about    []string
	scenario string
	lines    []string
}

func (m *model) tell(events []event, v *violation) story {
	t := story{scenario: m.scenario.name}
	if v != nil {
		t.about = strings.Split(v.Error(), "\n")[:1]
	}
	for _, e := range events {
		t.lines = append(t.lines, m.words(e))
	}
	return t
}

func (t story) String() string {
	var out strings.Builder
	for _, line := range t.about {
		fmt.Fprintf(&out, "# %s\n", line)
	}
	fmt.Fprintf(&out, "scenario %s\n", t.scenario)
	for _, line := range t.lines {
		fmt.Fprintln(&out, line)
	}
	return out.String()
}

// parse reads a story back.
func parse(text string) (story, error) {
	var t story
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		comment, isComment := strings.CutPrefix(line, "#")
		name, isScenario := strings.CutPrefix(line, "scenario ")
		switch {
		case line == "":
		case isComment:
			t.about = append(t.about, strings.TrimSpace(comment))
		case isScenario:
			t.scenario = name
		default:
			t.lines = append(t.lines, line)
		}
	}
	if t.scenario == "" {
		return t, errors.New("no line says of which scenario it is")
	}
	return t, nil
}

// unbounded is a budget that no story exceeds.
var unbounded = budget{verbs: 50, faults: 50, crashes: 50, writes: maxRecords, backups: 10}

// replay lets a story happen again and returns what it violates, if anything, on the way or once faults stop.
func replay(t story, d deciders) error {
	sc, err := find(t.scenario)
	if err != nil {
		return err
	}
	m := newModel(sc, d)
	s, err := m.follow(m.begin(unbounded), t.lines)
	if err != nil {
		return err
	}
	return m.ends(s, map[[2]uint64]struct{}{})
}

// follow lets what a story tells happen.
func (m *model) follow(s state, lines []string) (state, error) {
	known := map[string]event{}
	for _, e := range m.everything() {
		known[m.words(e)] = e
	}
	for _, line := range lines {
		e, ok := known[line]
		if !ok {
			return s, fmt.Errorf("scenario %s knows no event %q", m.scenario.name, line)
		}
		var err error
		if s, err = m.apply(s, e); err != nil {
			return s, err
		}
	}
	return s, nil
}

func find(name string) (scenario, error) {
	var known []string
	for _, sc := range scenarios {
		if sc.name == name {
			return sc, nil
		}
		known = append(known, sc.name)
	}
	return scenario{}, fmt.Errorf("there is no scenario %q; there are %s", name, strings.Join(known, ", "))
}
