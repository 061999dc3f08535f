// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestEveryMutantIsCaught shows that the search can fail: each wrong decision is noticed by the promise that it breaks.
func TestEveryMutantIsCaught(t *testing.T) {
	for _, mu := range mutants {
		t.Run(mu.name, func(t *testing.T) {
			_, o, err := mu.hunt()
			switch {
			case err != nil:
				t.Fatal(err)
			case o.violation == nil:
				t.Errorf("not caught within %d states", o.states)
			case o.violation.invariant != mu.breaks:
				t.Errorf("caught by %q, not by %q", o.violation.invariant, mu.breaks)
			}
		})
	}
}

// TestStoriesWouldTellAgain shows that what is replayed would be noticed if it came back.
func TestStoriesWouldTellAgain(t *testing.T) {
	for file, change := range map[string]func(*deciders){
		"deleted-while-failed-away-from":            letGoRunning,
		"hub-restored-while-a-report-is-on-its-way": func(d *deciders) { d.deafToRestores = true },
		"restored-hub-adopts-a-restore-half-done":   takeForSettled,
		"restored-hub-believes-its-backup":          believeBackupsOf(anybody),
		"abort-of-a-forgotten-promotion":            believeBackupsOf(abortedTarget),
		"restored-hub-tells-a-target-given-up":      believeBackupsOf(passedSource),
		"relocate-to-a-cluster-promoted-unbeknown":  ignorePromoted,
	} {
		text, err := os.ReadFile(filepath.Join("testdata", "traces", file+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		told, err := parse(string(text))
		if err != nil {
			t.Fatal(err)
		}
		d := theProducts()
		change(&d)
		var v *violation
		if err := replay(told, d); !errors.As(err, &v) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
