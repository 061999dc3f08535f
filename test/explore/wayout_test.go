// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

// TestThereIsAWayOutWheneverAClusterIsLost loses each cluster for good before and after every event of an action that
// otherwise goes well.
func TestThereIsAWayOutWheneverAClusterIsLost(t *testing.T) {
	for number, v := range scenarios[0].verbs[:1] {
		walkCalmly(t, scenarios[0], v, number)
	}
	relocates, err := find("relocate")
	if err != nil {
		t.Fatal(err)
	}
	walkCalmly(t, relocates, relocates.verbs[0], 0)
}

func walkCalmly(t *testing.T, sc scenario, v verb, number int) {
	t.Run(v.String(), func(t *testing.T) {
		m := newModel(sc, theProducts())
		s, err := m.apply(m.begin(unbounded), event{verbAsked, 0, int8(number)}) //nolint:gosec // a handful
		if err != nil {
			t.Fatal(err)
		}
		tried := 0
		for {
			before := s
			for _, e := range m.calm() {
				next, err := m.apply(s, e)
				if err != nil {
					t.Fatal(err)
				}
				if next == s {
					continue
				}
				s = next
				for lost := range clusters {
					tried++
					if err := m.checkWayOut(s, lost); err != nil {
						t.Fatalf("after %q: %v", m.words(e), err)
					}
				}
			}
			if s == before {
				t.Logf("%d losses", tried)
				return
			}
		}
	})
}
