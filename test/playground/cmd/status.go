// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ramendr/dr-apiserver/test/playground/supervisor"
)

func newStatus() *cobra.Command {
	output := ""
	command := &cobra.Command{
		Use:   "status",
		Short: "Show every process, the network, and what the hub knows",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			status, err := supervisor.NewClient().Status(cmd.Context())
			if err != nil {
				return err
			}
			return write(cmd.OutOrStdout(), output, status, printStatus)
		},
	}
	addOutputFlag(command, &output)
	return command
}

func addOutputFlag(command *cobra.Command, output *string) {
	command.Flags().StringVarP(output, "output", "o", "", "json, or empty for people")
}

// write writes a value as JSON or for people.
func write[T any](out io.Writer, output string, value T, forPeople func(io.Writer, T)) error {
	switch output {
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(value)
	case "":
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		forPeople(table, value)
		return table.Flush()
	}
	return fmt.Errorf("output format %q is not json", output)
}

func printStatus(out io.Writer, status supervisor.Status) {
	fmt.Fprintln(out, "CLUSTER\tPROCESS\tSTATE\tPID\tPORT\tRESTARTS")
	for _, p := range status.Processes {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%d\n", p.Cluster, p.Name, p.State, number(p.PID), number(p.Port), p.Restarts)
	}
	if len(status.Partitioned) > 0 {
		fmt.Fprintf(out, "\nCut off: %s\n", strings.Join(status.Partitioned, ", "))
	}
	for _, store := range status.S3 {
		if store.Mode != "Pass" {
			fmt.Fprintf(out, "\nObject store %s: %s\n", store.Profile, store.Mode)
		}
	}
	if status.Hub != "" {
		fmt.Fprintf(out, "\nThe hub does not answer: %s\n", status.Hub)
		return
	}
	fmt.Fprintln(out, "\nDRCLUSTER\tVALIDATED\tCONNECTED")
	for _, c := range status.DRClusters {
		fmt.Fprintf(out, "%s\t%s\t%s\n", c.Name, c.Validated, c.Connected)
	}
	if len(status.Applications) > 0 {
		fmt.Fprintln(out, "\nAPPLICATION\tPHASE\tPRIMARY\tPROTECTED")
	}
	for _, a := range status.Applications {
		fmt.Fprintf(out, "%s/%s\t%s\t%s\t%s\n", a.Namespace, a.Name, a.Phase, a.PrimaryCluster, a.Protected)
	}
}

func number(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}
