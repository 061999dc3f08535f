// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func TestActions(t *testing.T) {
	failover, relocate := v1alpha1.ActionFailover, v1alpha1.ActionRelocate
	give := func(action *v1alpha1.DRAction, err error) func(bool) (*v1alpha1.DRAction, error) {
		return func(bool) (*v1alpha1.DRAction, error) { return action, err }
	}
	leaving := func(action *v1alpha1.DRAction) *v1alpha1.DRAction {
		action.Spec.LeaveBehind = []string{"data-1", "data-2"}
		return action
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
		"failover without volumes dry run": {
			verb: "failover", args: []string{"--dry-run", "--leave-behind=data-1,data-2"}, answer: give(leaving(planned(failover)), nil), code: ExitDone, dryRun: []bool{true},
		},
		"failover without volumes": {
			verb: "failover", args: []string{"--wait", "--leave-behind=data-1,data-2"}, answer: give(leaving(ended(failover, v1alpha1.ReasonSucceeded)), nil), code: ExitDone, dryRun: []bool{false},
		},
		"relocate dry run": {verb: "relocate", args: []string{"--dry-run=server"}, answer: give(planned(relocate), nil), code: ExitDone, dryRun: []bool{true}},
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
		"--reason", "fire", "--name", "tonight", "--leave-behind", "data-2,data-1", "--leave-behind", "data-1")
	want := []*v1alpha1.DRAction{{
		ObjectMeta: metav1.ObjectMeta{Name: "tonight"},
		Spec: v1alpha1.DRActionSpec{
			TargetCluster: "dr2", Force: true, Reason: "fire", Acknowledgements: []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite},
			LeaveBehind: []string{"data-1", "data-2"},
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
