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
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/network"
	"github.com/ramendr/dr-apiserver/test/playground/objects"
)

// managedManifests are what an administrator puts on a managed cluster.
//
//go:embed manifests/managed.yaml
var managedManifests string

// storageClasses are what its storage offers.
//
//go:embed manifests/classes.yaml
var storageClasses string

// serviceExports define the kind by which Services are made known to other clusters; exporting is the cluster that has it. What
// VolSync copies is received there by name, and on the other one at a load balancer's address.
//
//go:embed manifests/serviceexports.yaml
var serviceExports string

const exporting = "dr2"

// nodes of each managed cluster. Pods name theirs: there is no scheduler.
var nodes = []string{"node-0", "node-1", "node-2"}

var crds = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// startManaged starts a managed cluster's processes: object store and control plane, then storage, then the agent (once
// the hub is ready, if hubReady is given), and at last the nodes, as after a power cut.
func (s *Supervisor) startManaged(ctx context.Context, report Progress, c *cluster, hubReady <-chan struct{}) error {
	return c.starting(ctx, func(ctx context.Context) error {
		return together(ctx,
			func(ctx context.Context) error { return s.startS3(ctx, report, c) },
			func(ctx context.Context) error {
				return s.startControlPlane(ctx, report, c, func(ctx context.Context) error {
					return s.startRest(ctx, report, c, hubReady)
				})
			})
	})
}

// startRest starts what a managed cluster has besides a control plane. Nobody waits for csi-addons, VolSync and the
// snapshots' controllers, which take their time.
func (s *Supervisor) startRest(ctx context.Context, report Progress, c *cluster, hubReady <-chan struct{}) error {
	applier, err := c.applier()
	if err != nil {
		return err
	}
	if err := stopContainers(ctx, c); err != nil {
		return fmt.Errorf("stop the containers of %s: %w", c.Name, err)
	}
	if err := s.applyCRDs(ctx, c, applier); err != nil {
		return err
	}
	instant := s.state.instantStorage()
	return together(ctx,
		func(ctx context.Context) error {
			if instant {
				return nil
			}
			return c.start(ctx, report, c.CSIAddonsManager())
		},
		func(ctx context.Context) error { return c.start(ctx, report, c.SnapshotController()) },
		func(ctx context.Context) error { return c.start(ctx, report, c.VolSyncManager()) },
		func(ctx context.Context) error {
			if err := together(ctx,
				func(ctx context.Context) error { return s.startStorage(ctx, report, c, instant) },
				func(ctx context.Context) error { return s.setUpManaged(ctx, c, applier) },
				func(ctx context.Context) error { return await(ctx, hubReady) },
			); err != nil {
				return err
			}
			return together(ctx,
				func(ctx context.Context) error { return c.start(ctx, report, c.Snapshotter()) },
				func(ctx context.Context) error {
					if err := c.start(ctx, report, c.DRAgent()); err != nil {
						return err
					}
					return s.startNodes(ctx, report, c)
				})
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

// setUpManaged puts the classes, the nodes and the object stores' keys on a managed cluster, and gives its agent an
// identity there.
func (s *Supervisor) setUpManaged(ctx context.Context, c *cluster, applier *objects.Applier) error {
	profiles, err := s.profileSecrets()
	if err != nil {
		return err
	}
	manifests, err := objects.Render(managedManifests+"---\n"+storageClasses, map[string]any{
		"Cluster": c.Name, "SystemNamespace": component.SystemNamespace, "Profiles": profiles,
		"TenantNamespace": tenantNamespace, "Nodes": nodes, "Driver": component.Driver,
	})
	if err != nil {
		return err
	}
	shipped, err := s.shipped(ctx, "artifacts/agent/rbac")
	if err != nil {
		return err
	}
	if err := applier.Apply(ctx, append(shipped, manifests...)); err != nil {
		return fmt.Errorf("set up %s: %w", c.Name, err)
	}
	return s.issue(ctx, c, identity{
		namespace: component.SystemNamespace, account: component.Agent,
		server: c.APIServer(), path: c.ProgramKubeconfig(component.Agent),
	})
}

// applyCRDs defines the kinds of csi-addons, snapshots and VolSync. Their fields go without descriptions, which a
// kube-apiserver spends seconds on.
func (s *Supervisor) applyCRDs(ctx context.Context, c *cluster, applier *objects.Applier) error {
	var definitions []*unstructured.Unstructured
	if c.Name == exporting {
		exports, err := objects.Render(serviceExports, nil)
		if err != nil {
			return err
		}
		definitions = exports
	}
	for _, of := range []string{"csi-addons", "external-snapshotter", "volsync"} {
		read, err := objects.ReadDirectory(s.root.Path("bin", "tools", "crds", of))
		if err != nil {
			return fmt.Errorf("the CRDs of %s: %w", of, err)
		}
		for _, definition := range read {
			objects.StripDescriptions(definition.Object)
		}
		definitions = append(definitions, read...)
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
func (s *Supervisor) startStorage(ctx context.Context, report Progress, c *cluster, instant bool) error {
	toPeer := network.Address(s.ports.Get(linkName(c.Name, peer(c.Name), component.Storage)))
	if err := c.start(ctx, report, c.StorageSimulator(toPeer, instant)); err != nil {
		return err
	}
	return c.start(ctx, report, c.Provisioner())
}
