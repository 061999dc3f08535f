// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// bench measures, on a playground whose storage answers at once, how long failover and relocate take from the request to the
// first step on the target and until the workload may run, for one application and for many at once, what that costs in
// CPU time and API requests, and what everything uses when nothing happens.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// options of the measurement.
type options struct {
	runs    int
	apps    int
	idle    time.Duration
	timeout time.Duration
	keep    bool
	verbose bool
}

func main() {
	var o options
	flag.IntVar(&o.runs, "runs", 50, "actions measured one after the other, each on an application of its own; 0 leaves that out")
	flag.IntVar(&o.apps, "apps", 100, "applications that act at once; 0 leaves that out")
	flag.DurationVar(&o.idle, "idle", 30*time.Second, "how long to measure what is used while nothing happens; 0 leaves that out")
	flag.DurationVar(&o.timeout, "timeout", 30*time.Minute, "give up after this time")
	flag.BoolVar(&o.keep, "keep", false, "leave playground and applications for a look")
	flag.BoolVar(&o.verbose, "v", false, "list requests by server, verb and resource")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run boots the playground unless it is up, measures, and takes down what it booted.
func run(ctx context.Context, o options) (err error) {
	playground, err := framework.Find()
	if err != nil {
		return err
	}
	booted, err := playground.Boot(ctx, "--instant-storage")
	if err != nil {
		return err
	}
	if booted && !o.keep {
		defer func() {
			if downErr := playground.Do(context.WithoutCancel(ctx), "down"); err == nil {
				err = downErr
			}
		}()
	}
	b := &bench{options: o, playground: playground, out: os.Stdout}
	if err := b.connect(ctx); err != nil {
		return err
	}
	return b.run(ctx)
}
