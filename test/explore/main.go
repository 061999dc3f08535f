// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Explore lets everything happen that can happen to a placement, in every order, and checks in every state that the
// promises hold. What it drives are the product's own decisions; the world around them is a small model.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
)

func main() {
	bound := flag.String("bound", "ci", "how much may happen: small, ci or large")
	own := flag.String("budget", "", "a bound of one's own: verbs,faults,crashes,writes,backups")
	name := flag.String("scenario", "", "only the scenario of this name")
	broken := flag.String("mutant", "", "instead of the product itself, hunt the mutant of this name, or all of them")
	most := flag.Int("most", 0, "give a scenario up after so many states")
	walks := flag.Int("walks", 0, "afterwards take so many random walks, beyond the bound")
	seed := flag.Int64("seed", 1, "of the random walks")
	flag.Parse()
	debug.SetGCPercent(400)
	var err error
	if *broken != "" {
		err = hunt(*broken)
	} else {
		err = explore(*name, *bound, *own, *most, *walks, *seed)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
