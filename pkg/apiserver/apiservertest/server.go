// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package apiservertest runs the API, over an etcd in the process and without a hub, for tests that talk to it as clients do.
package apiservertest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/pkg/admission/drinitializer"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/apiserver"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/etcd"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/options"
	"github.com/ramendr/dr-apiserver/pkg/generated/openapi"
	"github.com/ramendr/dr-apiserver/pkg/registry/dr/drplacementcontrol"
	drrest "github.com/ramendr/dr-apiserver/pkg/registry/dr/rest"
)

// Server is a running API.
type Server struct {
	config *rest.Config
	undo   []func()
}

// Start runs the API with the heartbeats given, in which a test says which clusters are connected. Without options whatever
// is valid in itself is admitted.
func Start(heartbeats drplacementcontrol.Heartbeats, options ...Option) (*Server, error) {
	s := &Server{}
	if err := s.start(heartbeats, options); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Stop ends it and removes what it stored.
func (s *Server) Stop() {
	for _, undo := range slices.Backward(s.undo) {
		undo()
	}
}

// As returns a client configuration of the user of that name, who may do everything.
func (s *Server) As(user string) *rest.Config {
	config := rest.CopyConfig(s.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	return config
}

func (s *Server) start(heartbeats drplacementcontrol.Heartbeats, options []Option) error {
	directory, err := os.MkdirTemp("", "dr")
	if err != nil {
		return err
	}
	s.undo = append(s.undo, func() { os.RemoveAll(directory) })
	store, err := etcd.Start(context.Background(), filepath.Join(directory, "etcd"), etcd.DefaultQuota)
	if err != nil {
		return err
	}
	s.undo = append(s.undo, store.Stop)
	config, err := newConfig(store.Endpoint())
	if err != nil {
		return err
	}
	objects := &drinitializer.Storages{}
	for _, option := range options {
		if err := option(config, objects); err != nil {
			return err
		}
	}
	generic, err := config.Complete().New("dr-apiserver", server.NewEmptyDelegate())
	if err != nil {
		return err
	}
	storage, err := drrest.NewStorage(apiserver.Scheme, config.RESTOptionsGetter, heartbeats)
	if err != nil {
		return err
	}
	if err := generic.InstallAPIGroup(storage.APIGroupInfo(apiserver.Scheme, apiserver.Codecs, metav1.ParameterCodec)); err != nil {
		return err
	}
	objects.Use(storage.Policies.Store, storage.Clusters.Store)
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- generic.PrepareRun().RunWithContext(ctx) }()
	s.undo = append(s.undo, func() {
		cancel()
		<-stopped
	})
	s.config = config.LoopbackClientConfig
	return awaitReady(ctx, s.config)
}

func newConfig(etcdServer string) (*server.RecommendedConfig, error) {
	o := options.NewOptions()
	o.Etcd.StorageConfig.Transport.ServerList = []string{etcdServer}
	serving := genericoptions.NewSecureServingOptions()
	serving.BindAddress, serving.BindPort = net.IPv4(127, 0, 0, 1), 0
	serving.Required = false
	o.SecureServing = serving.WithLoopback()
	listener, port, err := genericoptions.CreateListener("tcp", "127.0.0.1:0", net.ListenConfig{})
	if err != nil {
		return nil, err
	}
	serving.Listener, serving.BindPort = listener, port
	serving.ServerCert.CertDirectory = ""
	if err := o.Complete(); err != nil {
		return nil, err
	}
	config := server.NewRecommendedConfig(apiserver.Codecs)
	namer := openapinamer.NewDefinitionNamer(apiserver.Scheme)
	config.OpenAPIConfig = server.DefaultOpenAPIConfig(openapi.GetOpenAPIDefinitions, namer)
	config.OpenAPIV3Config = server.DefaultOpenAPIV3Config(openapi.GetOpenAPIDefinitions, namer)
	// Nobody is known but the holder of the loopback token, who may impersonate everybody.
	config.Authentication.Authenticator = authenticator.RequestFunc(func(*http.Request) (*authenticator.Response, bool, error) {
		return nil, false, nil
	})
	config.Authorization.Authorizer = authorizerfactory.NewAlwaysAllowAuthorizer()
	for _, apply := range []func() error{
		func() error { return o.ServerRun.ApplyTo(&config.Config) },
		func() error { return o.Etcd.ApplyTo(&config.Config) },
		func() error { return o.SecureServing.ApplyTo(&config.SecureServing, &config.LoopbackClientConfig) },
	} {
		if err := apply(); err != nil {
			return nil, err
		}
	}
	config.LoopbackClientConfig.QPS = -1
	return config, nil
}

// awaitReady asks until the server is ready; a request waits for the connection, not for a time.
func awaitReady(ctx context.Context, config *rest.Config) error {
	config = rest.CopyConfig(config)
	config.GroupVersion, config.NegotiatedSerializer = &v1alpha1.SchemeGroupVersion, apiserver.Codecs
	client, err := rest.UnversionedRESTClientFor(config)
	if err != nil {
		return err
	}
	return poll(ctx, func(ctx context.Context) error {
		_, err := client.Get().AbsPath("/readyz").DoRaw(ctx)
		if err != nil {
			return fmt.Errorf("the server does not become ready: %w", err)
		}
		return nil
	})
}
