// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/network"
	"github.com/ramendr/dr-apiserver/test/playground/objects"
)

// managedManifests are what an administrator puts on a managed cluster.
//
//go:embed manifests/managed.yaml
var managedManifests string

// nodes of each managed cluster. Pods name theirs: there is no scheduler.
var nodes = []string{"node-0", "node-1", "node-2"}

var crds = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// startManaged starts a managed cluster's processes: object store and control plane, then storage, then the agent (once
// the hub is ready, if hubReady is given), and at last the nodes, as after a power cut.
func (s *Supervisor) startManaged(ctx context.Context, report Progress, c *cluster, hubReady <-chan struct{}) error {
	return c.starting(ctx, func(ctx context.Context) error {
		group, groupCtx := errgroup.WithContext(ctx)
		group.Go(func() error { return s.startS3(groupCtx, report, c) })
		group.Go(func() error {
			if err := s.startControlPlane(groupCtx, report, c); err != nil {
				return err
			}
			if err := s.setUpManaged(groupCtx, c); err != nil {
				return fmt.Errorf("set up %s: %w", c.Name, err)
			}
			return s.startStorage(groupCtx, report, c)
		})
		if err := group.Wait(); err != nil {
			return err
		}
		if err := await(ctx, hubReady); err != nil {
			return err
		}
		if err := c.start(ctx, report, c.DRAgent()); err != nil {
			return err
		}
		return s.startNodes(ctx, report, c)
	})
}

// await returns when the channel is closed; at once if there is none.
func await(ctx context.Context, ready <-chan struct{}) error {
	if ready == nil {
		return nil
	}
	select {
	case <-ready:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// startS3 starts the cluster's object store and makes its bucket.
func (s *Supervisor) startS3(ctx context.Context, report Progress, c *cluster) error {
	keys, err := c.S3Credentials()
	if err != nil {
		return err
	}
	if err := c.start(ctx, report, c.MinIO(keys)); err != nil {
		return err
	}
	client, err := minio.New(c.Address(component.S3), &minio.Options{
		Creds: credentials.NewStaticV4(keys.AccessKey, keys.SecretKey, ""),
	})
	if err != nil {
		return err
	}
	bucket := component.Bucket(c.Name)
	if exists, err := client.BucketExists(ctx, bucket); err != nil || exists {
		return err
	}
	if err := client.MakeBucket(ctx, bucket, minio.MakeBucketOptions{}); err != nil {
		return fmt.Errorf("make bucket %s: %w", bucket, err)
	}
	return nil
}

// setUpManaged puts the CRDs of csi-addons, the classes, the nodes and the object stores' keys on a managed cluster, and
// gives its agent an identity there.
func (s *Supervisor) setUpManaged(ctx context.Context, c *cluster) error {
	applier, err := c.applier()
	if err != nil {
		return err
	}
	if err := s.applyCRDs(ctx, applier); err != nil {
		return err
	}
	profiles, err := s.profileSecrets()
	if err != nil {
		return err
	}
	manifests, err := objects.Render(managedManifests, map[string]any{
		"Cluster": c.Name, "SystemNamespace": component.SystemNamespace, "Profiles": profiles,
		"Namespaces": []string{component.SystemNamespace, tenantNamespace}, "Nodes": nodes, "Driver": component.Driver,
	})
	if err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return applier.Apply(groupCtx, manifests) })
	group.Go(func() error { return s.applyShipped(groupCtx, c, "artifacts/agent/rbac") })
	if err := group.Wait(); err != nil {
		return err
	}
	if err := stopContainers(ctx, c); err != nil {
		return err
	}
	return s.issue(ctx, c, identity{
		namespace: component.SystemNamespace, account: component.Agent,
		server: c.APIServer(), path: c.ProgramKubeconfig(component.Agent),
	})
}

func (s *Supervisor) applyCRDs(ctx context.Context, applier *objects.Applier) error {
	definitions, err := objects.ReadDirectory(s.root.Path("bin", "tools", "crds", "csi-addons"))
	if err != nil {
		return fmt.Errorf("the CRDs of csi-addons: %w", err)
	}
	if err := applier.Apply(ctx, definitions); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	group, groupCtx := errgroup.WithContext(ctx)
	for _, definition := range definitions {
		group.Go(func() error { return applier.AwaitCondition(groupCtx, crds, "", definition.GetName(), "Established") })
	}
	return group.Wait()
}

// startStorage starts what provides and replicates volumes.
func (s *Supervisor) startStorage(ctx context.Context, report Progress, c *cluster) error {
	instant := s.state.instantStorage()
	toPeer := network.Address(s.ports.Get(linkName(c.Name, peer(c.Name), component.Storage)))
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := c.start(groupCtx, report, c.StorageSimulator(toPeer, instant)); err != nil {
			return err
		}
		return c.start(groupCtx, report, c.Provisioner())
	})
	if !instant {
		group.Go(func() error { return c.start(groupCtx, report, c.CSIAddonsManager()) })
	}
	return group.Wait()
}
