// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package cmd is the command line of the playground.
package cmd

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ramendr/dr-apiserver/test/playground/layout"
	"github.com/ramendr/dr-apiserver/test/playground/supervisor"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
)

// New returns the command.
func New() *cobra.Command {
	root := &cobra.Command{
		Use:           "playground",
		Short:         "A hub and two managed clusters of real parts on this machine",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return enterRoot()
		},
	}
	root.AddCommand(newUp(), newDown(), newServe(), newStatus(), newApp(), newRecords(),
		newRelayed(supervisor.VerbKill, "kill {dr1|dr2|hub | agent CLUSTER | apiserver | etcd CLUSTER}",
			"End processes with SIGKILL: a cluster's with its agent, the hub's, or one"),
		newRelayed(supervisor.VerbStart, "start {dr1|dr2|hub | agent CLUSTER | apiserver | etcd CLUSTER | s3 PROFILE}",
			"Start again what was killed or stopped"),
		newRelayed(supervisor.VerbStop, "stop s3 PROFILE",
			"End the object store of a profile"),
		newRelayed(supervisor.VerbPartition, "partition {dr1|dr2|hub}",
			"Cut a cluster's agent and storage off from the hub and the peer, or the hub off from both"),
		newRelayed(supervisor.VerbSlow, "slow {dr1|dr2|hub}",
			"Make all that a cluster's agent and storage exchange with the hub and the peer take its time"),
		newRelayed(supervisor.VerbHeal, "heal {dr1|dr2|hub}",
			"Undo partition and slow"),
		newRelayed(supervisor.VerbS3, "s3 PROFILE {forbid|full|hang|slow|truncate|heal}",
			"Make an object store refuse every request, have no room, not answer, answer late or incompletely, or serve again"),
		newRelayed(supervisor.VerbDisk, "disk CLUSTER/{etcd|s3|dr-apiserver} {full|heal}",
			"Make the disk of a program full, or give it room again, in a playground that is breakable"),
		newFault(),
	)
	return root
}

// enterRoot makes the top of the source tree the working directory.
func enterRoot() error {
	root, err := layout.Find()
	if err != nil {
		return err
	}
	return os.Chdir(string(root))
}

// newRelayed returns a command that the supervisor carries out.
func newRelayed(verb, use, short string) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		RunE: func(cmd *cobra.Command, words []string) error {
			command := supervisor.Command{Verb: verb, Words: words}
			return supervisor.NewClient().Do(cmd.Context(), printer(cmd.OutOrStdout()), command)
		},
	}
}

func newFault() *cobra.Command {
	command := newRelayed(supervisor.VerbFault, "fault [STORAGE-FAULT...]",
		"Make the storage lag, fail, hang or crash at named points; without words list what is in place")
	command.Long = command.Short + ".\n\n" + faults.Usage + "\n\nPoints: " + strings.Join(faults.Points(), ", ")
	return command
}

func printer(out io.Writer) supervisor.Progress {
	return func(format string, args ...any) {
		fmt.Fprintf(out, format+"\n", args...)
	}
}
