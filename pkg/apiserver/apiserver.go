// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	registryrest "k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/pkg/admission/drinitializer"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/failpoint"
	"github.com/ramendr/dr-apiserver/pkg/heartbeat"
	"github.com/ramendr/dr-apiserver/pkg/hublock"
	"github.com/ramendr/dr-apiserver/pkg/objectstore"
	drrest "github.com/ramendr/dr-apiserver/pkg/registry/dr/rest"
	"github.com/ramendr/dr-apiserver/pkg/replicationkey"
)

// ExtraConfig is what this server needs besides what every API server does.
type ExtraConfig struct {
	// Hub reaches the kube-apiserver of the hub.
	Hub *rest.Config
	// Heartbeat tells which clusters are connected. The server makes it watch.
	Heartbeat *heartbeat.Tracker
	// GroupClusters is told, once there is one, the storage in which to look up whose a VolumeReplicationGroup is.
	GroupClusters *GroupClusters
	// AdmissionObjects is told, once there are some, the storages in which admission looks up what is referred to.
	AdmissionObjects *drinitializer.Storages
	// ObjectStores are the profiles of the RamenConfig.
	ObjectStores objectstore.Profiles
	// Namespace is the server's own on the hub; AgentNamespace is where the agents' Leases are.
	Namespace, AgentNamespace string
	// EnableControllers runs the controllers in this process.
	EnableControllers bool
	// ElectLeader lets the controllers of only one of several replicas act.
	ElectLeader bool
}

// Config is the configuration of the server.
type Config struct {
	GenericConfig *server.RecommendedConfig
	ExtraConfig   ExtraConfig
}

// CompletedConfig can be made a server. It is what Complete returns.
type CompletedConfig struct {
	generic server.CompletedConfig
	extra   *ExtraConfig
}

// Complete fills in what follows from the rest of the configuration.
func (c *Config) Complete() CompletedConfig {
	c.GenericConfig.BuildHandlerChainFunc = drainingHandlerChain
	return CompletedConfig{generic: c.GenericConfig.Complete(), extra: &c.ExtraConfig}
}

// New returns a server that is ready to run.
func (c CompletedConfig) New() (*server.GenericAPIServer, error) {
	generic, err := c.generic.New("dr-apiserver", server.NewEmptyDelegate())
	if err != nil {
		return nil, err
	}
	storage, err := drrest.NewStorage(Scheme, c.generic.RESTOptionsGetter, c.extra.Heartbeat)
	if err != nil {
		return nil, err
	}
	group := storage.APIGroupInfo(Scheme, Codecs, metav1.ParameterCodec)
	if err := generic.InstallAPIGroup(group); err != nil {
		return nil, fmt.Errorf("installing the API group: %w", err)
	}
	c.extra.GroupClusters.use(storage.Groups)
	c.extra.AdmissionObjects.Use(storage.Policies.Store, storage.Clusters.Store)
	if err := c.useHub(storage); err != nil {
		return nil, err
	}
	if err := addWatchCacheCheck(generic, group); err != nil {
		return nil, err
	}
	if err := c.addHeartbeat(generic); err != nil {
		return nil, err
	}
	return generic, c.addControllers(generic)
}

// useHub tells storages what they keep on the hub: the master key of replication, and, where replicas share a storage, the
// locks by which they create placements one after the other in each namespace.
func (c CompletedConfig) useHub(storage *drrest.Storage) error {
	hub, err := kubernetes.NewForConfig(c.extra.Hub)
	if err != nil {
		return fmt.Errorf("creating a client of the hub: %w", err)
	}
	storage.Keys.Use(replicationkey.NewMaster(hub.CoreV1().Secrets(c.extra.Namespace)))
	if c.extra.ElectLeader {
		storage.Placements.ShareNamespaces(hublock.New(hub.CoordinationV1().Leases(c.extra.Namespace), "dr-placements-of-", failpoint.Clock()))
	}
	return nil
}

// GroupClusters looks up the clusters of VolumeReplicationGroups. The authorizer that asks it has to be there before the
// storage it asks.
type GroupClusters struct {
	groups registryrest.Getter
}

// use is called before the server serves anything.
func (g *GroupClusters) use(groups registryrest.Getter) { g.groups = groups }

// ClusterOf returns the cluster of the group as the watch cache knows it: it never changes.
func (g *GroupClusters) ClusterOf(ctx context.Context, namespace, name string) (string, error) {
	obj, err := g.groups.Get(genericapirequest.WithNamespace(ctx, namespace), name, &metav1.GetOptions{ResourceVersion: "0"})
	if err != nil {
		return "", err
	}
	return obj.(*dr.VolumeReplicationGroup).Spec.ClusterName, nil
}
