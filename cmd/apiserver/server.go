// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/cli/globalflag"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/term"
	"k8s.io/component-base/version/verflag"

	"github.com/ramendr/dr-apiserver/pkg/apiserver/etcd"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/options"
)

func newCommand(ctx context.Context) *cobra.Command {
	o, a := options.NewOptions(), &allInOne{}
	cmd := &cobra.Command{
		Use:           "dr-apiserver",
		Short:         "Serves the disaster recovery API dr.ramen.io and runs its controllers",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			verflag.PrintAndExitIfRequested()
			if err := o.ServerRun.ComponentGlobalsRegistry.Set(); err != nil {
				return err
			}
			if err := logsapi.ValidateAndApply(o.Logs, nil); err != nil {
				return err
			}
			cliflag.PrintFlags(cmd.Flags())
			if err := o.Complete(); err != nil {
				return err
			}
			if err := errors.Join(o.Validate(), a.validate(o)); err != nil {
				return err
			}
			return run(ctx, o, a)
		},
	}
	addFlags(cmd, o, a)
	return cmd
}

func addFlags(cmd *cobra.Command, o *options.Options, a *allInOne) {
	sections := o.Flags()
	a.addFlags(sections.FlagSet("dr-apiserver"))
	global := sections.FlagSet("global")
	verflag.AddFlags(global)
	globalflag.AddGlobalFlags(global, cmd.Name(), logs.SkipLoggingConfigurationFlags())
	for _, section := range sections.FlagSets {
		section.VisitAll(func(flag *pflag.Flag) { cmd.Flags().AddFlag(flag) })
	}
	columns, _, _ := term.TerminalSize(cmd.OutOrStdout())
	cliflag.SetUsageAndHelpFunc(cmd, sections, columns)
}

// run serves until the context is done, or the embedded etcd or the agent in this process has failed.
func run(ctx context.Context, o *options.Options, a *allInOne) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if o.Storage == options.StorageEmbedded {
		store, err := etcd.Start(ctx, o.DataDir, o.QuotaBackendBytes)
		if err != nil {
			return err
		}
		defer store.Stop()
		o.Etcd.StorageConfig.Transport.ServerList = []string{store.Endpoint()}
		go func() {
			if err, failed := <-store.Failed(); failed {
				cancel(fmt.Errorf("the embedded etcd has failed: %w", err))
			}
		}()
	}
	config, err := o.Config(ctx)
	if err != nil {
		return err
	}
	server, err := config.Complete().New()
	if err != nil {
		return err
	}
	stopped := a.start(ctx, cancel, o, config.ExtraConfig)
	err = server.PrepareRun().RunWithContext(ctx)
	cancel(nil)
	<-stopped
	if err != nil {
		return err
	}
	if cause := context.Cause(ctx); cause != context.Canceled {
		return cause
	}
	return nil
}
