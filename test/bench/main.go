// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// bench measures, on a playground whose storage answers at once, how long failover and relocate take from the request to the
// first step on the target and until the workload may run, for one application and for many at once, what that costs in
// CPU time and API requests, and what everything uses when nothing happens; and then what further volumes of an
// application and further methods to replicate them cost.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// options of the measurement.
type options struct {
	runs    int
	apps    int
	volumes []int
	class   string
	rounds  int
	methods bool
	idle    time.Duration
	stands  time.Duration
	timeout time.Duration
	keep    bool
	verbose bool
}

func main() {
	var o options
	flag.IntVar(&o.runs, "runs", 50, "actions measured one after the other, each on an application of its own; 0 leaves that out")
	flag.IntVar(&o.apps, "apps", 100, "applications that act at once; 0 leaves that out")
	o.volumes = []int{1, 10, 100}
	flag.Func("volumes", "numbers of volumes to compare applications of; empty leaves that out (default 1,10,100)", o.setVolumes)
	flag.StringVar(&o.class, "class", usual.classes[0], "StorageClass of the volumes whose numbers are compared")
	flag.BoolVar(&o.methods, "methods", true, "compare applications whose volumes are replicated by one method and by several")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each application that is compared goes there and back")
	flag.DurationVar(&o.idle, "idle", 30*time.Second, "how long to measure what is used while nothing happens; 0 leaves that out")
	flag.DurationVar(&o.stands, "stand", time.Minute, "how long to measure what it costs to keep an application protected whose number of volumes is compared; 0 leaves that out")
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

// setVolumes reads the numbers of volumes.
func (o *options) setVolumes(text string) error {
	o.volumes = nil
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' }) {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number of volumes", word)
		}
		o.volumes = append(o.volumes, n)
	}
	return nil
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

// run measures everything. csi-addons' own manager, which knows groups, is there only where storage does not answer at once.
func (b *bench) run(ctx context.Context) error {
	if err := b.runFleets(ctx); err != nil {
		return err
	}
	if b.class == usual.classes[0] {
		if err := b.compareVolumes(ctx); err != nil || !b.methods {
			return err
		}
	}
	if err := b.playground.Do(ctx, "up"); err != nil {
		return err
	}
	if b.class != usual.classes[0] {
		if err := b.compareVolumes(ctx); err != nil || !b.methods {
			return err
		}
	}
	return b.compareMethods(ctx)
}
