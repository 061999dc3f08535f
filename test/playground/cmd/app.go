// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ramendr/dr-apiserver/test/playground/layout"
	"github.com/ramendr/dr-apiserver/test/playground/sampleapp"
	"github.com/ramendr/dr-apiserver/test/playground/supervisor"
)

type appOptions struct {
	sampleapp.Options
	cluster string
	noWait  bool
}

func newApp() *cobra.Command {
	options := appOptions{}
	command := &cobra.Command{
		Use:   "app NAMESPACE",
		Short: "Deploy the sample application and wait until it writes records",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, words []string) error {
			options.Name = words[0]
			if !cmd.Flags().Changed("volumes") {
				options.Volumes = max(options.Volumes, len(strings.Split(options.StorageClass, ",")))
			}
			return deployApp(cmd.Context(), printer(cmd.OutOrStdout()), options)
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.cluster, "cluster", "dr1", "the cluster it runs on")
	flags.IntVar(&options.Volumes, "volumes", 2, "how many volumes it has; at least one of each class")
	flags.StringVar(&options.StorageClass, "storage-class", "sim-replicated",
		"the class of its volumes, or several with commas in between that take turns; sim-plain can't be replicated")
	flags.BoolVar(&options.Together, "together", false, "have it write each record to all its volumes at once")
	flags.BoolVar(&options.noWait, "no-wait", false, "return when it is deployed")
	return command
}

func deployApp(ctx context.Context, report supervisor.Progress, options appOptions) error {
	hub, err := adminOf("hub")
	if err != nil {
		return err
	}
	cluster, err := adminOf(options.cluster)
	if err != nil {
		return err
	}
	if err := sampleapp.Deploy(ctx, hub, cluster, options.Options); err != nil {
		return err
	}
	if options.noWait {
		report("%s is deployed on %s.", options.Name, options.cluster)
		return nil
	}
	if err := sampleapp.AwaitRunning(ctx, cluster, options.Name); err != nil {
		return err
	}
	if err := awaitRecords(ctx, options.Name, options.Volumes); err != nil {
		return err
	}
	report("%s runs on %s and writes records.", options.Name, options.cluster)
	return nil
}

// adminOf returns the admin's way into a cluster.
func adminOf(cluster string) (*rest.Config, error) {
	root, err := layout.Find()
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", root.Kubeconfig(cluster))
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig of %s (is the playground up?): %w", cluster, err)
	}
	config.QPS = -1
	return config, nil
}
