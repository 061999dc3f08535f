// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ramendr/dr-apiserver/test/playground/disk"
	"github.com/ramendr/dr-apiserver/test/playground/layout"
	"github.com/ramendr/dr-apiserver/test/playground/supervisor"
)

func newDown() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "End every process and remove every file of the playground",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return down(cmd.Context(), printer(cmd.OutOrStdout()))
		},
	}
}

// endTimeout is how long the supervisor may take to end.
const endTimeout = 20 * time.Second

func down(ctx context.Context, report supervisor.Progress) error {
	root, err := layout.Find()
	if err != nil {
		return err
	}
	if err := end(ctx, root, report); err != nil {
		return err
	}
	if err := disk.RemoveAll(root.Run()); err != nil {
		return err
	}
	if err := os.RemoveAll(root.Run()); err != nil {
		return err
	}
	report("The playground is gone.")
	return nil
}

// end ends every process.
func end(ctx context.Context, root layout.Root, report supervisor.Progress) error {
	err := supervisor.NewClient().Do(ctx, report, supervisor.Command{Verb: supervisor.VerbDown})
	if err != nil && !errors.Is(err, supervisor.ErrNotUp) {
		report("%v", err)
	}
	return awaitEnd(ctx, root)
}

// awaitEnd returns when no supervisor is left. One that does not end by itself is killed, and its processes die with it.
func awaitEnd(ctx context.Context, root layout.Root) error {
	deadline := time.Now().Add(endTimeout)
	for killed := false; ; {
		if _, err := os.Stat(root.Run("supervisor.pid")); os.IsNotExist(err) {
			return nil
		}
		if lock, err := acquireLock(root); err == nil {
			return lock.Close()
		}
		if time.Now().After(deadline) {
			if killed {
				return errors.New("the supervisor does not end")
			}
			if err := killSupervisor(root); err != nil {
				return err
			}
			killed, deadline = true, time.Now().Add(endTimeout)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func killSupervisor(root layout.Root) error {
	pid, err := supervisorPID(root)
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// supervisorPID returns the process ID of the last supervisor.
func supervisorPID(root layout.Root) (int, error) {
	content, err := os.ReadFile(root.Run("supervisor.pid"))
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", root.Run("supervisor.pid"), err)
	}
	return pid, nil
}
