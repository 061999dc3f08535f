// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/objects"
	"github.com/ramendr/dr-apiserver/test/playground/process"
)

// The clusters.
const hub = "hub"

var (
	managedClusters = []string{"dr1", "dr2"}
	allClusters     = append([]string{hub}, managedClusters...)
)

// peer returns the other managed cluster.
func peer(cluster string) string {
	if cluster == managedClusters[0] {
		return managedClusters[1]
	}
	return managedClusters[0]
}

// cluster is one cluster and its processes.
type cluster struct {
	component.Cluster

	// lifecycle is held while processes are started or killed.
	lifecycle sync.Mutex

	mu        sync.Mutex
	processes []*process.Process
	interrupt context.CancelFunc
}

// starting runs a sequence of starts, which kill interrupts.
func (c *cluster) starting(ctx context.Context, sequence func(context.Context) error) error {
	c.lifecycle.Lock()
	defer c.lifecycle.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.mu.Lock()
	c.interrupt = cancel
	c.mu.Unlock()
	return sequence(ctx)
}

// kill ends the processes of the names, or all if there are none, as a power cut does, and interrupts a start under way.
func (c *cluster) kill(names ...string) {
	c.mu.Lock()
	if c.interrupt != nil {
		c.interrupt()
	}
	c.mu.Unlock()
	c.lifecycle.Lock()
	defer c.lifecycle.Unlock()
	var stopping sync.WaitGroup
	for _, p := range c.list() {
		if len(names) == 0 || slices.Contains(names, p.Name) {
			stopping.Go(p.Stop)
		}
	}
	stopping.Wait()
}

// forget ends processes that the cluster shall no longer have.
func (c *cluster) forget(names ...string) {
	c.kill(names...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.processes = slices.DeleteFunc(c.processes, func(p *process.Process) bool { return slices.Contains(names, p.Name) })
}

// start runs a process unless it runs.
func (c *cluster) start(ctx context.Context, report Progress, spec process.Spec) error {
	p := c.process(spec)
	if p.Status().State == process.Running {
		return nil
	}
	began := time.Now()
	if err := p.Start(ctx); err != nil {
		return err
	}
	report("%-4s %s is ready (%.1fs)", c.Name, spec.Name, time.Since(began).Seconds())
	return nil
}

// process returns the process of the spec's name: the one that runs, or a new one.
func (c *cluster) process(spec process.Spec) *process.Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, p := range c.processes {
		if p.Name != spec.Name {
			continue
		}
		if p.Status().State == process.Stopped {
			c.processes[i] = process.New(spec)
		}
		return c.processes[i]
	}
	p := process.New(spec)
	c.processes = append(c.processes, p)
	return p
}

func (c *cluster) list() []*process.Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*process.Process{}, c.processes...)
}

// running says whether all of the cluster's programs run.
func (c *cluster) running(instantStorage bool) bool {
	for _, name := range component.Programs(c.Name != hub, instantStorage) {
		if !c.runs(name) {
			return false
		}
	}
	return true
}

// runs says whether one of the processes runs.
func (c *cluster) runs(name string) bool {
	return slices.ContainsFunc(c.list(), func(p *process.Process) bool {
		return p.Name == name && p.Status().State == process.Running
	})
}

// outdated says whether a process runs a program that has been built anew.
func (c *cluster) outdated() bool {
	return slices.ContainsFunc(c.list(), (*process.Process).Outdated)
}

// stopOutdated stops the processes whose programs have been built anew.
func (c *cluster) stopOutdated() {
	for _, p := range c.list() {
		if p.Outdated() {
			c.kill(p.Name)
		}
	}
}

// client returns the admin's way into the cluster.
func (c *cluster) client() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig of %s: %w", c.Name, err)
	}
	config.QPS = -1
	config.WarningHandler = rest.NoWarnings{}
	return config, nil
}

func (c *cluster) kubernetes() (kubernetes.Interface, error) {
	config, err := c.client()
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

func (c *cluster) applier() (*objects.Applier, error) {
	config, err := c.client()
	if err != nil {
		return nil, err
	}
	return objects.NewApplier(config)
}
