// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clienttesting "k8s.io/client-go/testing"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned/fake"
)

var update = flag.Bool("update", false, "write the golden files anew")

// now is when every test happens.
var now = time.Date(2026, 11, 23, 14, 3, 19, 0, time.UTC)

// golden compares what was printed with testdata/<name>.golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// bench runs commands against a fake server.
type bench struct {
	client         *fake.Clientset
	clock          *testingclock.FakeClock
	in             *bytes.Buffer
	out, err       *bytes.Buffer
	prompt, redraw bool
	requests       []*v1alpha1.DRAction
	dryRuns        []bool
	watched        *watch.FakeWatcher
}

func newBench(objects ...runtime.Object) *bench {
	b := &bench{
		client: fake.NewClientset(objects...), clock: testingclock.NewFakeClock(now),
		in: &bytes.Buffer{}, out: &bytes.Buffer{}, err: &bytes.Buffer{}, watched: watch.NewFakeWithChanSize(10, false),
	}
	b.client.PrependWatchReactor("dractions", func(clienttesting.Action) (bool, watch.Interface, error) {
		return true, b.watched, nil
	})
	return b
}

// answer makes the server answer a verb.
func (b *bench) answer(verb string, answer func(dryRun bool) (*v1alpha1.DRAction, error)) {
	b.client.PrependReactor("create", "drplacementcontrols/"+verb, func(action clienttesting.Action) (bool, runtime.Object, error) {
		create := action.(clienttesting.CreateActionImpl)
		dryRun := len(create.CreateOptions.DryRun) == 1 && create.CreateOptions.DryRun[0] == metav1.DryRunAll
		b.requests = append(b.requests, create.Object.(*v1alpha1.DRAction))
		b.dryRuns = append(b.dryRuns, dryRun)
		object, err := answer(dryRun)
		return true, object, err
	})
}

// run runs a command line to its end and returns the exit code.
func (b *bench) run(t *testing.T, ctx context.Context, args ...string) int {
	t.Helper()
	t.Setenv("KUBECONFIG", os.DevNull)
	cmd := newCommand(newTestOptions(b))
	cmd.SetArgs(append([]string{"-n", "shop"}, args...))
	err := cmd.ExecuteContext(ctx)
	code, unprinted := ExitCode(err)
	if unprinted {
		b.err.WriteString("error: " + err.Error() + "\n")
	}
	return code
}

func newTestOptions(b *bench) *options {
	o := newOptions(genericiooptions.IOStreams{In: b.in, Out: b.out, ErrOut: b.err})
	o.clock, o.canPrompt, o.canRedraw = b.clock, b.prompt, b.redraw
	o.width = func() int { return 40 }
	o.connect = func() (versioned.Interface, error) { return b.client, nil }
	return o
}

// both is all that was printed, with where.
func (b *bench) both() string {
	return "--- stdout\n" + b.out.String() + "--- stderr\n" + b.err.String()
}

func micro(seconds float64) *metav1.MicroTime {
	m := metav1.NewMicroTime(now.Add(time.Duration(seconds * float64(time.Second))))
	return &m
}

func planned(kind v1alpha1.ActionType) *v1alpha1.DRAction {
	action := &v1alpha1.DRAction{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop-failover-2"},
		Spec: v1alpha1.DRActionSpec{
			Type: kind, DRPlacementControl: "shop", SourceCluster: "dr1", TargetCluster: "dr2", RequestedBy: "tina", Epoch: 2,
		},
		Status: v1alpha1.DRActionStatus{
			Checks: []v1alpha1.PreflightCheck{
				{Name: "TargetKnown", Result: v1alpha1.CheckPassed, Message: "dr2 is one of the clusters of DRPolicy dr-policy"},
				{Name: "SourceStopped", Result: v1alpha1.CheckOverridden, Message: "dr1 is not connected", OverriddenBy: "acknowledgement:SourceMayStillWrite"},
			},
			Steps: []v1alpha1.ActionStep{
				{Name: v1alpha1.StepStopSource, Cluster: "dr1", Description: "stop the application where it can be reached", State: v1alpha1.StepPending},
				{Name: v1alpha1.StepPromote, Cluster: "dr2", Description: "promote the copies", State: v1alpha1.StepPending, PointOfNoReturn: true},
				{Name: v1alpha1.StepRestore, Cluster: "dr2", Description: "restore the objects", State: v1alpha1.StepPending},
			},
			DataLossWindow: &v1alpha1.DataLossWindow{
				SyncPoint: metav1.NewTime(now.Add(-12 * time.Second)), Duration: metav1.Duration{Duration: 12 * time.Second},
			},
		},
	}
	if kind == v1alpha1.ActionRelocate {
		action.Name, action.Status.DataLossWindow = "shop-relocate-2", nil
		action.Status.Steps[0] = v1alpha1.ActionStep{
			Name: v1alpha1.StepHandOver, Cluster: "dr1", Description: "stop the application and sync a last time", State: v1alpha1.StepPending,
		}
	}
	return action
}

func accepted(kind v1alpha1.ActionType) *v1alpha1.DRAction {
	action := planned(kind)
	action.Status.AcceptedTime = micro(0)
	action.Status.Steps[0].State, action.Status.Steps[0].StartTime = v1alpha1.StepRunning, micro(0)
	return action
}

func promoting(kind v1alpha1.ActionType) *v1alpha1.DRAction {
	action := accepted(kind)
	action.Status.Steps[0].State, action.Status.Steps[0].CompletionTime = v1alpha1.StepDone, micro(0.12)
	action.Status.Steps[1].State, action.Status.Steps[1].StartTime = v1alpha1.StepRunning, micro(0.12)
	action.Status.Steps[1].Message = "waiting for data-shop-0"
	return action
}

func ended(kind v1alpha1.ActionType, reason string) *v1alpha1.DRAction {
	action := promoting(kind)
	action.Status.CompletionTime = micro(3.2)
	action.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: reason, Message: "what the server says of the end",
	}}
	if reason == v1alpha1.ReasonSucceeded {
		action.Status.WorkloadReadyTime = micro(3.2)
		for i, end := range []float64{0.12, 2.1, 3.2} {
			step := &action.Status.Steps[i]
			step.State, step.StartTime, step.CompletionTime, step.Message = v1alpha1.StepDone, micro(0), micro(end), ""
		}
	}
	return action
}

func refusal(code int32) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: code, Reason: metav1.StatusReasonConflict, Message: "failover of shop/shop refused",
		Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{
			{Type: "SourceUnhealthy", Message: "dr1 is connected and the application is Available there; relocate loses nothing, or set force"},
			{Type: "CopyFresh", Field: "spec.force", Message: "the copy is 12m old, twice the interval is 10m; wait for a sync, or set force"},
		}},
	}}
}

func TestActions(t *testing.T) {
	failover, relocate := v1alpha1.ActionFailover, v1alpha1.ActionRelocate
	give := func(action *v1alpha1.DRAction, err error) func(bool) (*v1alpha1.DRAction, error) {
		return func(bool) (*v1alpha1.DRAction, error) { return action, err }
	}
	refusedPlan := planned(failover)
	refusedPlan.Status.Checks[1].Result = v1alpha1.CheckFailed

	tests := map[string]struct {
		verb   string
		args   []string
		answer func(bool) (*v1alpha1.DRAction, error)
		events []*v1alpha1.DRAction
		typed  string
		prompt bool
		redraw bool
		code   int
		dryRun []bool
	}{
		"failover accepted": {verb: "failover", answer: give(accepted(failover), nil), code: ExitDone, dryRun: []bool{false}},
		"failover dry run":  {verb: "failover", args: []string{"--dry-run"}, answer: give(planned(failover), nil), code: ExitDone, dryRun: []bool{true}},
		"relocate dry run":  {verb: "relocate", args: []string{"--dry-run=server"}, answer: give(planned(relocate), nil), code: ExitDone, dryRun: []bool{true}},
		"dry run of what would be refused": {
			verb: "failover", args: []string{"--dry-run"}, answer: give(refusedPlan, nil), code: ExitFailed, dryRun: []bool{true},
		},
		"dry run as yaml":       {verb: "failover", args: []string{"--dry-run", "-o", "yaml"}, answer: give(planned(failover), nil), code: ExitDone, dryRun: []bool{true}},
		"dry run on the client": {verb: "failover", args: []string{"--dry-run=client"}, code: ExitFailed},
		"timeout without wait":  {verb: "failover", args: []string{"--timeout=3s"}, code: ExitFailed},
		"failover refused":      {verb: "failover", answer: give(nil, refusal(http.StatusConflict)), code: ExitFailed, dryRun: []bool{false}},
		"failover by name":      {verb: "failover", args: []string{"-o", "name"}, answer: give(accepted(failover), nil), code: ExitDone, dryRun: []bool{false}},
		"not reached":           {verb: "failover", answer: give(nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}), code: ExitFailed, dryRun: []bool{false}},
		"no clear answer":       {verb: "failover", answer: give(nil, apierrors.NewServiceUnavailable("the server is gone")), code: ExitFailed, dryRun: []bool{false}},
		"no such drplacementcontrol": {
			verb: "relocate", answer: give(nil, apierrors.NewNotFound(v1alpha1.Resource("drplacementcontrols"), "shop")), code: ExitFailed, dryRun: []bool{false},
		},
		"failover waited for": {
			verb: "failover", args: []string{"--wait"}, answer: give(accepted(failover), nil), code: ExitDone, dryRun: []bool{false},
			events: []*v1alpha1.DRAction{accepted(failover), promoting(failover), ended(failover, v1alpha1.ReasonSucceeded)},
		},
		"an action that had ended before": {
			verb: "failover", args: []string{"--wait", "--name", "shop-failover-2"}, answer: give(ended(failover, v1alpha1.ReasonSucceeded), nil),
			code: ExitDone, dryRun: []bool{false},
		},
		"relocate waited for on a terminal": {
			verb: "relocate", args: []string{"--wait"}, answer: give(accepted(relocate), nil), redraw: true, code: ExitDone, dryRun: []bool{false},
			events: []*v1alpha1.DRAction{promoting(relocate), ended(relocate, v1alpha1.ReasonSucceeded)},
		},
		"failover that fails": {
			verb: "failover", args: []string{"--wait"}, answer: give(accepted(failover), nil), code: ExitFailed, dryRun: []bool{false},
			events: []*v1alpha1.DRAction{ended(failover, v1alpha1.ReasonFailed)},
		},
		"failover waited for as json": {
			verb: "failover", args: []string{"--wait", "-o", "jsonpath={.status.conditions[0].reason}"}, answer: give(accepted(failover), nil),
			code: ExitDone, dryRun: []bool{false}, events: []*v1alpha1.DRAction{ended(failover, v1alpha1.ReasonSucceeded)},
		},
		"abort accepted": {verb: "abort", answer: give(promoting(relocate), nil), code: ExitDone, dryRun: []bool{false}},
		"abort waited for": {
			verb: "abort", args: []string{"--wait"}, answer: give(accepted(relocate), nil), code: ExitDone, dryRun: []bool{false},
			events: []*v1alpha1.DRAction{ended(relocate, v1alpha1.ReasonAborted)},
		},
		"abort that came too late": {verb: "abort", answer: give(nil, refusal(http.StatusConflict)), code: ExitFailed, dryRun: []bool{false}},
		"confirmed": {
			verb: "failover", answer: give(accepted(failover), nil), prompt: true, typed: "y\n", code: ExitDone, dryRun: []bool{true, false},
		},
		"not confirmed":       {verb: "failover", answer: give(planned(failover), nil), prompt: true, typed: "\n", code: ExitFailed, dryRun: []bool{true}},
		"not to be confirmed": {verb: "failover", args: []string{"-y"}, answer: give(accepted(failover), nil), prompt: true, code: ExitDone, dryRun: []bool{false}},
		"refused before it is to be confirmed": {
			verb: "failover", answer: give(nil, refusal(http.StatusConflict)), prompt: true, typed: "y\n", code: ExitFailed, dryRun: []bool{true},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.prompt, b.redraw = tt.prompt, tt.redraw
			b.in.WriteString(tt.typed)
			b.answer(tt.verb, tt.answer)
			for _, event := range tt.events {
				b.watched.Modify(event)
			}
			if code := b.run(t, t.Context(), append([]string{tt.verb, "shop"}, tt.args...)...); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if diff := cmp.Diff(tt.dryRun, b.dryRuns); diff != "" {
				t.Errorf("dry runs (-want +got):\n%s", diff)
			}
			golden(t, name, b.both())
		})
	}
}

func TestRequestCarriesWhatWasAskedFor(t *testing.T) {
	b := newBench()
	b.answer("failover", func(bool) (*v1alpha1.DRAction, error) { return accepted(v1alpha1.ActionFailover), nil })
	b.run(t, t.Context(), "failover", "shop", "--to", "dr2", "--force", "--acknowledge", "SourceMayStillWrite", "--acknowledge", "SourceMayStillWrite",
		"--reason", "fire", "--name", "tonight")
	want := []*v1alpha1.DRAction{{
		ObjectMeta: metav1.ObjectMeta{Name: "tonight"},
		Spec: v1alpha1.DRActionSpec{
			TargetCluster: "dr2", Force: true, Reason: "fire", Acknowledgements: []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite},
		},
	}}
	if diff := cmp.Diff(want, b.requests); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestWaitingEndsBeforeTheAction(t *testing.T) {
	accept := func(bool) (*v1alpha1.DRAction, error) { return accepted(v1alpha1.ActionFailover), nil }
	t.Run("timed out", func(t *testing.T) {
		b := newBench()
		b.answer("failover", accept)
		if code := b.run(t, t.Context(), "failover", "shop", "--wait", "--timeout", "10ms"); code != ExitTimedOut {
			t.Errorf("exit code %d, want %d", code, ExitTimedOut)
		}
		golden(t, "timed out", b.both())
	})
	t.Run("no answer in time", func(t *testing.T) {
		b := newBench()
		b.answer("failover", func(bool) (*v1alpha1.DRAction, error) {
			return nil, context.DeadlineExceeded
		})
		if code := b.run(t, t.Context(), "failover", "shop", "--wait", "--timeout", "1ns"); code != ExitTimedOut {
			t.Errorf("exit code %d, want %d", code, ExitTimedOut)
		}
		golden(t, "no answer in time", b.both())
	})
	t.Run("interrupted", func(t *testing.T) {
		b := newBench()
		ctx, interrupt := context.WithCancel(t.Context())
		b.answer("failover", accept)
		b.client.PrependWatchReactor("dractions", func(clienttesting.Action) (bool, watch.Interface, error) {
			interrupt()
			return true, b.watched, nil
		})
		if code := b.run(t, ctx, "failover", "shop", "--wait"); code != ExitInterrupted {
			t.Errorf("exit code %d, want %d", code, ExitInterrupted)
		}
		golden(t, "interrupted", b.both())
	})
	t.Run("server restarts", func(t *testing.T) {
		b, watches := newBench(), 0
		b.answer("failover", accept)
		b.watched.Modify(ended(v1alpha1.ActionFailover, v1alpha1.ReasonSucceeded))
		b.client.PrependWatchReactor("dractions", func(clienttesting.Action) (bool, watch.Interface, error) {
			if watches++; watches < 3 {
				return true, nil, apierrors.NewServiceUnavailable("restarting")
			}
			return false, nil, nil
		})
		if code := b.run(t, t.Context(), "failover", "shop", "--wait"); code != ExitDone {
			t.Errorf("exit code %d, want %d", code, ExitDone)
		}
		golden(t, "server restarts", b.both())
	})
	t.Run("deleted", func(t *testing.T) {
		b := newBench()
		b.answer("failover", accept)
		b.watched.Delete(accepted(v1alpha1.ActionFailover))
		if code := b.run(t, t.Context(), "failover", "shop", "--wait"); code != ExitFailed {
			t.Errorf("exit code %d, want %d", code, ExitFailed)
		}
		golden(t, "deleted", b.both())
	})
}
