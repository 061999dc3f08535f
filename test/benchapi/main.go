// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// bench-api compares DRPlacementControls as dr-apiserver serves them with a CustomResourceDefinition of the same schema in the
// same kube-apiserver: the same requests with the same objects, sent to one and the other in turn.
package main

import (
	"context"
	"errors"
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
	objects  int
	requests int
	lists    int
	watchers int
	events   int
	storage  string
	profiles string
	keep     bool
}

func main() {
	var o options
	flag.IntVar(&o.objects, "objects", 10000, "objects of each kind")
	flag.IntVar(&o.requests, "requests", 1000, "gets, creates, updates, patches and applies measured of each kind")
	flag.IntVar(&o.lists, "lists", 20, "lists measured of each kind")
	flag.IntVar(&o.watchers, "watchers", 100, "watches that every event is delivered to")
	flag.IntVar(&o.events, "events", 200, "events measured of each kind")
	flag.StringVar(&o.storage, "storage", storageEmbedded, "where dr-apiserver keeps its objects: "+storageEmbedded+", "+storageEtcd+" or "+storageHost)
	flag.StringVar(&o.profiles, "profiles", "", "directory for CPU profiles of dr-apiserver, one for each kind of request")
	flag.BoolVar(&o.keep, "keep", false, "leave the playground for a look")
	timeout := flag.Duration("timeout", time.Hour, "give up after this time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench-api:", err)
		os.Exit(1)
	}
}

// run boots a hub, puts a dr-apiserver without controllers in the place of its own, measures, and takes the hub down.
func run(ctx context.Context, o options) (err error) {
	playground, err := framework.Find()
	if err != nil {
		return err
	}
	flags := []string{"--hub-only"}
	if o.storage == storageHost {
		flags = append(flags, "--storage="+storageHost)
	}
	booted, err := playground.Boot(ctx, flags...)
	if err != nil {
		return err
	}
	if !booted {
		return errors.New("a playground is up, and its dr-apiserver would be replaced; take it down first: make down")
	}
	if !o.keep {
		defer func() {
			if downErr := playground.Do(context.WithoutCancel(ctx), "down"); err == nil {
				err = downErr
			}
		}()
	}
	hub, err := newHub(ctx, playground, o)
	if err != nil {
		return err
	}
	defer hub.stop()
	b, err := newBench(ctx, o, hub)
	if err != nil {
		return err
	}
	return b.run(ctx)
}
