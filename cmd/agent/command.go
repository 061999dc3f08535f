// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/ramendr/dr-apiserver/pkg/agent"
	"github.com/ramendr/dr-apiserver/pkg/config"
)

type options struct {
	cluster        string
	hubKubeconfig  string
	hubSecret      string
	kubeconfig     string
	config         string
	namespace      string
	agentNamespace string
	leaseDuration  time.Duration
	workers        int
	metricsAddress string
	healthAddress  string
}

func (o *options) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.cluster, "cluster-name", "", "Name of this cluster's DRCluster on the hub.")
	flags.StringVar(&o.hubKubeconfig, "hub-kubeconfig", "", "Kubeconfig of the hub, with the credentials of this cluster's agent.")
	flags.StringVar(&o.hubSecret, "hub-secret", "", "Secret in --namespace of this cluster whose key token holds the token of --hub-kubeconfig. The agent renews it, at once and every day. Empty: it does not.")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "Kubeconfig of this cluster. Empty: the agent runs in it.")
	flags.StringVar(&o.config, "config", "", "RamenConfig file, or directory it is mounted at, with the S3 profiles.")
	flags.StringVar(&o.namespace, "namespace", "dr-system", "Namespace on this cluster for checkpoints, and for the Secrets of S3 profiles that name none.")
	flags.StringVar(&o.agentNamespace, "agent-namespace", "dr-agents", "Namespace on the hub that has the agents' Leases.")
	flags.DurationVar(&o.leaseDuration, "lease-duration", agent.DefaultLeaseDuration, "How long the hub takes this agent for connected after it was heard of last. It is heard of every quarter of that.")
	flags.IntVar(&o.workers, "workers", agent.DefaultWorkers, "VolumeReplicationGroups that are looked at at the same time.")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", "0", "Address that serves metrics, such as :8080; 0 for none.")
	flags.StringVar(&o.healthAddress, "health-probe-bind-address", "0", "Address that serves /healthz and /readyz, such as :8081; 0 for none.")
}

func (o *options) validate() error {
	var errs []error
	required := func(flag, value string) {
		if value == "" {
			errs = append(errs, fmt.Errorf("--%s is required", flag))
		}
	}
	required("cluster-name", o.cluster)
	required("hub-kubeconfig", o.hubKubeconfig)
	required("config", o.config)
	if o.leaseDuration < time.Second {
		errs = append(errs, fmt.Errorf("--lease-duration is %s and must be at least 1s", o.leaseDuration))
	}
	if o.workers < 1 {
		errs = append(errs, fmt.Errorf("--workers is %d and must be at least 1", o.workers))
	}
	return errors.Join(errs...)
}

func newCommand(ctx context.Context) *cobra.Command {
	o := &options{}
	logging := logsapi.NewLoggingConfiguration()
	cmd := &cobra.Command{
		Use:   "dr-agent",
		Short: "Protects and recovers this cluster's applications for the hub",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := errors.Join(o.validate(), logsapi.ValidateAndApply(logging, nil)); err != nil {
				return err
			}
			ctrl.SetLogger(klog.Background())
			return o.run(ctx)
		},
		SilenceUsage: true,
	}
	o.addFlags(cmd.Flags())
	logsapi.AddFlags(logging, cmd.Flags())
	logs.AddFlags(cmd.Flags())
	return cmd
}

func (o *options) run(ctx context.Context) error {
	profiles, err := config.Open(o.config)
	if err != nil {
		return err
	}
	hub, err := clientcmd.BuildConfigFromFlags("", o.hubKubeconfig)
	if err != nil {
		return fmt.Errorf("--hub-kubeconfig: %w", err)
	}
	local, err := o.local()
	if err != nil {
		return fmt.Errorf("--kubeconfig: %w", err)
	}
	return agent.Run(ctx, agent.Config{
		Cluster: o.cluster, Hub: hub, Local: local, Profiles: profiles,
		Namespace: o.namespace, AgentNamespace: o.agentNamespace,
		LeaseDuration: o.leaseDuration, Workers: o.workers, HubSecret: o.hubSecret,
		MetricsAddress: o.metricsAddress, HealthAddress: o.healthAddress,
	})
}

func (o *options) local() (*rest.Config, error) {
	if o.kubeconfig == "" {
		return rest.InClusterConfig()
	}
	return clientcmd.BuildConfigFromFlags("", o.kubeconfig)
}
