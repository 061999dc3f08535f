// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/util/wait"
	registryrest "k8s.io/apiserver/pkg/registry/rest"
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

// addControllers runs the controllers until the server begins to shut down; another replica takes over at once, while this
// one still answers. The server is ready when the controllers have seen what there is. A hook has to return, or the server
// is never ready.
func (c CompletedConfig) addControllers(generic *server.GenericAPIServer) error {
	if !c.extra.EnableControllers {
		return nil
	}
	run := &controllerRun{stop: make(chan struct{})}
	if err := generic.AddReadyzChecks(healthz.NamedCheck("controllers", run.check)); err != nil {
		return err
	}
	if err := generic.AddPreShutdownHook("stop-controllers", run.end); err != nil {
		return err
	}
	return generic.AddPostStartHook("start-controllers", func(hook server.PostStartHookContext) error {
		run.start(c.controllers(hook.LoopbackClientConfig))
		return nil
	})
}

// controllerRun is the time the controllers run.
type controllerRun struct {
	stop    chan struct{}
	running sync.WaitGroup
	synced  atomic.Bool
}

func (r *controllerRun) start(config controllers.Config) {
	config.OnSynced = func() { r.synced.Store(true) }
	r.running.Go(func() {
		if err := controllers.Run(wait.ContextForChannel(r.stop), config); err != nil {
			klog.ErrorS(err, "Controllers can't run; the server goes on without them")
		}
	})
}

// end returns when the controllers have ended and, if they had the Lease, have given it back.
func (r *controllerRun) end() error {
	close(r.stop)
	r.running.Wait()
	return nil
}

func (r *controllerRun) check(*http.Request) error {
	if !r.synced.Load() {
		return errors.New("the controllers have not seen yet what there is")
	}
	return nil
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

// addWatchCacheCheck has the server be ready only while the watch cache of each resource is filled and follows the storage.
// What is read from one that does not is old.
func addWatchCacheCheck(generic *server.GenericAPIServer, group *server.APIGroupInfo) error {
	return generic.AddReadyzChecks(healthz.NamedCheck("watch-caches", func(*http.Request) error {
		var errs []error
		for _, resources := range group.VersionedResourcesStorageMap {
			for resource, storage := range resources {
				if cached, ok := storage.(registryrest.StorageWithReadiness); ok {
					if err := cached.ReadinessCheck(); err != nil {
						errs = append(errs, fmt.Errorf("%s: %w", resource, err))
					}
				}
			}
		}
		return errors.Join(errs...)
	}))
}
