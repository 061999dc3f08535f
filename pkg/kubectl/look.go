// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// lookOptions is what kubectl drpc status and history share.
type lookOptions struct {
	*options
	output        *output
	allNamespaces bool
}

func newLookCommand(o *options, cmd *cobra.Command, run func(ctx context.Context, l *lookOptions, s *session, name string) error) *cobra.Command {
	l := &lookOptions{options: o}
	cmd.Args = cobra.MaximumNArgs(1)
	cmd.ValidArgsFunction = o.completeNames
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := o.open()
		if err != nil {
			return err
		}
		if l.allNamespaces {
			s.namespace = metav1.NamespaceAll
		}
		name := ""
		if len(args) == 1 {
			if name = args[0]; l.allNamespaces {
				return fmt.Errorf("a name and --all-namespaces don't go together: %q is looked for in one namespace", name)
			}
		}
		return run(cmd.Context(), l, s, name)
	}
	l.output = addOutput(cmd)
	cmd.Flags().BoolVarP(&l.allNamespaces, "all-namespaces", "A", false, "look in every namespace")
	return cmd
}

func newStatusCommand(o *options) *cobra.Command {
	return newLookCommand(o, &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show where applications run, how well they are protected and what is under way",
		Example: `  kubectl drpc status shop
  kubectl drpc status -A`,
	}, runStatus)
}

func newHistoryCommand(o *options) *cobra.Command {
	return newLookCommand(o, &cobra.Command{
		Use:   "history [NAME]",
		Short: "Show the failovers and relocates there were, the newest first",
		Long: `Show the failovers and relocates there were, the newest first.

DATA LOSS is the age of the copy that was accepted. READY AFTER is the time from the request until the application could run,
PROTECTED AFTER until it was protected again.`,
	}, runHistory)
}

func runStatus(ctx context.Context, l *lookOptions, s *session, name string) error {
	drpcs, err := s.placementControls(ctx, name)
	if err != nil {
		return err
	}
	if !l.output.forPeople() {
		if name != "" {
			return l.output.print(l.options, &drpcs.Items[0])
		}
		return l.output.print(l.options, drpcs)
	}
	if len(drpcs.Items) == 0 {
		s.sayNothingFound(l.ErrOut)
		return nil
	}
	client := s.DrV1alpha1()
	groups, err := client.VolumeReplicationGroups(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	volumes, err := client.ProtectedVolumes(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i, app := range applications(drpcs.Items, groups.Items, volumes.Items) {
		if i > 0 {
			fmt.Fprintln(l.Out)
		}
		app.tree(l.now()).print(l.Out, "", "")
	}
	return nil
}

func runHistory(ctx context.Context, l *lookOptions, s *session, name string) error {
	list, err := s.DrV1alpha1().DRActions(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	list.Items = newestFirst(list.Items, name)
	if !l.output.forPeople() {
		return l.output.print(l.options, list)
	}
	if len(list.Items) == 0 {
		s.sayNothingFound(l.ErrOut)
		return nil
	}
	printHistory(l.Out, l.now(), list.Items, l.allNamespaces)
	return nil
}

// placementControls lists the DRPlacementControls of the session's namespace, or the one of that name.
func (s *session) placementControls(ctx context.Context, name string) (*v1alpha1.DRPlacementControlList, error) {
	client := s.DrV1alpha1().DRPlacementControls(s.namespace)
	if name == "" {
		return client.List(ctx, metav1.ListOptions{})
	}
	drpc, err := client.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return &v1alpha1.DRPlacementControlList{Items: []v1alpha1.DRPlacementControl{*drpc}}, nil
}

func (s *session) sayNothingFound(out io.Writer) {
	if s.namespace == metav1.NamespaceAll {
		fmt.Fprintln(out, "Nothing found in any namespace.")
		return
	}
	fmt.Fprintf(out, "Nothing found in namespace %s.\n", s.namespace)
}
