// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package supervisor owns the processes of the playground. It outlives the commands that people give, and no process
// outlives it.
package supervisor

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/layout"
	"github.com/ramendr/dr-apiserver/test/playground/network"
)

// Progress tells whoever gave a command what is happening.
type Progress func(format string, args ...any)

// Supervisor runs the clusters.
type Supervisor struct {
	root     layout.Root
	state    *state
	ports    *network.Ports
	links    *links
	clusters map[string]*cluster
}

// New prepares the clusters, without starting any: ports, keys and certificates, kubeconfigs, and the network
// between them.
func New(root layout.Root) (*Supervisor, error) {
	if err := os.MkdirAll(root.Run("log"), 0o755); err != nil {
		return nil, err
	}
	state, err := loadState(root.Run("state.json"))
	if err != nil {
		return nil, err
	}
	s := &Supervisor{root: root, state: state, links: newLinks(), clusters: map[string]*cluster{}}
	s.ports = network.NewPorts(state.Ports, func(ports map[string]int) error {
		return state.update(func(r *remembered) { r.Ports = ports })
	})
	names := s.links.portNames()
	for _, name := range allClusters {
		names = append(names, component.PortNames(name, name != hub)...)
	}
	if err := s.ports.Reserve(names...); err != nil {
		return nil, err
	}
	for _, name := range allClusters {
		c := &cluster{Cluster: component.Cluster{Root: root, Name: name, Ports: s.ports, APIStorage: state.APIStorage}}
		s.clusters[name] = c
		if err := s.prepare(c); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", name, err)
		}
	}
	return s, s.links.open(s.ports)
}

// Close ends every process.
func (s *Supervisor) Close() {
	group := errgroup.Group{}
	for _, c := range s.clusters {
		group.Go(func() error {
			c.kill()
			return nil
		})
	}
	_ = group.Wait()
	s.links.close()
	s.ports.Close()
}

// Up starts what does not run or was built anew, heals the network between the clusters, and returns when DRClusters and DRPolicy are
// ready. It does nothing if all that is so.
func (s *Supervisor) Up(ctx context.Context, report Progress, instantStorage bool) error {
	if s.isUp() && s.state.instantStorage() == instantStorage {
		report("The playground is up.")
		return nil
	}
	began := time.Now()
	if err := s.chooseStorage(instantStorage); err != nil {
		return err
	}
	for _, c := range s.clusters {
		c.stopOutdated()
	}
	s.links.heal()
	hubReady := make(chan struct{})
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(hubReady)
		return s.startHub(groupCtx, report)
	})
	for _, name := range managedClusters {
		group.Go(func() error { return s.startManaged(groupCtx, report, s.clusters[name], hubReady) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := s.ensurePolicy(ctx, report); err != nil {
		return err
	}
	report("The playground is up (%.1fs).", time.Since(began).Seconds())
	return nil
}

// UpHub starts what does not run of the hub, or was built anew, and returns when dr.ramen.io is served. The DRClusters and the
// DRPolicy are there, ready once the managed clusters are up too.
func (s *Supervisor) UpHub(ctx context.Context, report Progress) error {
	c := s.clusters[hub]
	if c.running(false) && !c.outdated() {
		report("The hub is up.")
		return nil
	}
	began := time.Now()
	c.stopOutdated()
	if err := s.startHub(ctx, report); err != nil {
		return err
	}
	applier, err := c.applier()
	if err != nil {
		return err
	}
	if err := applyPolicy(ctx, applier); err != nil {
		return err
	}
	report("The hub is up (%.1fs).", time.Since(began).Seconds())
	return nil
}

func (s *Supervisor) isUp() bool {
	for _, c := range s.clusters {
		if !c.running(s.state.instantStorage()) || c.outdated() {
			return false
		}
	}
	for _, name := range managedClusters {
		if s.links.s3Mode(name) != network.Pass {
			return false
		}
	}
	return len(s.links.partitioned()) == 0
}

// chooseAPIStorage remembers where dr-apiserver is to keep its objects: where the words say, or where they are.
func (s *Supervisor) chooseAPIStorage(words []string) error {
	c := s.clusters[hub]
	storage := cmp.Or(c.APIStorage, component.APIStorageEmbedded)
	for _, word := range words {
		if wanted, ok := strings.CutPrefix(word, WordStorage); ok {
			storage = wanted
		}
	}
	if err := s.state.chooseAPIStorage(storage); err != nil {
		return err
	}
	c.APIStorage = storage
	return nil
}

// chooseStorage remembers which storage is wanted and stops the other kind.
func (s *Supervisor) chooseStorage(instant bool) error {
	if s.state.instantStorage() != instant {
		for _, name := range managedClusters {
			s.clusters[name].forget(component.Storage, component.CSIAddons)
		}
	}
	return s.state.update(func(r *remembered) { r.InstantStorage = instant })
}
