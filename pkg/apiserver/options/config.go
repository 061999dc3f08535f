// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"context"
	"fmt"

	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/union"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/server"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/pkg/admission/drinitializer"
	"github.com/ramendr/dr-apiserver/pkg/apiserver"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/agents"
	"github.com/ramendr/dr-apiserver/pkg/config"
	"github.com/ramendr/dr-apiserver/pkg/failpoint"
	"github.com/ramendr/dr-apiserver/pkg/generated/openapi"
	"github.com/ramendr/dr-apiserver/pkg/heartbeat"
)

// Config returns the server's configuration. The options are complete and valid, and --etcd-servers are those to use.
func (o *Options) Config(ctx context.Context) (*apiserver.Config, error) {
	stores, err := config.Open(o.ConfigFile)
	if err != nil {
		return nil, err
	}
	extra := apiserver.ExtraConfig{
		Heartbeat:         heartbeat.NewTracker(failpoint.Clock()),
		GroupClusters:     &apiserver.GroupClusters{},
		AdmissionObjects:  &drinitializer.Storages{},
		ObjectStores:      stores,
		Namespace:         o.Namespace,
		AgentNamespace:    o.AgentNamespace,
		EnableControllers: o.EnableControllers,
		// An embedded store has one process, which its data directory's lock sees to: after a crash nobody need wait for
		// the Lease of a leader that is gone.
		ElectLeader: o.Storage != StorageEmbedded,
	}
	generic := server.NewRecommendedConfig(apiserver.Codecs)
	references := drinitializer.New(extra.AdmissionObjects, stores)
	if err := o.applyTo(ctx, generic, extra.GroupClusters, references); err != nil {
		return nil, err
	}
	extra.Hub = unlimited(generic.ClientConfig)
	return &apiserver.Config{GenericConfig: generic, ExtraConfig: extra}, nil
}

func (o *Options) applyTo(ctx context.Context, c *server.RecommendedConfig, groups *apiserver.GroupClusters, references admission.PluginInitializer) error {
	namer := openapinamer.NewDefinitionNamer(apiserver.Scheme)
	c.OpenAPIConfig = server.DefaultOpenAPIConfig(openapi.GetOpenAPIDefinitions, namer)
	c.OpenAPIConfig.Info.Title = "dr-apiserver"
	c.OpenAPIV3Config = server.DefaultOpenAPIV3Config(openapi.GetOpenAPIDefinitions, namer)
	c.OpenAPIV3Config.Info.Title = "dr-apiserver"

	for _, apply := range []func() error{
		func() error { return o.ServerRun.ApplyTo(&c.Config) },
		func() error { return o.CoreAPI.ApplyTo(c) },
		func() error { return awaitHub(ctx, c.ClientConfig) },
		func() error { return o.applyStorage(c) },
		func() error { return o.issueServingCert(ctx, c) },
		func() error { return o.SecureServing.ApplyTo(&c.SecureServing, &c.LoopbackClientConfig) },
		func() error { return o.Authentication.ApplyTo(&c.Authentication, c.SecureServing, c.OpenAPIConfig) },
		func() error { awaitFrontProxyCA(&c.Authentication); return nil },
		func() error { return o.Authorization.ApplyTo(&c.Authorization) },
		func() error { return o.restrictAgents(&c.Authorization, groups) },
		func() error { return o.Audit.ApplyTo(&c.Config) },
		func() error { return o.applyHub(c, references) },
	} {
		if err := apply(); err != nil {
			return err
		}
	}
	c.LoopbackClientConfig = unlimited(c.LoopbackClientConfig)
	return nil
}

// restrictAgents puts the agents' authorizer before the one that asks the hub.
func (o *Options) restrictAgents(c *server.AuthorizationInfo, groups *apiserver.GroupClusters) (err error) {
	restriction := agents.NewAuthorizer(agents.Identity{Namespace: o.AgentNamespace}, groups.ClusterOf)
	c.Authorizer, err = union.New(
		named("dr.ramen.io/agents", restriction),
		named("kubernetes.io/delegated", allNames(c.Authorizer)))
	return err
}

func named(name string, a authorizer.Authorizer) union.NamedAuthorizer {
	return union.NamedAuthorizer{AuthorizerName: name, Authorizer: a}
}

// applyHub sets up what watches objects on the hub: priority and fairness, and admission.
func (o *Options) applyHub(c *server.RecommendedConfig, references admission.PluginInitializer) error {
	hub := unlimited(c.ClientConfig)
	client, err := kubernetes.NewForConfig(hub)
	if err != nil {
		return fmt.Errorf("creating a client of the hub: %w", err)
	}
	dynamicClient, err := dynamic.NewForConfig(hub)
	if err != nil {
		return fmt.Errorf("creating a client of the hub: %w", err)
	}
	if err := o.Features.ApplyTo(&c.Config, client, c.SharedInformerFactory); err != nil {
		return err
	}
	if err := enableWhatHubServes(o.Admission, client.Discovery()); err != nil {
		return err
	}
	return o.Admission.ApplyTo(&c.Config, c.SharedInformerFactory, client, dynamicClient, utilfeature.DefaultFeatureGate,
		c.EffectiveVersion, quotas{}, references)
}

// unlimited is the client configuration without a client-side rate limit, which would make applications wait for each
// other when many are recovered at once.
func unlimited(of *rest.Config) *rest.Config {
	c := rest.CopyConfig(of)
	c.QPS, c.Burst, c.RateLimiter = -1, -1, nil
	return c
}
