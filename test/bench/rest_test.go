// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"
)

func TestWhatAFurtherVolumeCostsAMinute(t *testing.T) {
	of := func(volumes int, secrets float64, cpu time.Duration) course {
		return course{shape: shape{volumes: volumes}, standing: standing{during: 2 * time.Minute, spent: spent{
			requests: requests{{server: "dr1", verb: "POST", resource: "secrets"}: secrets, {server: "dr1", verb: "GET", resource: "secrets"}: 4},
			usage:    map[program]time.Duration{programAgents: cpu},
		}}}
	}
	var out strings.Builder
	reportStanding(&out, []course{of(1, 2, 2*time.Second), of(11, 42, 22*time.Second), {shape: shape{volumes: 100}}}, true)
	for _, want := range []string{"for 2m0s", "each further volume       2.0     2.0         2.0", "11       the application          23.0    21.0        21.0", "11.000", "dr1 POST"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "100") {
		t.Errorf("what was not measured is told:\n%s", out.String())
	}
}
