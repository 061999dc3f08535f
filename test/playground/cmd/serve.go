// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ramendr/dr-apiserver/test/playground/layout"
	"github.com/ramendr/dr-apiserver/test/playground/supervisor"
)

// leashFile is the file descriptor of the leash.
const leashFile = 3

func newServe() *cobra.Command {
	leashed := false
	command := &cobra.Command{
		Use:    "serve",
		Short:  "Be the supervisor; up starts it",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), leashed)
		},
	}
	command.Flags().BoolVar(&leashed, "leashed", false, "end when the pipe at file descriptor 3 is closed without a word")
	return command
}

func serve(ctx context.Context, leashed bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if leashed {
		go obey(os.NewFile(leashFile, "leash"), cancel)
	}
	root, err := layout.Find()
	if err != nil {
		return err
	}
	lock, err := acquireLock(root)
	if err != nil {
		return err
	}
	defer lock.Close()
	s, err := supervisor.New(root)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := os.Remove(layout.Socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	listener, err := net.Listen("unix", layout.Socket)
	if err != nil {
		return err
	}
	return s.Serve(ctx, listener)
}

// obey ends the supervisor when whoever started it ends without having let it go.
func obey(leash io.Reader, end func()) {
	if n, _ := leash.Read(make([]byte, 1)); n == 0 {
		end()
	}
}

// acquireLock makes sure that there is one supervisor, and writes down which process it is.
func acquireLock(root layout.Root) (*os.File, error) {
	lock, err := os.OpenFile(root.Run("supervisor.pid"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("another supervisor holds %s: %w", lock.Name(), err)
	}
	if err := lock.Truncate(0); err != nil {
		return nil, err
	}
	_, err = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return lock, err
}
