// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"context"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// fenceAnswer is what the server answers to a request for a state of dr1.
func fenceAnswer(state v1alpha1.FenceState, peer string) *v1alpha1.ClusterFence {
	answer := &v1alpha1.ClusterFence{
		ObjectMeta: metav1.ObjectMeta{Name: "dr1"},
		Status: v1alpha1.ClusterFenceStatus{
			Checks: []v1alpha1.PreflightCheck{
				{Name: v1alpha1.CheckPeerAvailable, Result: v1alpha1.CheckPassed, Message: "dr2 is connected"},
				{Name: v1alpha1.CheckApplicationsDown, Result: v1alpha1.CheckOverridden, Message: "shop/shop is available on dr1", OverriddenBy: "force"},
			},
			Request: &v1alpha1.FenceRequest{Number: 3, State: state, Peer: peer, RequestedBy: "ada", RequestedTime: *micro(0)},
		},
	}
	if peer != "" {
		answer.Status.Request.CIDRs = []string{"10.0.1.0/24", "10.0.2.0/24"}
		answer.Status.Request.NetworkFenceClasses = []string{"sim-fence"}
	}
	return answer
}

// fenced is dr1 as a request left it.
func fenced(number int64, state v1alpha1.FenceState, phase v1alpha1.DRClusterPhase, message string) *v1alpha1.DRCluster {
	return &v1alpha1.DRCluster{
		ObjectMeta: metav1.ObjectMeta{Name: "dr1"},
		Status: v1alpha1.DRClusterStatus{
			Phase:      phase,
			Fence:      &v1alpha1.FenceRequest{Number: number, State: state, RequestedBy: "bob"},
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionFenced, Status: metav1.ConditionFalse, Message: message}},
		},
	}
}

// answerFence makes the server answer fence or unfence, and returns what it was asked.
func (b *bench) answerFence(verb string, answer *v1alpha1.ClusterFence, err error) (asked *[]v1alpha1.ClusterFenceSpec) {
	asked = &[]v1alpha1.ClusterFenceSpec{}
	b.client.PrependReactor("create", "drclusters/"+verb, func(action clienttesting.Action) (bool, runtime.Object, error) {
		create := action.(clienttesting.CreateActionImpl)
		*asked = append(*asked, create.Object.(*v1alpha1.ClusterFence).Spec)
		b.dryRuns = append(b.dryRuns, len(create.CreateOptions.DryRun) == 1)
		return true, answer, err
	})
	b.client.PrependWatchReactor("drclusters", func(clienttesting.Action) (bool, watch.Interface, error) {
		return true, b.watched, nil
	})
	return asked
}

func TestFences(t *testing.T) {
	const isFenced, isUnfenced = v1alpha1.FenceStateFenced, v1alpha1.FenceStateUnfenced
	refused := &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusConflict, Reason: metav1.StatusReasonConflict, Message: "fence of dr1 is refused",
		Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{
			Type: v1alpha1.CheckApplicationsDown, Field: "spec.force", Message: "shop/shop is available on dr1; set force",
		}}},
	}}
	again := fenceAnswer(isFenced, "dr2")
	again.Status.Checks = nil

	tests := map[string]struct {
		verb   string
		args   []string
		answer *v1alpha1.ClusterFence
		err    error
		events []*v1alpha1.DRCluster
		typed  string
		prompt bool
		code   int
		dryRun []bool
	}{
		"fence accepted":        {verb: "fence", answer: fenceAnswer(isFenced, "dr2"), code: ExitDone, dryRun: []bool{false}},
		"fence vouched for":     {verb: "fence", args: []string{"--manual"}, answer: fenceAnswer(isFenced, ""), code: ExitDone, dryRun: []bool{false}},
		"fence asked for again": {verb: "fence", answer: again, code: ExitDone, dryRun: []bool{false}},
		"fence refused":         {verb: "fence", err: refused, code: ExitFailed, dryRun: []bool{false}},
		"fence dry run":         {verb: "fence", args: []string{"--dry-run"}, answer: fenceAnswer(isFenced, "dr2"), code: ExitDone, dryRun: []bool{true}},
		"fence dry run refused": {verb: "fence", args: []string{"--dry-run=server"}, err: refused, code: ExitFailed, dryRun: []bool{true}},
		"fence as yaml":         {verb: "fence", args: []string{"-o", "yaml"}, answer: fenceAnswer(isFenced, "dr2"), code: ExitDone, dryRun: []bool{false}},
		"fence on the client":   {verb: "fence", args: []string{"--dry-run=client"}, code: ExitFailed},
		"fence confirmed": {
			verb: "fence", answer: fenceAnswer(isFenced, "dr2"), prompt: true, typed: "yes\n", code: ExitDone, dryRun: []bool{true, false},
		},
		"fence not confirmed":   {verb: "fence", answer: fenceAnswer(isFenced, "dr2"), prompt: true, typed: "no\n", code: ExitFailed, dryRun: []bool{true}},
		"fence not to be asked": {verb: "fence", args: []string{"-y"}, answer: fenceAnswer(isFenced, "dr2"), prompt: true, code: ExitDone, dryRun: []bool{false}},
		"fence waited for": {
			verb: "fence", args: []string{"--wait"}, answer: fenceAnswer(isFenced, "dr2"), code: ExitDone, dryRun: []bool{false},
			events: []*v1alpha1.DRCluster{
				fenced(2, isUnfenced, v1alpha1.ClusterAvailable, "Storage serves the cluster."),
				fenced(3, isFenced, v1alpha1.ClusterFencing, "dr2 is fencing the cluster off."),
				fenced(3, isFenced, v1alpha1.ClusterFencing, "dr2 is fencing the cluster off."),
				fenced(3, isFenced, v1alpha1.ClusterFenced, "Storage refuses the cluster."),
			},
		},
		"fence that another request replaces": {
			verb: "fence", args: []string{"--wait"}, answer: fenceAnswer(isFenced, "dr2"), code: ExitFailed, dryRun: []bool{false},
			events: []*v1alpha1.DRCluster{fenced(4, isUnfenced, v1alpha1.ClusterUnfencing, "dr2 is letting the cluster back.")},
		},
		"fence not done in time": {
			verb: "fence", args: []string{"--wait", "--timeout=10ms"}, answer: fenceAnswer(isFenced, "dr2"), code: ExitTimedOut, dryRun: []bool{false},
		},
		"unfence accepted": {verb: "unfence", answer: fenceAnswer(isUnfenced, "dr2"), code: ExitDone, dryRun: []bool{false}},
		"unfence waited for": {
			verb: "unfence", args: []string{"--wait"}, answer: fenceAnswer(isUnfenced, "dr2"), code: ExitDone, dryRun: []bool{false},
			events: []*v1alpha1.DRCluster{fenced(3, isUnfenced, v1alpha1.ClusterAvailable, "Storage serves the cluster.")},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.prompt = tt.prompt
			b.in.WriteString(tt.typed)
			b.answerFence(tt.verb, tt.answer, tt.err)
			for _, event := range tt.events {
				b.watched.Modify(event)
			}
			if code := b.run(t, t.Context(), append([]string{tt.verb, "dr1"}, tt.args...)...); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if diff := cmp.Diff(tt.dryRun, b.dryRuns); diff != "" {
				t.Errorf("dry runs (-want +got):\n%s", diff)
			}
			golden(t, name, b.both())
		})
	}
}

func TestFenceCarriesWhatWasAskedFor(t *testing.T) {
	for verb, args := range map[string][]string{"fence": {"--force", "--manual", "--reason", "fire"}, "unfence": {"--manual", "--reason", "fire"}} {
		b := newBench()
		asked := b.answerFence(verb, fenceAnswer(v1alpha1.FenceStateFenced, ""), nil)
		b.run(t, t.Context(), append([]string{verb, "dr1"}, args...)...)
		want := []v1alpha1.ClusterFenceSpec{{Manual: true, Force: verb == "fence", Reason: "fire"}}
		if diff := cmp.Diff(want, *asked); diff != "" {
			t.Errorf("%s (-want +got):\n%s", verb, diff)
		}
	}
}

func TestWatchingAFenceIsInterrupted(t *testing.T) {
	b := newBench()
	ctx, interrupt := context.WithCancel(t.Context())
	b.answerFence("fence", fenceAnswer(v1alpha1.FenceStateFenced, "dr2"), nil)
	b.client.PrependWatchReactor("drclusters", func(clienttesting.Action) (bool, watch.Interface, error) {
		interrupt()
		return true, b.watched, nil
	})
	if code := b.run(t, ctx, "fence", "dr1", "--wait"); code != ExitInterrupted {
		t.Errorf("exit code %d, want %d", code, ExitInterrupted)
	}
	golden(t, "fence interrupted", b.both())
}
