// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/ramendr/dr-apiserver/pkg/agent"
	"github.com/ramendr/dr-apiserver/pkg/apiserver"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/options"
)

// agentAccount is the ServiceAccount of agents on their own clusters.
const agentAccount = "dr-agent"

// allInOne has the hub be a managed cluster too, with its agent in this process.
type allInOne struct {
	cluster string
}

func (a *allInOne) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&a.cluster, "all-in-one-cluster", "", "Name of the hub's own DRCluster, if applications on the hub are to be protected: "+
		"this process is then the agent of that cluster too. Goes with --storage="+options.StorageEmbedded+".")
}

// validate sees to it that there is one agent: no two processes have the same embedded store.
func (a *allInOne) validate(o *options.Options) error {
	if a.cluster != "" && o.Storage != options.StorageEmbedded {
		return fmt.Errorf("--all-in-one-cluster goes with --storage=%s, which one replica has: with --storage=%s run dr-agent besides",
			options.StorageEmbedded, o.Storage)
	}
	return nil
}

// start runs the agent, if there is to be one, until ctx ends. Should it fail, fail is told, as a process would exit. The channel
// is closed when it has stopped.
func (a *allInOne) start(ctx context.Context, fail context.CancelCauseFunc, o *options.Options, server apiserver.ExtraConfig) <-chan struct{} {
	stopped := make(chan struct{})
	if a.cluster == "" {
		close(stopped)
		return stopped
	}
	ctrl.SetLogger(klog.Background())
	go func() {
		defer close(stopped)
		if err := agent.Run(ctx, a.config(o, server)); err != nil {
			fail(fmt.Errorf("the agent of cluster %s has failed: %w", a.cluster, err))
		}
	}()
	return stopped
}

// config has the agent be who agents are, on the hub and on its own cluster, so that it may do neither more nor less.
func (a *allInOne) config(o *options.Options, server apiserver.ExtraConfig) agent.Config {
	return agent.Config{
		Cluster:        a.cluster,
		Hub:            as(server.Hub, o.AgentNamespace, a.cluster),
		Local:          as(server.Hub, o.Namespace, agentAccount),
		Profiles:       server.ObjectStores,
		Namespace:      o.Namespace,
		AgentNamespace: o.AgentNamespace,
		LeaseDuration:  agent.DefaultLeaseDuration,
		Workers:        agent.DefaultWorkers,
		MetricsAddress: "0",
		HealthAddress:  "0",
	}
}

// as impersonates a ServiceAccount.
func as(config *rest.Config, namespace, account string) *rest.Config {
	config = rest.CopyConfig(config)
	config.Impersonate.UserName = serviceaccount.MakeUsername(namespace, account)
	return config
}
