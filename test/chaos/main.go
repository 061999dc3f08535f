// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// chaos breaks a playground on purpose while people act on its applications, records everything that happens, and holds it
// against what is promised. A seed reproduces its schedule. It ends with 0 only if every promise was kept.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// options of a run.
type options struct {
	seed   uint64
	length time.Duration
	apps   int
	// kinds of applications, which take turns.
	kinds string
	plan  bool
	// keep leaves the playground for a look.
	keep bool
	dir  string
}

func main() {
	o := options{}
	flag.Uint64Var(&o.seed, "seed", 0, "what the schedule follows from; 0 draws one")
	flag.DurationVar(&o.length, "length", 5*time.Minute, "how long things go wrong")
	flag.IntVar(&o.apps, "apps", 4, "applications")
	flag.StringVar(&o.kinds, "kinds", kindNames(), "what the applications keep their records on, in turns")
	flag.BoolVar(&o.plan, "plan", false, "print the schedule and do nothing")
	o.keep = os.Getenv("E2E_KEEP") != ""
	flag.StringVar(&o.dir, "dir", "", "where history, timeline and logs go; empty means chaos-SEED in the temporary directory")
	flag.Parse()
	klog.SetLogger(logr.Discard())
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano()) % 1e6 //nolint:gosec // any will do
	}
	take, err := parseKinds(o.kinds)
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(2)
	}
	if o.plan {
		plan(o, take, os.Stdout)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := chaos(ctx, o, take, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// errViolated is what a run ends with in which a promise was not kept.
var errViolated = errors.New("promises were not kept")

func (o options) again() string {
	return fmt.Sprintf("bin/chaos -seed %d -length %s -apps %d -kinds %s", o.seed, o.length, o.apps, o.kinds)
}

// plan prints what would happen.
func plan(o options, take []Kind, out io.Writer) {
	apps := inTurns(take, o.apps)
	for app, kind := range apps {
		fmt.Fprintf(out, "app %d is %s\n", app, kind)
	}
	for _, e := range Schedule(o.seed, o.length, apps) {
		fmt.Fprintf(out, "%7.1fs  %s\n", e.At.Seconds(), e)
	}
}

func chaos(ctx context.Context, o options, take []Kind, out io.Writer) (err error) {
	if o.dir == "" {
		o.dir = filepath.Join(os.TempDir(), fmt.Sprintf("chaos-%d", o.seed))
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	say("Seed %d: %d applications, %s. Once more: %s", o.seed, o.apps, o.length, o.again())
	playground, err := boot(ctx)
	if err != nil {
		return err
	}
	history, err := NewHistory(filepath.Join(o.dir, "history.jsonl"))
	if err != nil {
		return err
	}
	defer history.Close()
	r := &run{playground: playground, history: history, say: say, kinds: inTurns(take, o.apps)}
	violations, found, err := r.whole(ctx, Schedule(o.seed, o.length, r.kinds))
	if err == nil && len(violations) > 0 {
		err = errViolated
	}
	if reportErr := report(o, history.Entries(), found, violations, say); err == nil {
		err = reportErr
	}
	if err != nil {
		keepLogs(playground, o.dir, say)
	}
	if !o.keep {
		if downErr := playground.Do(context.WithoutCancel(ctx), "down"); err == nil {
			err = downErr
		}
	}
	return err
}

// boot starts a playground in which clocks can be wrong, disks full and links slow.
func boot(ctx context.Context) (*framework.Playground, error) {
	playground, err := framework.Find()
	if err != nil {
		return nil, err
	}
	if err := os.Setenv("PLAYGROUND_PROGRAMS", playground.Root.Path("bin", "failpoints")); err != nil {
		return nil, err
	}
	booted, err := playground.Boot(ctx, "--breakable")
	if err == nil && !booted {
		err = errors.New("a playground is up already: make down")
	}
	return playground, err
}

// whole deploys, lets the schedule happen, takes all back, waits until everything has settled, and checks.
func (r *run) whole(ctx context.Context, events []Event) ([]Violation, []Finding, error) {
	if err := r.deploy(ctx); err != nil {
		return nil, nil, err
	}
	stopWatching, err := r.follow(ctx, events)
	if err != nil {
		return nil, nil, err
	}
	r.say("Everything is taken back.")
	if err := r.heal(ctx); err != nil {
		stopWatching()
		return nil, nil, err
	}
	r.people.Wait()
	violations := r.settle(ctx)
	stopWatching()
	found, err := r.find()
	if err != nil {
		return violations, nil, err
	}
	return append(violations, Check(r.history.Entries(), found)...), found, nil
}

// report says how it went and writes the timeline.
func report(o options, history []Entry, found []Finding, violations []Violation, say func(string, ...any)) error {
	summarize(history, found, say)
	for _, v := range violations {
		say("NOT KEPT  %s", v)
	}
	for name, content := range map[string]any{"violations.json": violations, "records.json": found} {
		encoded, err := json.MarshalIndent(content, "", "  ")
		if err == nil {
			err = os.WriteFile(filepath.Join(o.dir, name), encoded, 0o600)
		}
		if err != nil {
			return err
		}
	}
	path := filepath.Join(o.dir, "timeline.html")
	if err := writeTimeline(path, o, history, violations); err != nil {
		return err
	}
	say("%d promises not kept. Timeline: %s", len(violations), path)
	return nil
}

// keepLogs keeps the programs' logs and every record that was acknowledged.
func keepLogs(p *framework.Playground, dir string, say func(string, ...any)) {
	for _, name := range []string{"log", "acknowledged"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(p.Root.Run(name))); err != nil {
			say("%s could not be kept: %v", name, err)
		}
	}
	say("Logs and records: %s", dir)
}
