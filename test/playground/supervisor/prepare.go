// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"

	"github.com/ramendr/dr-apiserver/pkg/config"
	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/network"
	"github.com/ramendr/dr-apiserver/test/playground/pki"
)

// tenant is admin of one namespace on the hub and nothing else.
const (
	tenant          = "tenant"
	tenantNamespace = "shop"
)

// prepare makes the files that a cluster's processes and its users read.
func (s *Supervisor) prepare(c *cluster) error {
	subjects := c.Certificates()
	if c.Name == hub {
		subjects[component.APIServer] = component.DRAPIServerCertificate()
		subjects[tenant] = pki.Subject{User: tenant}
	}
	if err := c.PKI().Ensure(subjects); err != nil {
		return err
	}
	ca, err := c.PKI().CA()
	if err != nil {
		return err
	}
	c.CA = ca
	if err := s.writeKubeconfig(c, "admin", "", c.Kubeconfig()); err != nil {
		return err
	}
	if c.Name == hub {
		if err := s.writeKubeconfig(c, tenant, tenantNamespace, s.root.Kubeconfig(tenant)); err != nil {
			return err
		}
	}
	return s.writeRamenConfig(c)
}

func (s *Supervisor) writeKubeconfig(c *cluster, user, namespace, path string) error {
	pair, err := c.PKI().Pair(user)
	if err != nil {
		return err
	}
	return pki.Kubeconfig{
		Cluster: c.Name, Server: c.APIServer(), CA: c.CA, User: user, Pair: pair, Namespace: namespace,
	}.Write(path)
}

// profileWithoutBucket is a profile in every RamenConfig whose bucket nobody has made.
const profileWithoutBucket = "s3-without-bucket"

// writeRamenConfig writes the configuration of dr-apiserver or of an agent: the same object stores for all, reached
// over the cluster's own links.
func (s *Supervisor) writeRamenConfig(c *cluster) error {
	var profiles []config.S3StoreProfile
	for _, name := range managedClusters {
		profiles = append(profiles, s.profile(c, name))
	}
	without := s.profile(c, managedClusters[0])
	without.S3ProfileName, without.S3Bucket = profileWithoutBucket, "nobody-made-this-bucket"
	profiles = append(profiles, without)
	kind := "dr-cluster"
	if c.Name == hub {
		kind = "dr-hub"
	}
	content, err := yaml.Marshal(map[string]any{"ramenControllerType": kind, "s3StoreProfiles": profiles})
	if err != nil {
		return fmt.Errorf("the RamenConfig: %w", err)
	}
	return os.WriteFile(c.RamenConfig(), content, 0o644)
}

func (s *Supervisor) profile(from *cluster, store string) config.S3StoreProfile {
	return config.S3StoreProfile{
		S3ProfileName:        component.Profile(store),
		S3Bucket:             component.Bucket(store),
		S3Region:             "us-east-1",
		S3CompatibleEndpoint: "http://" + network.Address(s.ports.Get(linkName(from.Name, store, component.S3))),
		S3SecretRef:          config.SecretReference{Namespace: component.SystemNamespace, Name: component.Profile(store)},
	}
}
