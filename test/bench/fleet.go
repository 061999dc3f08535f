// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/sampleapp"
)

// shape is what volumes an application has.
type shape struct {
	volumes int
	// classes of the volumes, which take turns.
	classes []string
}

// usual is the shape of the applications whose number is what matters.
var usual = shape{volumes: 2, classes: []string{"sim-replicated"}}

const (
	// preparedAtOnce bounds how many applications are deployed or removed at a time.
	preparedAtOnce = 8
	// settleTimeout is how long all of them together may take until they are protected.
	settleTimeout = 5 * time.Minute
)

// fleet is the applications that are measured together.
type fleet []*framework.App

// deploy deploys as many applications of a shape on dr1 and protects them.
func (b *bench) deploy(ctx context.Context, prefix string, count int, s shape) (fleet, error) {
	apps := make(fleet, count)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(preparedAtOnce)
	for i := range apps {
		apps[i] = b.playground.App(fmt.Sprintf("%s-%03d", prefix, i))
		group.Go(func() error {
			if err := b.deployOne(groupCtx, apps[i], s); err != nil {
				return err
			}
			return apps[i].Protect(groupCtx)
		})
	}
	if err := group.Wait(); err != nil {
		return apps, fmt.Errorf("deploy applications: %w", err)
	}
	return apps, b.awaitSettled(ctx, apps, framework.DR1)
}

func (b *bench) deployOne(ctx context.Context, app *framework.App, s shape) error {
	options := sampleapp.Options{Name: app.Namespace, Volumes: s.volumes, StorageClass: strings.Join(s.classes, ",")}
	return sampleapp.Deploy(ctx, b.playground.Hub.Config, b.playground.Managed[framework.DR1].Config, options)
}

// awaitSettled waits until all are protected on the cluster and the other one could take them over.
func (b *bench) awaitSettled(ctx context.Context, apps fleet, cluster string) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	for _, app := range apps {
		if err := b.view.awaitPlacement(ctx, app, framework.SettledOn(cluster)); err != nil {
			return err
		}
	}
	return nil
}

// remove takes the applications away, and waits until nothing of them is left: what that costs is nobody else's.
func (b *bench) remove(ctx context.Context, apps fleet) error {
	group, removing := errgroup.WithContext(ctx)
	group.SetLimit(preparedAtOnce)
	for _, app := range apps {
		group.Go(func() error { return app.Remove(removing) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, cluster := range append(slices.Collect(maps.Values(b.playground.Managed)), b.playground.Hub) {
		for _, app := range apps {
			if err := framework.AwaitGone(ctx, cluster.Kube.CoreV1().Namespaces(), app.Namespace, settleTimeout); err != nil {
				return err
			}
		}
	}
	return nil
}
