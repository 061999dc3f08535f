// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/playground/layout"
)

// app is the application's name, its namespace and the value of its label app.
const app = "shop"

// classes are those of the application's four volumes, each of which is replicated by a method of its own.
const classes = "sim-replicated,sim-replicated-group,sim-snapshot,sim-snapshot-group"

// recordsAtRisk are written after the last sync and before dr1 is lost, so that there is something to lose.
const recordsAtRisk = 200

var (
	//go:embed manifests/admin.yaml
	adminManifests string
	//go:embed manifests/drpc.yaml
	drpcManifest string
)

// demo is the story and what it has to prove in the end.
type demo struct {
	stage *stage
	proof proof
	// before is the application's configuration as it was on dr1.
	before configuration
}

func newDemo(root layout.Root, stage *stage) *demo {
	return &demo{stage: stage}
}

// scene is an act with the time it may take.
type scene struct {
	title   string
	timeout time.Duration
	do      func(context.Context) error
}

func (d *demo) scenes() []scene {
	return []scene{
		{"Three control planes, two object stores and replicated storage come up", 30 * time.Minute, d.boot},
		{"An administrator creates two DRClusters and a DRPolicy", time.Minute, d.administer},
		{"The shop runs on dr1 and writes numbered records to four volumes on different storage", 2 * time.Minute, d.deploy},
		{"Its owner, admin of namespace shop and nothing else, protects it", 4 * time.Minute, d.protect},
		{"A dry run shows the plan and what would be lost", time.Minute, d.preview},
		{"A failover away from a healthy cluster is refused", time.Minute, d.beRefused},
		{"dr1 is lost while records are being written", 2 * time.Minute, d.loseDR1},
		{"The owner fails over to dr2", 3 * time.Minute, d.failover},
		{"The shop runs on dr2, with its ConfigMap and its Secret", 2 * time.Minute, d.runOnDR2},
		{"dr1 comes back, gives way, resyncs, and the shop is protected again", 5 * time.Minute, d.comeBack},
		{"The owner relocates to dr1", 4 * time.Minute, d.relocate},
		{"The shop runs on dr1, with its ConfigMap and its Secret", 2 * time.Minute, d.runOnDR1},
		{"The record that stays", time.Minute, d.remember},
	}
}

// tell plays the scenes in order, up to the first that fails.
func (d *demo) tell(ctx context.Context) error {
	for _, scene := range d.scenes() {
		if err := d.stage.play(ctx, scene.title, scene.timeout, scene.do); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) boot(ctx context.Context) error {
	if err := d.stage.make(ctx, teardownTimeout, "down"); err != nil {
		return err
	}
	return d.stage.make(ctx, 29*time.Minute, "up")
}

// administer makes what make up made once more, for everyone to see.
func (d *demo) administer(ctx context.Context) error {
	if _, err := d.stage.kubectl(ctx, admin, "", "delete", "drpolicy/dr-policy", "drcluster/dr1", "drcluster/dr2", "--timeout=30s"); err != nil {
		return err
	}
	d.stage.say("(make up had made these; they are gone now)")
	d.stage.show(adminManifests)
	if _, err := d.stage.kubectl(ctx, admin, adminManifests, "create", "-f", "-"); err != nil {
		return err
	}
	if _, err := d.stage.kubectl(ctx, admin, "", "wait", "--for=condition=Validated", "--timeout=50s", "drcluster/dr1", "drcluster/dr2", "drpolicy/dr-policy"); err != nil {
		return err
	}
	_, err := d.stage.kubectl(ctx, admin, "", "get", "drclusters,drpolicies")
	return err
}

func (d *demo) deploy(ctx context.Context) error {
	if err := d.stage.playground(ctx, "app", app, "--storage-class", classes); err != nil {
		return err
	}
	if err := d.awaitRunning(ctx, atDR1); err != nil {
		return err
	}
	before, err := readConfiguration(ctx, d.stage.root, atDR1)
	if err != nil {
		return err
	}
	d.before = before
	return d.awaitWriting(ctx, atDR1)
}

func (d *demo) protect(ctx context.Context) error {
	d.stage.show(drpcManifest)
	if _, err := d.stage.kubectl(ctx, tenant, drpcManifest, "create", "-n", app, "-f", "-"); err != nil {
		return err
	}
	if err := d.awaitCondition(ctx, "Protected", 3*time.Minute); err != nil {
		return err
	}
	if err := d.awaitCondition(ctx, "PeerReady", time.Minute); err != nil {
		return err
	}
	if _, err := d.stage.kubectl(ctx, tenant, "", "get", "protectedvolumes", "-n", app); err != nil {
		return err
	}
	_, err := d.stage.kubectl(ctx, tenant, "", "drpc", "status", app, "-n", app)
	return err
}

func (d *demo) preview(ctx context.Context) error {
	output, err := d.stage.kubectl(ctx, tenant, "", "drpc", "failover", app, "-n", app, "--dry-run", "--force")
	if err != nil {
		return err
	}
	if !strings.Contains(output, "everything written after") {
		return errors.New("the plan does not name the data that would be lost")
	}
	return nil
}

func (d *demo) beRefused(ctx context.Context) error {
	return d.expectRefusal(ctx, "SourceUnhealthy", "drpc", "failover", app, "-n", app)
}

// expectRefusal types a command that the server must refuse with a cause.
func (d *demo) expectRefusal(ctx context.Context, cause string, args ...string) error {
	output, code, err := d.stage.try(ctx, tenant, "", args...)
	switch {
	case err != nil:
		return err
	case code != 1:
		return fmt.Errorf("exit code %d, want 1: refused", code)
	case !strings.Contains(output, cause):
		return fmt.Errorf("the refusal does not name %s", cause)
	}
	return nil
}

func (d *demo) loseDR1(ctx context.Context) error {
	if err := d.awaitMore(ctx, recordsAtRisk); err != nil {
		return err
	}
	if err := d.stage.playground(ctx, "kill", "dr1"); err != nil {
		return err
	}
	if err := d.awaitDisconnected(ctx, "dr1"); err != nil {
		return err
	}
	if err := d.expectRefusal(ctx, "SourceStopped", "drpc", "failover", app, "-n", app); err != nil {
		return err
	}
	_, err := d.stage.kubectl(ctx, tenant, "", "drpc", "failover", app, "-n", app, "--acknowledge", "SourceMayStillWrite", "--dry-run")
	return err
}

func (d *demo) failover(ctx context.Context) error {
	if _, err := d.stage.kubectl(ctx, tenant, "", "drpc", "failover", app, "-n", app, "--acknowledge", "SourceMayStillWrite",
		"--reason", "dr1 lost power", "--name", failoverName, "--wait", "--timeout", "150s"); err != nil {
		return err
	}
	action, err := d.readAction(ctx, failoverName)
	if err != nil {
		return err
	}
	d.proof.failover = action
	return nil
}

func (d *demo) runOnDR2(ctx context.Context) error {
	if err := d.arrive(ctx, atDR2); err != nil {
		return err
	}
	_, err := d.readRecords(ctx)
	return err
}

func (d *demo) comeBack(ctx context.Context) error {
	if err := d.stage.playground(ctx, "start", "dr1"); err != nil {
		return err
	}
	if err := d.awaitState(ctx, "dr1", v1alpha1.SecondaryState); err != nil {
		return err
	}
	if err := d.awaitCondition(ctx, "PeerReady", 4*time.Minute); err != nil {
		return err
	}
	if err := d.awaitCondition(ctx, "Protected", 4*time.Minute); err != nil {
		return err
	}
	if _, err := d.stage.kubectl(ctx, tenant, "", "drpc", "status", app, "-n", app); err != nil {
		return err
	}
	report, err := d.readRecords(ctx)
	d.proof.beforeRelocate = report
	return err
}

func (d *demo) relocate(ctx context.Context) error {
	if _, err := d.stage.kubectl(ctx, tenant, "", "drpc", "relocate", app, "-n", app, "--dry-run"); err != nil {
		return err
	}
	if _, err := d.stage.kubectl(ctx, tenant, "", "drpc", "relocate", app, "-n", app, "--reason", "dr1 is repaired",
		"--name", relocateName, "--wait", "--timeout", "210s"); err != nil {
		return err
	}
	action, err := d.readAction(ctx, relocateName)
	d.proof.relocate = action
	return err
}

func (d *demo) runOnDR1(ctx context.Context) error {
	if err := d.arrive(ctx, atDR1); err != nil {
		return err
	}
	report, err := d.readRecords(ctx)
	d.proof.afterRelocate = report
	return err
}

func (d *demo) remember(ctx context.Context) error {
	_, err := d.stage.kubectl(ctx, tenant, "", "drpc", "history", app, "-n", app)
	return err
}
