// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// sample is what was measured of one action, all from the moment before its request was sent.
type sample struct {
	// answered is when the request was.
	answered time.Duration
	// firstStep is when something was first seen to be created or changed on the target for the application.
	firstStep time.Duration
	// ready is the action's workloadReadyTime.
	ready time.Duration
	// running is when the StatefulSet was seen on the target with its replicas.
	running time.Duration
}

// request sends a request for an action.
type request func(context.Context, *framework.App) (*v1alpha1.DRAction, error)

func failover(ctx context.Context, app *framework.App) (*v1alpha1.DRAction, error) {
	return app.Failover(ctx, v1alpha1.DRActionSpec{
		TargetCluster: framework.DR2, Reason: "measured",
		Acknowledgements: []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite},
	})
}

func relocate(ctx context.Context, app *framework.App) (*v1alpha1.DRAction, error) {
	return app.Relocate(ctx, v1alpha1.DRActionSpec{TargetCluster: framework.DR1, Reason: "measured"})
}

// measureOne has one action carried out.
func (b *bench) measureOne(ctx context.Context, on *probe, app *framework.App, send request) (sample, error) {
	sighting := on.arm(app.Namespace)
	sent := time.Now()
	action, err := send(ctx, app)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", app.Namespace, err)
	}
	answered := time.Since(sent)
	firstStep, running, err := on.wait(ctx, sighting)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", app.Namespace, err)
	}
	if action, err = b.view.awaitAction(ctx, app.Namespace, action.Name); err != nil {
		return sample{}, err
	}
	if action.Status.WorkloadReadyTime == nil {
		return sample{}, fmt.Errorf("DRAction %s/%s has succeeded without a workloadReadyTime", app.Namespace, action.Name)
	}
	return sample{
		answered: answered, firstStep: firstStep.Sub(sent), running: running.Sub(sent),
		ready: action.Status.WorkloadReadyTime.Sub(sent),
	}, nil
}

// pause lets what follows an action come to an end before the next one is measured.
const pause = 300 * time.Millisecond

// oneByOne measures the applications one after the other.
func (b *bench) oneByOne(ctx context.Context, on *probe, apps fleet, send request) ([]sample, error) {
	samples := make([]sample, 0, len(apps))
	for _, app := range apps {
		one, err := b.measureOne(ctx, on, app, send)
		if err != nil {
			return nil, err
		}
		samples = append(samples, one)
		time.Sleep(pause)
	}
	return samples, nil
}

// allAtOnce measures the applications with all requests sent at the same time.
func (b *bench) allAtOnce(ctx context.Context, on *probe, apps fleet, send request) ([]sample, error) {
	samples := make([]sample, len(apps))
	group, ctx := errgroup.WithContext(ctx)
	for i, app := range apps {
		group.Go(func() error {
			var err error
			samples[i], err = b.measureOne(ctx, on, app, send)
			return err
		})
	}
	return samples, group.Wait()
}
