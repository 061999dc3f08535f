// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/network"
	"github.com/ramendr/dr-apiserver/test/playground/objects"
	"github.com/ramendr/dr-apiserver/test/playground/pki"
)

// hubManifests are what an administrator puts on the hub besides what this project ships.
//
//go:embed manifests/hub.yaml
var hubManifests string

// apiServiceManifests lead to dr-apiserver.
//
//go:embed manifests/apiservice.yaml
var apiServiceManifests string

// tokenLifetime is that of the tokens of this project's programs.
const tokenLifetime = 90 * 24 * time.Hour

// startHub starts the hub's processes, control plane first.
func (s *Supervisor) startHub(ctx context.Context, report Progress) error {
	c := s.clusters[hub]
	return c.starting(ctx, func(ctx context.Context) error {
		return s.startControlPlane(ctx, report, c, func(ctx context.Context) error {
			if err := s.setUpHub(ctx, c); err != nil {
				return fmt.Errorf("set up the hub: %w", err)
			}
			return s.startAPIServer(ctx, report, c)
		})
	})
}

// startAPIServer starts dr-apiserver and returns when the kube-apiserver passes requests on to it.
func (s *Supervisor) startAPIServer(ctx context.Context, report Progress, c *cluster) error {
	if err := c.start(ctx, report, c.DRAPIServer()); err != nil {
		return err
	}
	return s.publish(ctx, c)
}

// startControlPlane starts etcd and kube-apiserver, and then the controllers beside what is to be set up.
func (s *Supervisor) startControlPlane(ctx context.Context, report Progress, c *cluster, setUp func(context.Context) error) error {
	if err := c.start(ctx, report, c.Etcd()); err != nil {
		return err
	}
	if err := c.start(ctx, report, c.KubeAPIServer()); err != nil {
		return err
	}
	return together(ctx,
		func(ctx context.Context) error { return c.start(ctx, report, c.KubeControllerManager(c.Name != hub)) },
		setUp)
}

// together runs steps at the same time and returns the first error.
func together(ctx context.Context, steps ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, step := range steps {
		group.Go(func() error { return step(ctx) })
	}
	return group.Wait()
}

// setUpHub puts objects on the hub and gives this project's programs their identities there.
func (s *Supervisor) setUpHub(ctx context.Context, c *cluster) error {
	applier, err := c.applier()
	if err != nil {
		return err
	}
	profiles, err := s.profileSecrets()
	if err != nil {
		return err
	}
	manifests, err := objects.Render(hubManifests, map[string]any{
		"SystemNamespace": component.SystemNamespace, "AgentNamespace": component.AgentNamespace,
		"Clusters": managedClusters, "Profiles": profiles,
		"Tenant": tenant, "TenantNamespace": tenantNamespace,
	})
	if err != nil {
		return err
	}
	shipped, err := s.shipped(ctx, "artifacts/hub/rbac")
	if err != nil {
		return err
	}
	if err := applier.Apply(ctx, append(shipped, manifests...)); err != nil {
		return err
	}
	if c.APIStorage == component.APIStorageHost {
		if err := s.applyRecords(ctx, applier); err != nil {
			return err
		}
	}
	return s.issueHubIdentities(ctx, c)
}

// applyRecords makes the hub a store for dr-apiserver.
func (s *Supervisor) applyRecords(ctx context.Context, applier *objects.Applier) error {
	shipped, err := s.shipped(ctx, "artifacts/hub/storage/host/records")
	if err != nil {
		return err
	}
	if err := applier.Apply(ctx, shipped); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	return applier.AwaitCondition(ctx, crds, "", "records.storage.dr.ramen.io", "Established")
}

// issueHubIdentities writes the kubeconfigs of dr-apiserver and, leading over the links, of the agents.
func (s *Supervisor) issueHubIdentities(ctx context.Context, c *cluster) error {
	if err := s.issue(ctx, c, identity{
		namespace: component.SystemNamespace, account: component.APIServer,
		server: c.APIServer(), path: c.ProgramKubeconfig(component.APIServer),
	}); err != nil {
		return err
	}
	for _, name := range managedClusters {
		port := s.ports.Get(linkName(name, hub, component.KubeAPIServer))
		if err := s.issue(ctx, c, identity{
			namespace: component.AgentNamespace, account: name,
			server: "https://" + network.Address(port), path: s.clusters[name].ProgramKubeconfig(hub),
		}); err != nil {
			return err
		}
	}
	return nil
}

// identity is a ServiceAccount that a program signs in with.
type identity struct {
	namespace, account string
	server, path       string
}

// issue asks for a token and writes it into a kubeconfig, unless there is one.
func (s *Supervisor) issue(ctx context.Context, c *cluster, id identity) error {
	if _, err := os.Stat(id.path); err == nil {
		return nil
	}
	client, err := c.kubernetes()
	if err != nil {
		return err
	}
	seconds := int64(tokenLifetime.Seconds())
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	token, err := client.CoreV1().ServiceAccounts(id.namespace).CreateToken(ctx, id.account, request, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("a token for %s/%s: %w", id.namespace, id.account, err)
	}
	return pki.Kubeconfig{
		Cluster: c.Name, Server: id.server, CA: c.CA, User: id.account, Token: token.Status.Token,
	}.Write(id.path)
}

// shipped returns the manifests of a kustomization that this project ships.
func (s *Supervisor) shipped(ctx context.Context, directory string) ([]*unstructured.Unstructured, error) {
	output, err := exec.CommandContext(ctx, s.root.Program("kubectl"), "kustomize", s.root.Path(directory)).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w\n%s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("kubectl kustomize %s: %w", directory, err)
	}
	return objects.Decode(bytes.NewReader(output))
}

// publish makes the kube-apiserver pass requests for dr.ramen.io on. The time in an annotation makes it look at once
// whether dr-apiserver answers, and not at some later time.
func (s *Supervisor) publish(ctx context.Context, c *cluster) error {
	applier, err := c.applier()
	if err != nil {
		return err
	}
	manifests, err := objects.Render(apiServiceManifests, map[string]any{
		"SystemNamespace": component.SystemNamespace, "APIServer": component.APIServer,
		"Port":     s.apiPort(),
		"CABundle": base64.StdEncoding.EncodeToString(c.CA),
		"Now":      time.Now().UTC().Format(time.RFC3339Nano),
	})
	if err != nil {
		return err
	}
	if err := applier.Apply(ctx, manifests); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	return applier.AwaitCondition(ctx, apiServices, "", "v1alpha1.dr.ramen.io", "Available")
}

// apiPort is where the kube-apiserver finds dr-apiserver: directly, for the way over a link costs each request something, or
// over a link that can be slow.
func (s *Supervisor) apiPort() int {
	if s.state.breakable() {
		return s.ports.Get(linkName(hub, hub, component.APIServer))
	}
	return s.ports.Get(hub + "/" + component.APIServer)
}

// objectTimeout is how long an object may take to become ready.
const objectTimeout = 60 * time.Second

var apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}

// profileSecret is the name and content of an object store's Secret.
type profileSecret struct {
	Name, AccessKey, SecretKey string
}

func (s *Supervisor) profileSecrets() ([]profileSecret, error) {
	var secrets []profileSecret
	for _, name := range managedClusters {
		credentials, err := s.clusters[name].S3Credentials()
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, profileSecret{component.Profile(name), credentials.AccessKey, credentials.SecretKey})
	}
	return secrets, nil
}
