// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Command list prints the places at which a test build of the programs can be made to die.
package main

import (
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/ramendr/dr-apiserver/pkg/failpoint"

	// The packages that have points.
	_ "github.com/ramendr/dr-apiserver/pkg/agent"
	_ "github.com/ramendr/dr-apiserver/pkg/controllers"
	_ "github.com/ramendr/dr-apiserver/pkg/registry/dr/rest"
)

func main() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PROGRAM\tFAILPOINT\tWHAT IS DONE AND WHAT IS NOT")
	for _, p := range failpoint.All() {
		fmt.Fprintf(w, "%s\t%s\t%s\n", p.Program, p.Name, p.What)
	}
	if err := w.Flush(); err != nil {
		os.Exit(1)
	}
}
