// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/kubectl/follow"
)

var errTimedOut = errors.New("timed out")

// redrawInterval is how often the time that a step takes is drawn anew on a terminal.
const redrawInterval = time.Second

// waiting is --wait and --timeout.
type waiting struct {
	wait    bool
	timeout time.Duration
}

func (w *waiting) addTo(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&w.wait, "wait", false, "show progress until the action has ended; Ctrl-C ends the showing, not the action")
	cmd.Flags().DurationVar(&w.timeout, "timeout", 0, "with --wait, how long to watch; 0 means as long as it takes")
}

func (w *waiting) validate() error {
	if w.timeout != 0 && !w.wait {
		return errors.New("--timeout says how long to --wait; it needs --wait")
	}
	if w.timeout < 0 {
		return errors.New("--timeout must not be negative")
	}
	return nil
}

// limit ends ctx when --timeout has passed, for the request and the waiting together.
func (w *waiting) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if w.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, w.timeout, errTimedOut)
}

// until shows the progress of an action until it has ended, and fails unless it ended as wanted.
func (w *waiting) until(ctx context.Context, o *options, s *session, action *v1alpha1.DRAction, out *output, wanted string) error {
	people := o.Out
	if !out.forPeople() {
		people = o.ErrOut
	}
	last, err := w.show(ctx, o, s, action, people)
	if err != nil {
		return w.gaveUp(ctx, o.ErrOut, s, last, err)
	}
	printOutcome(people, o.now(), last)
	if !out.forPeople() {
		if err := out.print(o, last); err != nil {
			return err
		}
	}
	return outcomeError(last, wanted)
}

// show follows the action and returns the last state it saw.
func (w *waiting) show(ctx context.Context, o *options, s *session, action *v1alpha1.DRAction, out io.Writer) (*v1alpha1.DRAction, error) {
	view, ticks := o.progressOn(out)
	fmt.Fprintf(out, "%s %s: %s → %s\n", action.Spec.Type, action.Name, action.Spec.SourceCluster, action.Spec.TargetCluster)
	view.show(o.now(), action)
	if isComplete(action.Status) {
		return action, nil
	}

	states, lost, ended := make(chan *v1alpha1.DRAction), make(chan error), make(chan error, 1)
	reached := true
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { ended <- s.watchAction(ctx, action.Name, states, lost) }()
	for {
		select {
		case action = <-states:
			if !reached {
				view.note(o.now(), "the server answers again")
			}
			reached = true
			view.show(o.now(), action)
		case err := <-lost:
			if reached {
				view.note(o.now(), fmt.Sprintf("the server can't be reached; the action goes on, and so does the watching: %v", err))
			}
			reached = false
		case <-ticks:
			view.show(o.now(), action)
		case err := <-ended:
			return action, err
		}
	}
}

func (s *session) watchAction(ctx context.Context, name string, states chan<- *v1alpha1.DRAction, lost chan<- error) error {
	return follow.Object(ctx, s.DrV1alpha1().DRActions(s.namespace).Watch, name,
		func(action *v1alpha1.DRAction) (bool, error) {
			select {
			case states <- action:
				return isComplete(action.Status), nil
			case <-ctx.Done():
				return false, nil
			}
		},
		func(err error) {
			select {
			case lost <- err:
			case <-ctx.Done():
			}
		})
}

// progressOn chooses how progress is shown, and how often it is drawn anew without any news.
func (o *options) progressOn(out io.Writer) (progress, <-chan time.Time) {
	if o.canRedraw && out == o.Out {
		return &redrawn{out: out, width: o.width}, o.clock.NewTicker(redrawInterval).C()
	}
	return newChangeLines(out), nil
}

// gaveUp says why the watching ended before the action did, and how to look again.
func (w *waiting) gaveUp(ctx context.Context, out io.Writer, s *session, action *v1alpha1.DRAction, err error) error {
	what, again := fmt.Sprintf("%s %s", action.Spec.Type, action.Name), lookCommand(s.namespace, action.Spec.DRPlacementControl)
	code := exitCodeOf(ctx)
	switch code {
	case ExitTimedOut:
		fmt.Fprintf(out, "%s has not ended after %s. It goes on; look again with:\n  %s\n", what, span(w.timeout), again)
	case ExitInterrupted:
		fmt.Fprintf(out, "\nStopped watching. %s goes on; look again with:\n  %s\n", what, again)
	default:
		fmt.Fprintf(out, "Could not watch %s: %v. It goes on; look again with:\n  %s\n", what, err, again)
	}
	return &exitError{code: code, cause: err.Error()}
}

// exitCodeOf is the exit code of something that failed: it tells whether time or a person ended it.
func exitCodeOf(ctx context.Context) int {
	switch {
	case errors.Is(context.Cause(ctx), errTimedOut):
		return ExitTimedOut
	case ctx.Err() != nil:
		return ExitInterrupted
	default:
		return ExitFailed
	}
}
