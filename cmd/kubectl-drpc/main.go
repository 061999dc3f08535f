// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// kubectl-drpc is the kubectl plugin of dr.ramen.io: kubectl drpc status, failover, relocate, abort, history.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth"

	"github.com/ramendr/dr-apiserver/pkg/kubectl"
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd := kubectl.NewCommand(genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr})
	err := cmd.ExecuteContext(ctx)
	code, unprinted := kubectl.ExitCode(err)
	if unprinted {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
	}
	return code
}
