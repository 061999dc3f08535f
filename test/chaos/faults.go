// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/failpoint"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// fault is one way in which things go wrong.
type fault struct {
	// targets are with what it can go wrong.
	targets []string
	// atLeast and atMost are how long it lasts; it is of no matter for one that cannot be taken back.
	atLeast, atMost time.Duration
	// excludes names what other fault of the same target can't be there at the same time; empty means the same fault.
	excludes string
	// of is the method without which it has no effect: it is drawn only where an application has a volume that is replicated so.
	of   v1alpha1.ReplicationMethod
	do   func(ctx context.Context, p *framework.Playground, target string) error
	undo func(ctx context.Context, p *framework.Playground, target string) error
}

func (f fault) exclusive(name, target string) string {
	if f.excludes != "" {
		name = f.excludes
	}
	target, _, _ = strings.Cut(target, " ")
	return name + " " + target
}

var (
	disks = []string{
		"hub/" + component.APIServer, "hub/" + component.Etcd, "dr1/" + component.Etcd, "dr2/" + component.Etcd, "dr1/" + component.S3, "dr2/" + component.S3,
	}
	clusters = []string{framework.DR1, framework.DR2}
	anyOne   = append([]string{framework.Hub}, clusters...)
	stores   = []string{component.Profile(framework.DR1), component.Profile(framework.DR2)}
)

// faults are all there are, by name.
var faults = map[string]fault{
	// A process that is killed is started again at once.
	"SIGKILL": {do: kill, targets: []string{
		"hub/" + component.APIServer, "hub/" + component.KubeAPIServer, "hub/" + component.Etcd, "hub/" + component.KubeControllerManager,
		"dr1/" + component.Agent, "dr1/" + component.KubeAPIServer, "dr1/" + component.Etcd, "dr1/" + component.KubeControllerManager,
		"dr1/" + component.Storage, "dr1/" + component.CSIAddons, "dr1/" + component.S3, "dr1/" + component.Provisioner,
		"dr1/" + component.VolSync, "dr1/" + component.SnapshotController, "dr1/" + component.Snapshotter,
		"dr2/" + component.Agent, "dr2/" + component.KubeAPIServer, "dr2/" + component.Etcd, "dr2/" + component.KubeControllerManager,
		"dr2/" + component.Storage, "dr2/" + component.CSIAddons, "dr2/" + component.S3, "dr2/" + component.Provisioner,
		"dr2/" + component.VolSync, "dr2/" + component.SnapshotController, "dr2/" + component.Snapshotter,
	}},
	"SIGKILL of our own": {do: kill, targets: []string{"hub/" + component.APIServer, "dr1/" + component.Agent, "dr2/" + component.Agent}},
	"power cut":          {targets: clusters, atLeast: 5 * time.Second, atMost: 25 * time.Second, do: words("kill"), undo: startAgain},
	"hub down":           {targets: []string{framework.Hub}, atLeast: 2 * time.Second, atMost: 10 * time.Second, do: words("kill"), undo: startAgain},
	"partition":          {targets: anyOne, excludes: "link", atLeast: 5 * time.Second, atMost: 30 * time.Second, do: words("partition"), undo: words("heal")},
	"slow link":          {targets: anyOne, excludes: "link", atLeast: 5 * time.Second, atMost: 25 * time.Second, do: words("slow"), undo: words("heal")},
	"S3 dead":            {targets: stores, excludes: "S3", atLeast: 5 * time.Second, atMost: 25 * time.Second, do: words("stop", "s3"), undo: words("start", "s3")},
	"S3 403":             s3("forbid"),
	"S3 full":            s3("full"),
	"S3 hanging":         s3("hang"),
	"S3 slow":            s3("slow"),
	"S3 truncated":       s3("truncate"),
	"storage lags":       storage("lag=3s"),
	"storage fails":      storage("fail=promote:2", "fail=demote:2", "fail=ship:3", "fail=commit:3", "fail=resync:2"),
	"storage hangs":      storage("hang=promote", "hang=demote", "hang=ship", "hang=commit", "hang=resync"),
	"storage crashes":    storage("crash=promote.after", "crash=demote.after", "crash=commit.after"),
	"snapshots fail":     storage("fail=create-snapshot:2", "fail=create-snapshot.after:2", "fail=delete-snapshot:2", "fail=restore:2"),
	"snapshots hang":     storage("hang=create-snapshot", "hang=delete-snapshot", "hang=restore"),
	"snapshots crash":    storage("crash=create-snapshot.after", "crash=restore.after"),
	// A cycle of a group takes one snapshot of all members, and deletes that of the cycle before.
	"group snapshots fail": storageOf(v1alpha1.MethodVolSyncGroup,
		"fail=create-group-snapshot:2", "fail=create-group-snapshot.after:2", "fail=delete-group-snapshot:2", "fail=delete-group-snapshot.after:2"),
	"group snapshots hang": storageOf(v1alpha1.MethodVolSyncGroup,
		"hang=create-group-snapshot", "hang=create-group-snapshot.after", "hang=delete-group-snapshot", "hang=delete-group-snapshot.after"),
	"group snapshots crash": storageOf(v1alpha1.MethodVolSyncGroup,
		"crash=create-group-snapshot", "crash=create-group-snapshot.after", "crash=delete-group-snapshot", "crash=delete-group-snapshot.after"),
	"movers fail":  storage("fail=mover-connect:2", "fail=mover-piece:2", "fail=mover-finish:2"),
	"movers hang":  storage("hang=mover-connect", "hang=mover-piece.after", "hang=mover-finish", "hang=mover-finish.after"),
	"movers crash": storage("crash=mover-piece.after", "crash=mover-finish", "crash=mover-finish.after"),
	"disk full":    {targets: disks, atLeast: 3 * time.Second, atMost: 15 * time.Second, do: disk("full"), undo: disk("heal")},
	"clock wrong": {atLeast: 10 * time.Second, atMost: 40 * time.Second, do: skew, undo: unskew, targets: []string{
		"hub +95s", "hub -95s", "dr1 +95s", "dr1 -95s", "dr2 +95s", "dr2 -95s",
	}},
}

func s3(word string) fault {
	set := func(word string) func(context.Context, *framework.Playground, string) error {
		return func(ctx context.Context, p *framework.Playground, profile string) error {
			return p.Do(ctx, "s3", profile, word)
		}
	}
	return fault{targets: stores, excludes: "S3", atLeast: 5 * time.Second, atMost: 25 * time.Second, do: set(word), undo: set("heal")}
}

// storage goes wrong on one cluster, for all applications there.
func storage(what ...string) fault { return storageOf("", what...) }

// storageOf goes wrong in what is done for one method only.
func storageOf(method v1alpha1.ReplicationMethod, what ...string) fault {
	f := fault{of: method, excludes: "storage", atLeast: 3 * time.Second, atMost: 20 * time.Second}
	if method != "" {
		// What is done once in a cycle takes longer to come by.
		f.atLeast, f.atMost = 20*time.Second, 50*time.Second
	}
	for _, cluster := range clusters {
		for _, w := range what {
			f.targets = append(f.targets, cluster+" "+w)
		}
	}
	f.do = func(ctx context.Context, p *framework.Playground, target string) error {
		cluster, what, _ := strings.Cut(target, " ")
		return p.Do(ctx, "fault", what, "cluster="+cluster)
	}
	f.undo = func(ctx context.Context, p *framework.Playground, target string) error {
		cluster, _, _ := strings.Cut(target, " ")
		return p.Do(ctx, "fault", "clear", "cluster="+cluster)
	}
	return f
}

// words is a command to the playground of which the target is the last word.
func words(command ...string) func(context.Context, *framework.Playground, string) error {
	return func(ctx context.Context, p *framework.Playground, target string) error {
		return p.Do(ctx, append(append([]string{}, command...), target)...)
	}
}

// startAgain has a cluster up again. What else goes wrong may keep it from starting; it is tried again a few times.
func startAgain(ctx context.Context, p *framework.Playground, cluster string) error {
	var err error
	for range attempts {
		if err = p.Do(ctx, "start", cluster); err == nil {
			return nil
		}
		pause(ctx, time.Second)
	}
	return err
}

// kill ends a process as the kernel does that is out of memory; the playground starts it again.
func kill(ctx context.Context, p *framework.Playground, target string) error {
	status, err := p.Status(ctx)
	if err != nil {
		return err
	}
	for _, process := range status.Processes {
		if process.Cluster+"/"+process.Name == target && process.PID > 0 {
			return syscall.Kill(process.PID, syscall.SIGKILL)
		}
	}
	return fmt.Errorf("%s does not run", target)
}

// disk makes the disk of a program full, or gives it room again.
func disk(word string) func(context.Context, *framework.Playground, string) error {
	return func(ctx context.Context, p *framework.Playground, target string) error {
		return p.Do(ctx, "disk", target, word)
	}
}

// skew has the clock of the server, or of a cluster's agent, be wrong by more than a Lease lasts and than a relocate takes.
func skew(_ context.Context, p *framework.Playground, target string) error {
	cluster, by, _ := strings.Cut(target, " ")
	offset, err := time.ParseDuration(by)
	if err != nil {
		return err
	}
	return failpoint.SetClock(clockOf(p, cluster), offset)
}

func unskew(_ context.Context, p *framework.Playground, target string) error {
	cluster, _, _ := strings.Cut(target, " ")
	return failpoint.SetClock(clockOf(p, cluster), 0)
}

func clockOf(p *framework.Playground, cluster string) string {
	program := component.Agent
	if cluster == framework.Hub {
		program = component.APIServer
	}
	return component.Cluster{Root: p.Root, Name: cluster}.Failpoints(program)
}
