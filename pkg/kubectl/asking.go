// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"fmt"

	"github.com/spf13/cobra"
)

// Values of --dry-run, as kubectl has them.
const (
	dryRunNone   = "none"
	dryRunServer = "server"
)

// asking is --dry-run and --yes: whether the server is only asked what would happen, and whether a person is asked first.
type asking struct {
	dryRun string
	yes    bool
}

func (a *asking) addTo(cmd *cobra.Command, dryRun string) {
	cmd.Flags().StringVar(&a.dryRun, "dry-run", dryRunNone, dryRun)
	cmd.Flags().Lookup("dry-run").NoOptDefVal = dryRunServer
	cmd.Flags().BoolVarP(&a.yes, "yes", "y", false, "don't ask; without a terminal nobody is asked anyway")
}

func (a *asking) validate() error {
	if a.dryRun != dryRunNone && a.dryRun != dryRunServer {
		return fmt.Errorf("--dry-run=%s: only the server knows what would happen; use --dry-run or --dry-run=%s", a.dryRun, dryRunServer)
	}
	return nil
}
