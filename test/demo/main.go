// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// demo tells the story of one application that loses its cluster, is recovered on another one and comes back, on a
// playground of its own, and proves with counted records what was lost. It ends with 0 only if all of it held.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/playground/layout"
)

func main() {
	keep := flag.Bool("keep", false, "leave the playground up at the end")
	flag.Parse()
	// What goes wrong is told in the story; client-go's log of a killed cluster would only drown it.
	klog.SetLogger(logr.Discard())
	os.Exit(run(*keep))
}

func run(keep bool) int {
	root, err := layout.Find()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	// Signals after the first one are caught too: the teardown must not be interrupted.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		cancel(fmt.Errorf("interrupted (%s)", <-signals))
	}()

	d := newDemo(root, newStage(root, os.Stdout))
	failure := d.tell(ctx)
	if failure != nil {
		d.stage.failed(failure)
		if ctx.Err() == nil {
			d.stage.showState(context.Background())
		}
	}
	if failure != nil && !keep && ctx.Err() == nil {
		d.stage.say("(bin/demo -keep leaves the playground up, with its logs in .run/log)")
	}
	if !keep {
		if err := d.stage.make(context.Background(), teardownTimeout, "down"); err != nil {
			d.stage.failed(fmt.Errorf("tear the playground down: %w", err))
			failure = err
		}
	}
	if ctx.Err() != nil {
		return 1
	}
	if held := d.printVerdict(); failure != nil || !held {
		return 1
	}
	return 0
}

// teardownTimeout is how long make down may take.
const teardownTimeout = 2 * time.Minute
