// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// actionCommand is kubectl drpc failover or relocate.
type actionCommand struct {
	*options
	output *output
	kind   v1alpha1.ActionType

	drpc             string
	name             string
	to               string
	reason           string
	force            bool
	acknowledgements []string
	leaveBehind      []string
	asking
	waiting
}

func newFailoverCommand(o *options) *cobra.Command {
	a := &actionCommand{options: o, kind: v1alpha1.ActionFailover}
	cmd := &cobra.Command{
		Use:   "failover NAME",
		Short: "Recover an application on another cluster from the last copy, without its own cluster",
		Long: `Recover an application on another cluster from the last copy, without the cluster it runs on.

What the application wrote after the last sync is lost; --dry-run says how much that is. The server refuses while the
application's own cluster is healthy, where the copy is too old or nothing replicates some of the volumes (--force overrides
that), and where nothing is known to stop a cluster that can't be reached from writing (--acknowledge SourceMayStillWrite
takes that risk).

A volume that the other cluster can't recover would keep the application from running: --leave-behind goes on without it. It may
be asked for again while the failover runs, with further volumes. What is in those is lost to the application; they are not
deleted.`,
		Example: `  # What would happen, and what would be lost
  kubectl drpc failover shop --dry-run

  # The cluster is gone: recover on the other one and watch it happen
  kubectl drpc failover shop --acknowledge SourceMayStillWrite --reason "dr1 lost power" --wait

  # The failover that is under way waits for a volume that can't be recovered: go on without it
  kubectl drpc failover shop --leave-behind data-1`,
	}
	a.addTo(cmd)
	cmd.Flags().BoolVar(&a.force, "force", false, "override that the source is healthy, that the copy is older than twice the policy's interval, or that nothing replicates some of the volumes")
	cmd.Flags().StringSliceVar(&a.acknowledgements, "acknowledge", nil, "a risk you take knowingly: "+string(v1alpha1.AckSourceMayStillWrite))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("acknowledge",
		cobra.FixedCompletions([]string{string(v1alpha1.AckSourceMayStillWrite)}, cobra.ShellCompDirectiveNoFileComp)))
	cmd.Flags().StringSliceVar(&a.leaveBehind, "leave-behind", nil, "PersistentVolumeClaims to go on without, also while the failover runs; what is in them is lost to the application")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("leave-behind", a.completeClaims))
	return cmd
}

func newRelocateCommand(o *options) *cobra.Command {
	a := &actionCommand{options: o, kind: v1alpha1.ActionRelocate}
	cmd := &cobra.Command{
		Use:   "relocate NAME",
		Short: "Move an application to another cluster and lose nothing",
		Long: `Move an application to another cluster and lose nothing.

The application is stopped, its volumes are synced a last time, and it is started on the target, by default the
preferredCluster. The server refuses unless both clusters are connected and the application is protected. Until the target is
promoted, kubectl drpc abort takes the relocate back.`,
		Example: `  # Back to the preferred cluster, watching
  kubectl drpc relocate shop --wait`,
	}
	a.addTo(cmd)
	return cmd
}

func (a *actionCommand) addTo(cmd *cobra.Command) {
	cmd.Args = cobra.ExactArgs(1)
	cmd.ValidArgsFunction = a.completeNames
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.drpc = args[0]
		return a.run(cmd.Context())
	}
	a.output = addOutput(cmd)
	flags := cmd.Flags()
	flags.StringVar(&a.to, "to", "", "cluster to bring the application to")
	flags.StringVar(&a.reason, "reason", "", "why, in your own words, for the record")
	flags.StringVar(&a.name, "name", "", "name of the DRAction; repeating a request with the same name is the same action")
	a.asking.addTo(cmd, "print the plan and what would be lost, and change nothing: none or server")
	a.waiting.addTo(cmd)
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("to", a.completeClusters))
}

func (a *actionCommand) run(ctx context.Context) error {
	if err := a.validate(); err != nil {
		return err
	}
	s, err := a.open()
	if err != nil {
		return err
	}
	if a.dryRun == dryRunServer {
		return a.preview(ctx, s)
	}
	if a.canPrompt && !a.yes {
		if err := a.ask(ctx, s); err != nil {
			return err
		}
	}
	ctx, cancel := a.waiting.limit(ctx)
	defer cancel()
	action, err := a.submit(ctx, s, false)
	if err != nil {
		return a.refused(ctx, s, err)
	}
	return a.follow(ctx, s, action)
}

func (a *actionCommand) validate() error {
	if err := a.asking.validate(); err != nil {
		return err
	}
	return a.waiting.validate()
}

// preview prints the plan of a dry run.
func (a *actionCommand) preview(ctx context.Context, s *session) error {
	action, err := a.submit(ctx, s, true)
	if err != nil {
		return a.refused(ctx, s, err)
	}
	if !a.output.forPeople() {
		err = a.output.print(a.options, action)
	} else {
		printPlan(a.Out, a.now(), action)
		fmt.Fprintln(a.Out, "\nDry run: nothing was changed.")
	}
	if err == nil && wouldBeRefused(action) {
		fmt.Fprintf(a.ErrOut, "The %s would be refused.\n", verbs[a.kind])
		return &exitError{code: ExitFailed, cause: "would be refused"}
	}
	return err
}

// ask shows a person what the action would do and asks whether to go on.
func (a *actionCommand) ask(ctx context.Context, s *session) error {
	action, err := a.submit(ctx, s, true)
	if err != nil {
		return a.refused(ctx, s, err)
	}
	printPlan(a.ErrOut, a.now(), action)
	question := fmt.Sprintf("%s %s from %s to %s?", a.kind, a.drpc, action.Spec.SourceCluster, action.Spec.TargetCluster)
	if !a.confirm(ctx, question) {
		fmt.Fprintln(a.ErrOut, "Nothing was changed.")
		return &exitError{code: ExitFailed, cause: "not confirmed"}
	}
	return nil
}

func (a *actionCommand) submit(ctx context.Context, s *session, dryRun bool) (*v1alpha1.DRAction, error) {
	client, opts := s.DrV1alpha1().DRPlacementControls(s.namespace), metav1.CreateOptions{}
	if dryRun {
		opts.DryRun = []string{metav1.DryRunAll}
	}
	if a.kind == v1alpha1.ActionFailover {
		return client.Failover(ctx, a.drpc, a.request(), opts)
	}
	return client.Relocate(ctx, a.drpc, a.request(), opts)
}

func (a *actionCommand) request() *v1alpha1.DRAction {
	return &v1alpha1.DRAction{
		ObjectMeta: metav1.ObjectMeta{Name: a.name},
		Spec: v1alpha1.DRActionSpec{
			TargetCluster: a.to, Reason: a.reason, Force: a.force, Acknowledgements: acknowledgements(a.acknowledgements),
			LeaveBehind: slices.Compact(slices.Sorted(slices.Values(a.leaveBehind))),
		},
	}
}

func acknowledgements(words []string) (acknowledged []v1alpha1.Acknowledgement) {
	for _, ack := range slices.Compact(slices.Sorted(slices.Values(words))) {
		acknowledged = append(acknowledged, v1alpha1.Acknowledgement(ack))
	}
	return acknowledged
}

func (a *actionCommand) refused(ctx context.Context, s *session, err error) error {
	return a.notAccepted(ctx, s, verbs[a.kind], a.drpc, err)
}

// follow waits for the end of an accepted action if it was asked to, and prints what there is to print.
func (a *actionCommand) follow(ctx context.Context, s *session, action *v1alpha1.DRAction) error {
	if !a.wait {
		if !a.output.forPeople() {
			return a.output.print(a.options, action)
		}
		fmt.Fprintf(a.Out, "%s %s accepted: %s → %s\nFollow it with:\n  %s\n", action.Spec.Type, action.Name,
			action.Spec.SourceCluster, action.Spec.TargetCluster, lookCommand(s.namespace, a.drpc))
		return nil
	}
	return a.waiting.until(ctx, a.options, s, action, a.output, v1alpha1.ReasonSucceeded)
}

func lookCommand(namespace, drpc string) string {
	return fmt.Sprintf("kubectl drpc status %s -n %s", drpc, namespace)
}
