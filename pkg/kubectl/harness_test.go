// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
