// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// TestStories replays what once broke a promise.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/traces/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			told, err := parse(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := replay(told, theProducts()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAStoryIsReadAsItWasTold(t *testing.T) {
	m := newModel(scenarios[0], theProducts())
	told := m.tell([]event{{hubDies, 0, 0}, {agentDies, 1, 0}, {verbAsked, 0, 1}}, &violation{oneWriter, "both write"})
	read, err := parse(told.String())
	if err != nil || read.String() != told.String() {
		t.Errorf("%q became %q: %v", told, read, err)
	}
}

func TestEveryEventHasItsOwnWords(t *testing.T) {
	for _, sc := range scenarios {
		m, seen := newModel(sc, theProducts()), map[string]event{}
		for _, e := range m.everything() {
			if other, taken := seen[m.words(e)]; taken {
				t.Errorf("%s: %+v and %+v are both %q", sc.name, e, other, m.words(e))
			}
			seen[m.words(e)] = e
		}
	}
}

// TestWordsDecideNothing checks what states are told apart by: what the tables leave out of objects changes no decision.
func TestWordsDecideNothing(t *testing.T) {
	m := newModel(scenarios[0], theProducts())
	s := m.begin(unbounded)
	told := m.hub
	m.hub = func(f hubFacts) hubDecision {
		f.Placement = f.Placement.DeepCopy()
		for i := range f.Placement.Status.Conditions {
			c := &f.Placement.Status.Conditions[i]
			c.Message, c.ObservedGeneration = "in other words", 7
			if c.Type != v1alpha1.ConditionComplete {
				c.Reason = "Other"
			}
		}
		if a := f.Placement.Status.CurrentAction; a != nil {
			for i := range a.Status.Steps {
				a.Status.Steps[i].Message, a.Status.Steps[i].Description = "other", "words"
			}
		}
		return told(f)
	}
	other := newModel(scenarios[0], theProducts())
	for _, e := range []event{{verbAsked, 0, 0}, {hubDecides, 0, 0}, {agentSees, 0, 0}, {agentDecides, 0, 0}, {agentReports, 0, 0}, {hubDecides, 0, 0}} {
		var err error
		if s, err = m.apply(s, e); err != nil {
			t.Fatal(err)
		}
	}
	with, _, err := m.settle(s)
	if err != nil {
		t.Fatal(err)
	}
	plainly := other.begin(unbounded)
	for _, e := range []event{{verbAsked, 0, 0}, {hubDecides, 0, 0}, {agentSees, 0, 0}, {agentDecides, 0, 0}, {agentReports, 0, 0}, {hubDecides, 0, 0}} {
		if plainly, err = other.apply(plainly, e); err != nil {
			t.Fatal(err)
		}
	}
	without, _, err := other.settle(plainly)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := m.placements.get(with.hub.placement), other.placements.get(without.hub.placement); !action.Ended(a.Status.CurrentAction) || encode(a) != encode(b) {
		t.Errorf("in other words it ends as %s, not as %s", encode(a), encode(b))
	}
}
