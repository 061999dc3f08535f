// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package kubectl is kubectl drpc: what a person needs to see and steer the recovery of applications.
package kubectl

import (
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// NewCommand makes the kubectl drpc command. The errors it returns go through ExitCode.
func NewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return newCommand(newOptions(streams))
}

func newCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:         "kubectl-drpc",
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl drpc"},
		Short:       "See and steer the disaster recovery of applications",
		Long: `See and steer the disaster recovery of applications.

Exit codes: 0 done, 1 refused or failed, 2 timed out while waiting, 130 stopped watching by Ctrl-C.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.SetIn(o.In)
	cmd.SetOut(o.Out)
	cmd.SetErr(o.ErrOut)
	o.config.AddFlags(cmd.PersistentFlags())
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("namespace", cobra.NoFileCompletions))
	cmd.AddCommand(newStatusCommand(o), newFailoverCommand(o), newRelocateCommand(o), newAbortCommand(o), newHistoryCommand(o),
		newFenceCommand(o), newUnfenceCommand(o), newJoinCommand(o))
	return cmd
}

// completeNames completes the name of a DRPlacementControl.
func (o *options) completeNames(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	s, err := o.open()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	drpcs, err := s.DrV1alpha1().DRPlacementControls(s.namespace).List(cmd.Context(), metav1.ListOptions{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, 0, len(drpcs.Items))
	for _, drpc := range drpcs.Items {
		names = append(names, drpc.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeClusters completes the name of a cluster the application can be brought to.
func (o *options) completeClusters(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	s, err := o.open()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	drpc, err := s.DrV1alpha1().DRPlacementControls(s.namespace).Get(cmd.Context(), args[0], metav1.GetOptions{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, cluster := range drpc.Status.Clusters {
		if cluster.Name != drpc.Status.PrimaryCluster {
			names = append(names, cluster.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeClaims completes the names of the application's claims, of which several are given with commas between them.
func (o *options) completeClaims(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	s, err := o.open()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	selector := metav1.ListOptions{LabelSelector: v1alpha1.LabelDRPlacementControl + "=" + args[0]}
	groups, err := s.DrV1alpha1().VolumeReplicationGroups(s.namespace).List(cmd.Context(), selector)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	before := typed[:strings.LastIndex(typed, ",")+1]
	names := sets.New[string]()
	for _, group := range groups.Items {
		for i := range group.Status.ProtectedPVCs {
			names.Insert(before + group.Status.ProtectedPVCs[i].Name)
		}
	}
	return sets.List(names), cobra.ShellCompDirectiveNoFileComp
}
