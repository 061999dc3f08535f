// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package kubelet runs the pods of a namespace as a kubelet would, as far as this project's pods need one: in the image's files and
// nothing else, as the user they say, with their volumes, environment, tokens and probes. It takes pods that no scheduler
// has seen, and has them listen on loopback.
package kubelet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/ramendr/dr-apiserver/test/playground/network"
)

// Kubelet runs pods.
type Kubelet struct {
	// Config leads to the cluster as its administrator.
	Config *rest.Config
	// Namespace whose pods are run.
	Namespace string
	// Image is the directory with the files of the image, of whatever name, that containers are run in.
	Image string
	// Dir is where pods have their files and logs.
	Dir string
	// Ports are what pods have their ports from.
	Ports *network.Ports
	// Loopback returns the arguments with which a container listens on loopback: address returns the one for a port's name.
	Loopback func(container string, address func(port string) string) []string
	// Say is told what happens.
	Say func(format string, args ...any)

	client     kubernetes.Interface
	podLister  corelisters.PodNamespaceLister
	secrets    corelisters.SecretNamespaceLister
	configMaps corelisters.ConfigMapNamespaceLister
	wake       chan struct{}
	// told is why pods wait.
	told map[types.UID]string

	mu   sync.Mutex
	pods map[types.UID]*pod
	// holders of claims.
	holders map[string]*pod
}

// Run runs the namespace's pods until ctx ends, and then ends them.
func (k *Kubelet) Run(ctx context.Context) error {
	var err error
	if k.client, err = kubernetes.NewForConfig(k.Config); err != nil {
		return err
	}
	k.pods, k.holders, k.told = map[types.UID]*pod{}, map[string]*pod{}, map[types.UID]string{}
	k.wake = make(chan struct{}, 1)
	factory := informers.NewSharedInformerFactoryWithOptions(k.client, 0, informers.WithNamespace(k.Namespace))
	core := factory.Core().V1()
	k.podLister = core.Pods().Lister().Pods(k.Namespace)
	k.secrets = core.Secrets().Lister().Secrets(k.Namespace)
	k.configMaps = core.ConfigMaps().Lister().ConfigMaps(k.Namespace)
	changed := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { k.poke() },
		UpdateFunc: func(any, any) { k.poke() },
		DeleteFunc: func(any) { k.poke() },
	}
	for _, informer := range []cache.SharedIndexInformer{core.Pods().Informer(), core.Secrets().Informer(), core.ConfigMaps().Informer()} {
		if _, err := informer.AddEventHandler(changed); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	defer k.endAll()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.wake:
			k.sync(ctx)
		}
	}
}

func (k *Kubelet) poke() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// sync ends the pods that are gone, starts those that can be started, and brings the volumes of all others up to date.
func (k *Kubelet) sync(ctx context.Context) {
	wanted, err := k.podLister.List(labels.Everything())
	if err != nil {
		return
	}
	there := map[types.UID]bool{}
	for _, object := range wanted {
		there[object.UID] = true
	}
	for _, p := range k.list() {
		if !there[p.object.UID] {
			k.forget(p)
			go p.end()
		}
	}
	for _, object := range wanted {
		k.tell(object, k.syncOne(ctx, object))
	}
}

func (k *Kubelet) syncOne(ctx context.Context, object *corev1.Pod) error {
	p := k.find(object.UID)
	if object.DeletionTimestamp != nil {
		if p == nil {
			return nil
		}
		k.forget(p)
		go func() {
			p.end()
			p.letGo(ctx)
		}()
		return nil
	}
	if p != nil {
		return p.writeVolumes(ctx)
	}
	p = &pod{Kubelet: k, object: object, dir: filepath.Join(k.Dir, object.Name)}
	err := p.prepare(ctx)
	if err == nil {
		err = p.keep(ctx)
	}
	if err != nil {
		p.release()
		return errors.Join(err, os.RemoveAll(p.dir))
	}
	k.mu.Lock()
	k.pods[object.UID] = p
	k.mu.Unlock()
	return p.start()
}

// tell says once why a pod waits.
func (k *Kubelet) tell(object *corev1.Pod, err error) {
	if err != nil && k.told[object.UID] != err.Error() {
		k.Say("pod %s waits: %v", object.Name, err)
		k.told[object.UID] = err.Error()
	}
}

func (k *Kubelet) find(uid types.UID) *pod {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pods[uid]
}

func (k *Kubelet) list() []*pod {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]*pod, 0, len(k.pods))
	for _, p := range k.pods {
		all = append(all, p)
	}
	return all
}

func (k *Kubelet) forget(p *pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.pods, p.object.UID)
}

func (k *Kubelet) endAll() {
	var wait sync.WaitGroup
	for _, p := range k.list() {
		wait.Go(p.end)
	}
	wait.Wait()
}

// Ready returns the addresses of a named port of the pods that are ready and have a container of the name.
func (k *Kubelet) Ready(container, port string) []string {
	var addresses []string
	for _, p := range k.list() {
		if p.ready.Load() && p.container().Name == container {
			addresses = append(addresses, p.address(port))
		}
	}
	return addresses
}

// Logs returns the path of the log of each pod that was run, by the pod's name.
func (k *Kubelet) Logs() (map[string]string, error) {
	paths, err := filepath.Glob(filepath.Join(k.Dir, "*.log"))
	logs := map[string]string{}
	for _, path := range paths {
		name := filepath.Base(path)
		logs[name[:len(name)-len(".log")]] = path
	}
	return logs, err
}

// setReady tells the cluster that the pod runs, and whether it is ready.
func (p *pod) setReady(ctx context.Context, ready bool) {
	p.ready.Store(ready)
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	patch := fmt.Appendf(nil, `{"status":{"phase":"Running","conditions":[{"type":"Ready","status":%q,"lastTransitionTime":%q},`+
		`{"type":"ContainersReady","status":%q,"lastTransitionTime":%q}]}}`,
		status, time.Now().UTC().Format(time.RFC3339), status, time.Now().UTC().Format(time.RFC3339))
	p.patchStatus(ctx, patch)
}
