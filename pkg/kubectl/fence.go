// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/kubectl/follow"
)

// fenceCommand is kubectl drpc fence or unfence.
type fenceCommand struct {
	*options
	output *output
	state  v1alpha1.FenceState

	cluster string
	reason  string
	manual  bool
	force   bool
	asking
	waiting
}

func newFenceCommand(o *options) *cobra.Command {
	f := &fenceCommand{options: o, state: v1alpha1.FenceStateFenced}
	cmd := &cobra.Command{
		Use:   "fence CLUSTER",
		Short: "Have storage refuse a lost cluster, so that nothing on it can write any more",
		Long: `Have storage refuse a lost cluster, so that nothing on it can write any more. For administrators.

Another cluster that shares a policy with it has its storage drivers do that. Where no driver can, fence the cluster by other
means, such as switching it off, and vouch for that with --manual. The server refuses while an application is available on the
cluster (--force overrides that), and while an action brings one there.`,
		Example: `  # What stands against it, and what would be fenced off
  kubectl drpc fence dr1 --dry-run

  # Fence it off and wait until storage has confirmed that
  kubectl drpc fence dr1 --reason "dr1 burns" --wait`,
	}
	f.addTo(cmd, "it has been fenced off by other means, and you vouch for that")
	cmd.Flags().BoolVar(&f.force, "force", false, "override that applications are available on the cluster")
	return cmd
}

func newUnfenceCommand(o *options) *cobra.Command {
	f := &fenceCommand{options: o, state: v1alpha1.FenceStateUnfenced}
	cmd := &cobra.Command{
		Use:   "unfence CLUSTER",
		Short: "Have storage serve a cluster again that was fenced off",
		Long: `Have storage serve a cluster again that was fenced off. For administrators.

The server refuses until the cluster's agent has confirmed that it stopped what runs elsewhere now, and while a failover away
from the cluster relies on the fence.`,
		Example: `  kubectl drpc unfence dr1 --reason "dr1 is repaired" --wait`,
	}
	f.addTo(cmd, "it has been let back by other means, and you vouch for that")
	return cmd
}

func (f *fenceCommand) addTo(cmd *cobra.Command, manual string) {
	cmd.Args = cobra.ExactArgs(1)
	cmd.ValidArgsFunction = f.completeDRClusters
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.cluster = args[0]
		return f.run(cmd.Context())
	}
	f.output = addOutput(cmd)
	cmd.Flags().StringVar(&f.reason, "reason", "", "why, in your own words, for the record")
	cmd.Flags().BoolVar(&f.manual, "manual", false, manual)
	f.asking.addTo(cmd, "print what was checked and what would be asked for, and change nothing: none or server")
	f.waiting.addTo(cmd)
}

func (f *fenceCommand) verb() string {
	if f.state == v1alpha1.FenceStateFenced {
		return "fence"
	}
	return "unfence"
}

func (f *fenceCommand) run(ctx context.Context) error {
	if err := f.asking.validate(); err != nil {
		return err
	}
	if err := f.waiting.validate(); err != nil {
		return err
	}
	s, err := f.open()
	if err != nil {
		return err
	}
	if f.dryRun == dryRunServer {
		return f.preview(ctx, s)
	}
	if f.canPrompt && !f.yes {
		if err := f.ask(ctx, s); err != nil {
			return err
		}
	}
	ctx, cancel := f.waiting.limit(ctx)
	defer cancel()
	answer, err := f.submit(ctx, s, false)
	if err != nil {
		return f.refused(ctx, err)
	}
	return f.follow(ctx, s, answer)
}

// preview prints what a dry run answers.
func (f *fenceCommand) preview(ctx context.Context, s *session) error {
	answer, err := f.submit(ctx, s, true)
	if err != nil {
		return f.refused(ctx, err)
	}
	if !f.output.forPeople() {
		return f.output.print(f.options, answer)
	}
	f.printPlan(f.Out, answer)
	fmt.Fprintln(f.Out, "\nDry run: nothing was changed.")
	return nil
}

// ask shows a person what the request would do and asks whether to go on.
func (f *fenceCommand) ask(ctx context.Context, s *session) error {
	answer, err := f.submit(ctx, s, true)
	if err != nil {
		return f.refused(ctx, err)
	}
	f.printPlan(f.ErrOut, answer)
	if !f.confirm(ctx, fmt.Sprintf("%s %s?", capitalized(f.verb()), f.cluster)) {
		fmt.Fprintln(f.ErrOut, "Nothing was changed.")
		return &exitError{code: ExitFailed, cause: "not confirmed"}
	}
	return nil
}

func (f *fenceCommand) submit(ctx context.Context, s *session, dryRun bool) (*v1alpha1.ClusterFence, error) {
	request := &v1alpha1.ClusterFence{Spec: v1alpha1.ClusterFenceSpec{Manual: f.manual, Reason: f.reason, Force: f.force}}
	client, opts := s.DrV1alpha1().DRClusters(), metav1.CreateOptions{}
	if dryRun {
		opts.DryRun = []string{metav1.DryRunAll}
	}
	if f.state == v1alpha1.FenceStateFenced {
		return client.Fence(ctx, f.cluster, request, opts)
	}
	return client.Unfence(ctx, f.cluster, request, opts)
}

func (f *fenceCommand) refused(ctx context.Context, err error) error {
	printRefusal(f.ErrOut, fmt.Sprintf("%s of %s", f.verb(), f.cluster), lookAtCluster(f.cluster), err)
	return &exitError{code: exitCodeOf(ctx), cause: err.Error()}
}

func lookAtCluster(cluster string) string { return "kubectl describe drcluster " + cluster }

func (f *fenceCommand) printPlan(out io.Writer, answer *v1alpha1.ClusterFence) {
	fmt.Fprintf(out, "Plan: %s of %s\n", f.verb(), f.cluster)
	if len(answer.Status.Checks) > 0 {
		printChecks(out, answer.Status.Checks)
	}
	fmt.Fprintf(out, "\nWhat happens\n  %s\n", f.what(answer))
}

// what says what a request comes to.
func (f *fenceCommand) what(answer *v1alpha1.ClusterFence) string {
	request := answer.Status.Request
	switch {
	case request == nil:
		return "there is nothing to do"
	case len(answer.Status.Checks) == 0:
		return fmt.Sprintf("%s asked for that at %s already", orSomebody(request.RequestedBy), moment(f.now(), request.RequestedTime.Time))
	case request.Peer == "":
		return "nothing is to be carried out"
	case f.state == v1alpha1.FenceStateFenced && !request.Manual:
		return fmt.Sprintf("%s has storage refuse %s, by NetworkFenceClass %s", request.Peer,
			strings.Join(request.CIDRs, ", "), strings.Join(request.NetworkFenceClasses, ", "))
	default:
		return fmt.Sprintf("%s takes off what it has fenced: %s", request.Peer, strings.Join(request.CIDRs, ", "))
	}
}

// follow waits until an accepted request is carried out if it was asked to, and prints what there is to print.
func (f *fenceCommand) follow(ctx context.Context, s *session, answer *v1alpha1.ClusterFence) error {
	people := f.Out
	if !f.output.forPeople() {
		people = f.ErrOut
	}
	if !f.wait {
		if !f.output.forPeople() {
			return f.output.print(f.options, answer)
		}
		fmt.Fprintf(people, "%s of %s accepted: %s\nFollow it with:\n  %s\n", capitalized(f.verb()), f.cluster, f.what(answer), lookAtCluster(f.cluster))
		return nil
	}
	fmt.Fprintf(people, "%s of %s: %s\n", capitalized(f.verb()), f.cluster, f.what(answer))
	if err := f.until(ctx, s, answer.Status.Request, people); err != nil {
		return f.gaveUp(ctx, err)
	}
	if !f.output.forPeople() {
		return f.output.print(f.options, answer)
	}
	return nil
}

// until shows how a request is carried out until it is, or another takes its place.
func (f *fenceCommand) until(ctx context.Context, s *session, request *v1alpha1.FenceRequest, out io.Writer) error {
	last := ""
	say := func(line string) {
		if line != last {
			fmt.Fprintf(out, "%s  %s\n", moment(f.now(), f.now()), line)
		}
		last = line
	}
	return follow.Object(ctx, s.DrV1alpha1().DRClusters().Watch, f.cluster, func(cluster *v1alpha1.DRCluster) (bool, error) {
		fence := cluster.Status.Fence
		switch {
		case fence == nil || fence.Number < request.Number:
			return false, nil
		case fence.Number > request.Number:
			return false, fmt.Errorf("%s has asked for the cluster to be %s since", orSomebody(fence.RequestedBy), fence.State)
		}
		done := cluster.Status.Phase == v1alpha1.ClusterFenced || cluster.Status.Phase == v1alpha1.ClusterAvailable
		mark, message := markRunning, ""
		if done {
			mark = markGood
		}
		if condition := meta.FindStatusCondition(cluster.Status.Conditions, v1alpha1.ConditionFenced); condition != nil {
			message = ": " + condition.Message
		}
		say(fmt.Sprintf("%s %s%s", mark, cluster.Status.Phase, message))
		return done, nil
	}, func(err error) { say(fmt.Sprintf("the server can't be reached: %v", err)) })
}

// gaveUp says why the watching ended before the request was carried out, and how to look again.
func (f *fenceCommand) gaveUp(ctx context.Context, err error) error {
	code := exitCodeOf(ctx)
	switch code {
	case ExitTimedOut:
		fmt.Fprintf(f.ErrOut, "The %s of %s is not done after %s. It goes on; look again with:\n  %s\n", f.verb(), f.cluster, span(f.timeout), lookAtCluster(f.cluster))
	case ExitInterrupted:
		fmt.Fprintf(f.ErrOut, "\nStopped watching. The %s of %s goes on; look again with:\n  %s\n", f.verb(), f.cluster, lookAtCluster(f.cluster))
	default:
		fmt.Fprintf(f.ErrOut, "Could not watch the %s of %s to its end: %v. Look again with:\n  %s\n", f.verb(), f.cluster, err, lookAtCluster(f.cluster))
	}
	return &exitError{code: code, cause: err.Error()}
}

// completeDRClusters completes the name of a DRCluster.
func (o *options) completeDRClusters(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	s, err := o.open()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	clusters, err := s.DrV1alpha1().DRClusters().List(cmd.Context(), metav1.ListOptions{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, 0, len(clusters.Items))
	for _, cluster := range clusters.Items {
		names = append(names, cluster.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func orSomebody(user string) string {
	if user == "" {
		return "somebody"
	}
	return user
}

func capitalized(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
