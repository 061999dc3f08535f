// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"

	"k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/pkg/controllers"
)

// addHeartbeat has the tracker follow the agents' Leases. The server is not ready before it has seen them all: it would
// take every cluster for dead.
func (c CompletedConfig) addHeartbeat(generic *server.GenericAPIServer) error {
	client, err := kubernetes.NewForConfig(c.extra.Hub)
	if err != nil {
		return fmt.Errorf("creating a client of the hub: %w", err)
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(c.extra.AgentNamespace))
	if _, err := c.extra.Heartbeat.Watch(factory.Coordination().V1().Leases().Informer()); err != nil {
		return fmt.Errorf("watching the agents' Leases: %w", err)
	}
	if err := generic.AddReadyzChecks(healthz.NamedCheck("agent-leases", healthz.NewInformerSyncHealthz(factory).Check)); err != nil {
		return err
	}
	return generic.AddPostStartHook("start-agent-lease-informer", func(hook server.PostStartHookContext) error {
		factory.StartWithContext(hook)
		return nil
	})
}

// addControllers runs the controllers as long as the server runs. A hook has to return, or the server is never ready.
func (c CompletedConfig) addControllers(generic *server.GenericAPIServer) error {
	if !c.extra.EnableControllers {
		return nil
	}
	return generic.AddPostStartHook("start-controllers", func(hook server.PostStartHookContext) error {
		go func() {
			if err := controllers.Run(hook, c.controllers(hook.LoopbackClientConfig)); err != nil {
				klog.ErrorS(err, "Controllers can't run; the server goes on without them")
			}
		}()
		return nil
	})
}

func (c CompletedConfig) controllers(loopback *rest.Config) controllers.Config {
	return controllers.Config{
		Loopback:       loopback,
		Hub:            c.extra.Hub,
		Heartbeat:      c.extra.Heartbeat,
		Config:         c.extra.ObjectStores,
		Namespace:      c.extra.Namespace,
		AgentNamespace: c.extra.AgentNamespace,
		LeaderElection: c.extra.ElectLeader,
	}
}
