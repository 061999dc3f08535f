// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

// TestEveryMutantIsCaught shows that the search can fail: each wrong decision is noticed by the promise that it breaks.
func TestEveryMutantIsCaught(t *testing.T) {
	for _, mu := range mutants {
		t.Run(mu.name, func(t *testing.T) {
			o, err := mu.hunt()
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
