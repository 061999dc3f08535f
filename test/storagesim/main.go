// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Storagesim plays the storage and the kubelets' part in it of one cluster of the playground, with real bytes. See
// README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

func main() {
	var o options
	fs := flag.NewFlagSet("storagesim", flag.ExitOnError) // libraries put flags of theirs on the common one
	klog.InitFlags(fs)
	o.addFlags(fs)
	_ = fs.Parse(os.Args[1:]) // ends the process on errors
	ctrl.SetLogger(klog.Background())
	if err := o.validate(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil && !errors.Is(err, context.Canceled) {
		klog.ErrorS(err, "Storage simulator ended", "cluster", o.cluster)
		klog.Flush()
		os.Exit(1)
	}
}
