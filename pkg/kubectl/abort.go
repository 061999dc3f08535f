// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// abortCommand is kubectl drpc abort.
type abortCommand struct {
	*options
	output *output
	drpc   string
	reason string
	// acknowledgements are risks taken knowingly.
	acknowledgements []string
	waiting
}

func newAbortCommand(o *options) *cobra.Command {
	a := &abortCommand{options: o}
	cmd := &cobra.Command{
		Use:   "abort NAME",
		Short: "Take back the action under way, up to its point of no return",
		Long: `Take back the action under way, up to its point of no return.

The application runs again where it ran before. Once the target is being promoted the server refuses. A hub that was started
since does not know whether it was: it asks the target's agent, and where that can't be reached, waits for it or for you
(--acknowledge TargetMayStillWrite takes that risk).`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: o.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.drpc = args[0]
			return a.run(cmd.Context())
		},
	}
	a.output = addOutput(cmd)
	cmd.Flags().StringVar(&a.reason, "reason", "", "why, in your own words, for the record")
	cmd.Flags().StringSliceVar(&a.acknowledgements, "acknowledge", nil, "a risk you take knowingly: "+string(v1alpha1.AckTargetMayStillWrite))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("acknowledge",
		cobra.FixedCompletions([]string{string(v1alpha1.AckTargetMayStillWrite)}, cobra.ShellCompDirectiveNoFileComp)))
	a.waiting.addTo(cmd)
	return cmd
}

func (a *abortCommand) run(ctx context.Context) error {
	if err := a.waiting.validate(); err != nil {
		return err
	}
	s, err := a.open()
	if err != nil {
		return err
	}
	ctx, cancel := a.waiting.limit(ctx)
	defer cancel()
	request := &v1alpha1.DRAction{Spec: v1alpha1.DRActionSpec{Reason: a.reason, Acknowledgements: acknowledgements(a.acknowledgements)}}
	action, err := s.DrV1alpha1().DRPlacementControls(s.namespace).Abort(ctx, a.drpc, request, metav1.CreateOptions{})
	if err != nil {
		return a.notAccepted(ctx, s, "abort", a.drpc, err)
	}
	switch {
	case a.wait:
		return a.waiting.until(ctx, a.options, s, action, a.output, v1alpha1.ReasonAborted)
	case !a.output.forPeople():
		return a.output.print(a.options, action)
	default:
		fmt.Fprintf(a.Out, "%s %s is being taken back\nFollow it with:\n  %s\n", action.Spec.Type, action.Name, lookCommand(s.namespace, a.drpc))
		return nil
	}
}
