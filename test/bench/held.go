// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/sampleapp"
)

// holdStorage has an application protected and failed over while storage answers for none of its volumes, and says how many
// of them it was asked for meanwhile: all, unless one waits for another.
func (b *bench) holdStorage(ctx context.Context, volumes int) (err error) {
	b.say("holding the storage of an application with %d volumes", volumes)
	app := b.playground.App(fmt.Sprintf("held-%d", volumes))
	if !b.keep {
		defer func() { err = errors.Join(err, b.remove(context.WithoutCancel(ctx), fleet{app})) }()
	}
	if err := b.deployOne(ctx, app, shape{volumes: volumes, classes: usual.classes}); err != nil {
		return err
	}
	if err := sampleapp.AwaitRunning(ctx, b.playground.Managed[framework.DR1].Config, app.Namespace); err != nil {
		return err
	}
	t := table{{fmt.Sprintf("of %d volumes", volumes), "", "storage was asked for, before it answered for any", "after (s)"}}
	add := func(what string, asked int, after time.Duration) {
		t.add(what, "", fmt.Sprint(asked), seconds(after))
	}
	if err := b.holdProtection(ctx, app, volumes, add); err != nil {
		return err
	}
	if err := b.holdFailover(ctx, app, volumes, add); err != nil {
		return err
	}
	fmt.Fprintln(b.out)
	t.print(b.out)
	return b.awaitSettled(ctx, fleet{app}, framework.DR2)
}

func (b *bench) holdProtection(ctx context.Context, app *framework.App, volumes int, add func(string, int, time.Duration)) error {
	asked, after, err := b.held(ctx, app, framework.DR1, "enable", volumes, func(ctx context.Context) error { return app.Protect(ctx) })
	if err != nil {
		return err
	}
	add("to protect", asked, after)
	return b.awaitSettled(ctx, fleet{app}, framework.DR1)
}

func (b *bench) holdFailover(ctx context.Context, app *framework.App, volumes int, add func(string, int, time.Duration)) (err error) {
	defer func() { err = errors.Join(err, b.startAgent(context.WithoutCancel(ctx))) }()
	if err := b.killAgent(ctx); err != nil {
		return err
	}
	var action *v1alpha1.DRAction
	asked, after, err := b.held(ctx, app, framework.DR2, "promote", volumes, func(ctx context.Context) error {
		var err error
		action, err = failover(ctx, app)
		return err
	})
	if err != nil {
		return err
	}
	add("to promote", asked, after)
	_, err = b.view.awaitAction(ctx, app.Namespace, action.Name)
	return err
}

// held does something while storage of a cluster hangs at an operation, until it was asked for all volumes. It says for how
// many it was, and how long that took.
func (b *bench) held(
	ctx context.Context, app *framework.App, cluster, operation string, volumes int, do func(context.Context) error,
) (asked int, after time.Duration, err error) {
	scope := []string{"cluster=" + cluster, "namespace=" + app.Namespace}
	if err := b.playground.Do(ctx, append([]string{"fault", "hang=" + operation}, scope...)...); err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, b.playground.ClearFaults(context.WithoutCancel(ctx))) }()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	began := time.Now()
	if err := do(ctx); err != nil {
		return 0, 0, err
	}
	err = wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		now, err := b.askedFor(ctx, app, cluster)
		asked = max(asked, now)
		return asked == volumes, err
	})
	if err != nil {
		return asked, 0, fmt.Errorf("storage of %s was asked for %d of %d volumes while it answered for none: %w", cluster, asked, volumes, err)
	}
	return asked, time.Since(began), nil
}

// askedFor counts the volumes that storage is told to make primary and has not answered for; it did for none.
func (b *bench) askedFor(ctx context.Context, app *framework.App, cluster string) (int, error) {
	list, err := b.playground.Managed[cluster].Dynamic.Resource(framework.VolumeReplications).Namespace(app.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, err
	}
	asked := 0
	for _, replication := range list.Items {
		wanted, _, _ := unstructured.NestedString(replication.Object, "spec", "replicationState")
		if state, _, _ := unstructured.NestedString(replication.Object, "status", "state"); state == string(csiaddons.PrimaryState) {
			return asked, fmt.Errorf("it has answered for %s", replication.GetName())
		}
		if wanted == string(csiaddons.Primary) {
			asked++
		}
	}
	return asked, nil
}
