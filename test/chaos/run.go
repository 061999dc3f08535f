// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// settleTimeout is how long everything may take to settle once nothing goes wrong any more.
const settleTimeout = 5 * time.Minute

// run is one schedule on a playground.
type run struct {
	playground *framework.Playground
	history    *History
	apps       []*framework.App
	// kinds of the applications.
	kinds []Kind
	say   func(format string, args ...any)
	// people are those who still wait for what they asked for.
	people sync.WaitGroup
}

// deploy puts the applications into the playground, every second one on dr2, and has them protected.
func (r *run) deploy(ctx context.Context) error {
	p := &person{history: r.history}
	for i, kind := range r.kinds {
		app := r.playground.App(fmt.Sprintf("chaos-%d", i))
		cluster := clusters[i%len(clusters)]
		r.say("%s is %s", app.Namespace, kind)
		if err := app.Deploy(ctx, cluster, len(kind.Classes), kind.flags()...); err != nil {
			return err
		}
		p.create(ctx, app, cluster)
		r.apps = append(r.apps, app)
	}
	for i, app := range r.apps {
		if _, err := app.Await(ctx, framework.Replication, framework.SettledOn(clusters[i%len(clusters)])); err != nil {
			return err
		}
	}
	return nil
}

// follow lets the schedule happen while the API is probed and watched. It returns when the last event is over.
func (r *run) follow(ctx context.Context, events []Event) (stopWatching func(), err error) {
	probe, err := newProber(ctx, r.playground, r.history)
	if err != nil {
		return nil, err
	}
	looked, err := newCaptures(ctx, r.playground, r.history)
	if err != nil {
		return nil, err
	}
	watching, cancel := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	watchers.Go(func() { probe.write(watching) })
	watchers.Go(func() { probe.follow(watching) })
	watchers.Go(func() { followGroups(watching, r.playground, r.namespaces(), r.history) })
	watchers.Go(func() {
		followActions(watching, r.playground, r.namespaces(), r.history, func(app string, a *v1alpha1.DRAction) {
			watchers.Go(func() { looked.look(watching, app, a) })
		})
	})
	for _, cluster := range clusters {
		watchers.Go(func() { followStorage(watching, r.playground, cluster, r.history) })
	}
	r.perform(ctx, events)
	return func() {
		cancel()
		watchers.Wait()
	}, ctx.Err()
}

func (r *run) namespaces() map[string]bool {
	all := map[string]bool{}
	for _, app := range r.apps {
		all[app.Namespace] = true
	}
	return all
}

// perform does each event at its time. Those of one application, and those of one fault, wait for each other; others don't. It
// returns when the last fault is over: what people wait for may need that all is taken back.
func (r *run) perform(ctx context.Context, events []Event) {
	began := time.Now()
	p := &person{apps: r.apps, history: r.history}
	queues := map[string]chan Event{}
	var disturbers sync.WaitGroup
	for _, e := range events {
		pause(ctx, time.Until(began.Add(e.At)))
		if ctx.Err() != nil {
			break
		}
		lane, wait := e.Name, &disturbers
		if e.Verb != "" {
			lane, wait = fmt.Sprintf("app %d", e.App), &r.people
		}
		if queues[lane] == nil {
			queues[lane] = make(chan Event, len(events))
			wait.Go(func() {
				for e := range queues[lane] {
					r.happen(ctx, p, e)
				}
			})
		}
		r.say("%7.1fs  %s", time.Since(began).Seconds(), e)
		queues[lane] <- e
	}
	for _, queue := range queues {
		close(queue)
	}
	disturbers.Wait()
}

func (r *run) happen(ctx context.Context, p *person, e Event) {
	if e.Verb != "" {
		p.do(ctx, e)
		return
	}
	f := faults[e.Fault]
	change := f.do
	if e.Undo {
		change = f.undo
	}
	began := time.Now()
	entry := Entry{Kind: KindFault, Event: e.Name, What: e.String(), Began: &began}
	if err := change(ctx, r.playground, e.Target); err != nil {
		entry.Error = err.Error()
	}
	r.history.Add(entry)
}

// heal takes everything back that may still go wrong and starts what is down. What of it was not there is no error.
func (r *run) heal(ctx context.Context) error {
	var errs []error
	for _, name := range disks {
		// One that has no disk of its own was never full.
		_ = r.playground.Do(ctx, "disk", name, "heal")
	}
	var commands [][]string
	for _, cluster := range append([]string{framework.Hub}, clusters...) {
		errs = append(errs, r.playground.Do(ctx, "heal", cluster), startAgain(ctx, r.playground, cluster), unskew(ctx, r.playground, cluster))
	}
	for _, profile := range stores {
		commands = append(commands, []string{"s3", profile, "heal"}, []string{"start", "s3", profile})
	}
	commands = append(commands, []string{"fault", "clear"})
	for _, command := range commands {
		errs = append(errs, r.playground.Do(ctx, command...))
	}
	return errors.Join(errs...)
}

// settle waits until every action has ended and every application is protected and runs somewhere.
func (r *run) settle(ctx context.Context) []Violation {
	failures := make([]error, len(r.apps))
	var wait sync.WaitGroup
	for i, app := range r.apps {
		wait.Go(func() { failures[i] = settled(ctx, app, r.kinds[i], r.history) })
	}
	wait.Wait()
	var out []Violation
	for _, failure := range failures {
		if failure != nil {
			out = append(out, Violation{promiseSettle, failure.Error()})
		}
	}
	return out
}

// settled waits until the application is protected and writes where it says that it runs.
func settled(ctx context.Context, app *framework.App, kind Kind, history *History) error {
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	go obey(watching, app, history)
	placement, err := app.Await(ctx, settleTimeout, settledAnywhere())
	if err != nil {
		return err
	}
	primary := placement.Status.PrimaryCluster
	if err := errors.Join(app.AwaitRunning(ctx, primary, framework.Soon), app.AwaitRecords(ctx, primary, framework.Soon)); err != nil {
		return fmt.Errorf("%s does not run on %s: %w", app.Namespace, primary, err)
	}
	return eachItsOwnWay(ctx, app, primary, kind)
}

// eachItsOwnWay checks that all volumes are replicated, each by the method of its class.
func eachItsOwnWay(ctx context.Context, app *framework.App, cluster string, kind Kind) error {
	group, err := app.Groups().Get(ctx, app.Group(cluster), metav1.GetOptions{})
	if err != nil {
		return err
	}
	if rows := len(group.Status.ProtectedPVCs); rows != len(kind.Classes) {
		return fmt.Errorf("%s has %d volumes, of which %d are protected", app.Namespace, len(kind.Classes), rows)
	}
	for _, row := range group.Status.ProtectedPVCs {
		if wanted := kind.method(row.Name); row.ReplicationMethod != wanted {
			return fmt.Errorf("volume %s/%s is replicated by %q and no more by %q", app.Namespace, row.Name, row.ReplicationMethod, wanted)
		}
	}
	return nil
}

// settledAnywhere is the state in which the application is protected where it is and no action is under way.
func settledAnywhere() framework.Wanted[*v1alpha1.DRPlacementControl] {
	return framework.Wanted[*v1alpha1.DRPlacementControl]{
		What: "protected, with its last action ended",
		Reached: func(placement *v1alpha1.DRPlacementControl) (bool, string, error) {
			done, seen, err := framework.SettledOn(placement.Status.PrimaryCluster).Reached(placement)
			if current := placement.Status.CurrentAction; current != nil && current.Status.CompletionTime == nil {
				done = false
			}
			return done, seen, err
		},
	}
}

// find reads what became of the applications' records.
func (r *run) find() ([]Finding, error) {
	var found []Finding
	for i, app := range r.apps {
		report, err := app.Records()
		if err != nil {
			return nil, err
		}
		found = append(found, Finding{App: app.Namespace, Kind: r.kinds[i], Report: report})
	}
	return found, nil
}
