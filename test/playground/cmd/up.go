// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ramendr/dr-apiserver/test/playground/layout"
	"github.com/ramendr/dr-apiserver/test/playground/process"
	"github.com/ramendr/dr-apiserver/test/playground/supervisor"
)

// supervisorTimeout is how long the supervisor may take to answer.
const supervisorTimeout = 20 * time.Second

func newUp() *cobra.Command {
	instant, hubOnly, breakable, storage := false, false, false, ""
	command := &cobra.Command{
		Use:   "up",
		Short: "Boot the playground; do nothing if it is up",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			boot := supervisor.Command{Verb: supervisor.VerbUp}
			if instant {
				boot.Words = append(boot.Words, supervisor.WordInstant)
			}
			if hubOnly {
				boot.Words = append(boot.Words, supervisor.WordHubOnly)
			}
			if breakable {
				boot.Words = append(boot.Words, supervisor.WordBreakable)
			}
			if storage != "" {
				boot.Words = append(boot.Words, supervisor.WordStorage+storage)
			}
			return up(cmd.Context(), printer(cmd.OutOrStdout()), boot)
		},
	}
	command.Flags().BoolVar(&instant, "instant-storage", false,
		"storage answers VolumeReplications at once, without csi-addons: for measuring everything else")
	command.Flags().BoolVar(&hubOnly, "hub-only", false,
		"boot the hub and leave the managed clusters as they are: for trying the API and nothing else")
	command.Flags().BoolVar(&breakable, "breakable", false,
		"give etcds and object stores of a new playground disks that can be full, and dr-apiserver a link that can be slow")
	command.Flags().StringVar(&storage, "storage", "",
		"where dr-apiserver of a new playground keeps its objects: embedded (which it does unless told otherwise) or host")
	command.MarkFlagsMutuallyExclusive("instant-storage", "hub-only")
	return command
}

// up has the supervisor boot the playground. A supervisor that this call has started ends with it if it fails or is
// interrupted: however this program dies, the leash breaks.
func up(ctx context.Context, report supervisor.Progress, boot supervisor.Command) error {
	client := supervisor.NewClient()
	root, err := layout.Find()
	if err != nil {
		return err
	}
	if pid, err := supervisorPID(root); err == nil && process.Replaced(pid) {
		report("bin/playground was built anew; its processes start again.")
		if err := end(ctx, root, report); err != nil {
			return err
		}
	}
	if client.Running() {
		return client.Do(ctx, report, boot)
	}
	daemon, err := startDaemon(root)
	if err != nil {
		return err
	}
	err = daemon.awaitSocket(ctx, client)
	if err == nil {
		err = client.Do(ctx, report, boot)
	}
	if err == nil {
		return daemon.release()
	}
	daemon.end()
	if ctx.Err() != nil {
		return errors.New("interrupted; every process was ended")
	}
	return err
}

// daemon is a supervisor while it is on the leash of the program that started it.
type daemon struct {
	leash io.WriteCloser
	ended chan struct{}
	log   string
}

func startDaemon(root layout.Root) (*daemon, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	path := root.Run("log", "supervisor.log")
	if err := os.MkdirAll(root.Run("log"), 0o755); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	held, leash, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer held.Close()
	cmd := exec.Command(program, "serve", "--leashed")
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{held}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the supervisor: %w", err)
	}
	d := &daemon{leash: leash, ended: make(chan struct{}), log: path}
	go func() {
		_ = cmd.Wait()
		close(d.ended)
	}()
	return d, nil
}

// awaitSocket returns when the supervisor answers.
func (d *daemon) awaitSocket(ctx context.Context, client *supervisor.Client) error {
	ctx, cancel := context.WithTimeout(ctx, supervisorTimeout)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !client.Running() {
		select {
		case <-d.ended:
			content, err := os.ReadFile(d.log)
			return errors.Join(fmt.Errorf("the supervisor did not start:\n%s", content), err)
		case <-ctx.Done():
			return fmt.Errorf("the supervisor does not answer; its log is %s", d.log)
		case <-ticker.C:
		}
	}
	return nil
}

// release lets the supervisor live on.
func (d *daemon) release() error {
	_, err := d.leash.Write([]byte{'.'})
	return errors.Join(err, d.leash.Close())
}

// end returns when the supervisor and all its processes are gone.
func (d *daemon) end() {
	_ = d.leash.Close()
	<-d.ended
}
