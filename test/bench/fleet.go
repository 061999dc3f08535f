// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/sampleapp"
)

const (
	// volumesPerApp is how many volumes each application has.
	volumesPerApp = 2
	// storageClass of the volumes.
	storageClass = "sim-replicated"
	// preparedAtOnce bounds how many applications are deployed or removed at a time.
	preparedAtOnce = 8
	// settleTimeout is how long all of them together may take until they are protected.
	settleTimeout = 5 * time.Minute
)

// fleet is the applications that are measured together.
type fleet []*framework.App

// deploy deploys as many applications on dr1 and protects them.
func (b *bench) deploy(ctx context.Context, prefix string, count int) (fleet, error) {
	apps := make(fleet, count)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(preparedAtOnce)
	for i := range apps {
		apps[i] = b.playground.App(fmt.Sprintf("%s-%03d", prefix, i))
		group.Go(func() error { return b.deployOne(groupCtx, apps[i]) })
	}
	if err := group.Wait(); err != nil {
		return apps, fmt.Errorf("deploy applications: %w", err)
	}
	return apps, b.awaitSettled(ctx, apps, framework.DR1)
}

func (b *bench) deployOne(ctx context.Context, app *framework.App) error {
	options := sampleapp.Options{Name: app.Namespace, Volumes: volumesPerApp, StorageClass: storageClass}
	if err := sampleapp.Deploy(ctx, b.playground.Hub.Config, b.playground.Managed[framework.DR1].Config, options); err != nil {
		return err
	}
	return app.Protect(ctx)
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

// remove takes the applications away.
func (b *bench) remove(ctx context.Context, apps fleet) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(preparedAtOnce)
	for _, app := range apps {
		group.Go(func() error { return app.Remove(ctx) })
	}
	return group.Wait()
}
