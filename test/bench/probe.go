// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// probe sees, by watches on a cluster, when something first happens there for an application and when its workload may
// run. It knows nothing of what the hub says.
type probe struct {
	mu sync.Mutex
	// armed are the applications, by namespace, that an action has been requested for.
	armed map[string]*sighting
	// generations of the objects seen, to tell a changed spec from a changed status.
	generations map[types.UID]int64
	// broken is why the probe sees no more.
	broken error
}

// sighting is what was seen of one application since it was armed.
type sighting struct {
	firstStep, running time.Time
	// done is closed when the workload may run, or the probe is broken.
	done chan struct{}
}

// newProbe watches a cluster until the context ends.
func newProbe(ctx context.Context, cluster *framework.Identity) (*probe, error) {
	p := &probe{armed: map[string]*sighting{}, generations: map[types.UID]int64{}}
	core, apps := cluster.Kube.CoreV1(), cluster.Kube.AppsV1()
	checkpoints := core.ConfigMaps(component.SystemNamespace)
	replications := cluster.Dynamic.Resource(framework.VolumeReplications)
	sources := map[string]source{
		"checkpoints":        {listing(checkpoints.List), checkpoints.Watch},
		"namespaces":         {listing(core.Namespaces().List), core.Namespaces().Watch},
		"persistent volumes": {listing(core.PersistentVolumes().List), core.PersistentVolumes().Watch},
		"claims":             {listing(core.PersistentVolumeClaims("").List), core.PersistentVolumeClaims("").Watch},
		"replications":       {listing(replications.List), replications.Watch},
		"stateful sets":      {listing(apps.StatefulSets("").List), apps.StatefulSets("").Watch},
	}
	for name, from := range sources {
		if err := p.follow(ctx, name, from); err != nil {
			return nil, fmt.Errorf("watch %s: %w", name, err)
		}
	}
	return p, nil
}

// source is a kind of object to watch.
type source struct {
	list  func(context.Context, metav1.ListOptions) (runtime.Object, error)
	watch func(context.Context, metav1.ListOptions) (watch.Interface, error)
}

func listing[T runtime.Object](list func(context.Context, metav1.ListOptions) (T, error)) func(context.Context, metav1.ListOptions) (runtime.Object, error) {
	return func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) { return list(ctx, opts) }
}

func (p *probe) follow(ctx context.Context, name string, from source) error {
	list, err := from.list(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if err := meta.EachListItem(list, func(object runtime.Object) error {
		p.changed(object)
		return nil
	}); err != nil {
		return err
	}
	version, err := meta.NewAccessor().ResourceVersion(list)
	if err != nil {
		return err
	}
	// A busy server ends watches that can't keep up; they are resumed where they were.
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, version, &cache.ListWatch{WatchFuncWithContext: from.watch})
	if err != nil {
		return err
	}
	go func() {
		defer watcher.Stop()
		for event := range watcher.ResultChan() {
			if event.Type == watch.Added || event.Type == watch.Modified {
				p.see(event.Object)
			}
		}
		if ctx.Err() == nil {
			p.breakDown(fmt.Errorf("the watch of %s has ended", name))
		}
	}()
	return nil
}

// arm begins to look for what happens for an application.
func (p *probe) arm(namespace string) *sighting {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &sighting{done: make(chan struct{})}
	p.armed[namespace] = s
	return s
}

// wait returns when the workload may run.
func (p *probe) wait(ctx context.Context, s *sighting) (firstStep, running time.Time, err error) {
	select {
	case <-s.done:
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.broken != nil:
		err = p.broken
	case s.running.IsZero():
		err = fmt.Errorf("the workload was not seen on the target: %w", ctx.Err())
	}
	return s.firstStep, s.running, err
}

func (p *probe) see(object runtime.Object) {
	now := time.Now()
	changed := p.changed(object)
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.armed[applicationOf(object)]
	if s == nil || !changed || p.broken != nil {
		return
	}
	if s.firstStep.IsZero() {
		s.firstStep = now
	}
	if mayRun(object) && s.running.IsZero() {
		s.running = now
		close(s.done)
	}
}

// changed says whether the object is new or its spec is. A ConfigMap is all spec.
func (p *probe) changed(object runtime.Object) bool {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before, known := p.generations[accessor.GetUID()]
	p.generations[accessor.GetUID()] = accessor.GetGeneration()
	_, isConfigMap := object.(*corev1.ConfigMap)
	return !known || isConfigMap || before != accessor.GetGeneration()
}

func (p *probe) breakDown(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return
	}
	p.broken = err
	for _, s := range p.armed {
		if s.running.IsZero() {
			close(s.done)
		}
	}
}

// applicationOf is the namespace of the application that an object belongs to.
func applicationOf(object runtime.Object) string {
	switch object := object.(type) {
	case *corev1.Namespace:
		return object.Name
	case *corev1.ConfigMap:
		// An agent's checkpoint is named after the namespace, a dot, and the VolumeReplicationGroup.
		namespace, _, _ := strings.Cut(object.Name, ".")
		return namespace
	case *corev1.PersistentVolume:
		if object.Spec.ClaimRef != nil {
			return object.Spec.ClaimRef.Namespace
		}
		return ""
	case metav1.Object:
		return object.GetNamespace()
	}
	return ""
}

// mayRun says whether the object is a StatefulSet that is to have replicas.
func mayRun(object runtime.Object) bool {
	set, ok := object.(*appsv1.StatefulSet)
	return ok && (set.Spec.Replicas == nil || *set.Spec.Replicas > 0)
}
