// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package mover plays the containers of VolSync's rsync-TLS movers: the pods of its Jobs, once they run, really carry bytes
// from one cluster's volume to the other's.
//
// A destination listens behind its Service until a source has finished. A source goes to the address it was given: that of
// a LoadBalancer, or the name of an exported Service, leads to the other cluster over the link of the storage, that of a
// ClusterIP leads nowhere but within its own. Both must have the same key. What differs is written into the destination's volume piece by piece, in place, the
// newest first, and so a transfer that breaks off leaves a volume that is neither the old nor the new one.
package mover

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/test/storagesim/claims"
	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
)

// What VolSync calls things in the pods of its Jobs.
const (
	label        = "app.kubernetes.io/component"
	labelled     = "rsync-tls-mover"
	volumeData   = "data"
	volumeKeys   = "keys"
	keyFile      = "psk.txt"
	envAddress   = "DESTINATION_ADDRESS"
	envPort      = "DESTINATION_PORT"
	sourceScript = "client.sh"
	defaultPort  = 8000
)

// Movers are the movers that run on one cluster.
type Movers struct {
	// Cluster is its name, Driver the storage's.
	Cluster, Driver string
	Engine          *engine.Engine
	Faults          *faults.Injector
	// Own and Peer are the addresses at which movers of this cluster and of the peer are reached.
	Own, Peer string

	client client.Client
	// direct reads Secrets and ServiceExports, of which nobody keeps a cache.
	direct client.Reader
	http   *http.Client

	mu        sync.Mutex
	running   map[types.UID]context.CancelFunc
	listeners map[types.UID]*listener
	sessions  map[string]*session
	logs      map[types.NamespacedName]string
	all       sync.WaitGroup
}

// task is what a pod has to do.
type task struct {
	pod    *corev1.Pod
	source bool
	key    []byte
	handle string
	// address and port a source was given.
	address string
	port    int
	// traffic of a source.
	traffic *traffic
}

// set makes a pod work, or stop if there is nothing to run.
func (m *Movers) set(ctx context.Context, uid types.UID, pod *corev1.Pod) {
	m.mu.Lock()
	defer m.mu.Unlock()
	stop, running := m.running[uid]
	switch {
	case pod == nil && running:
		stop()
		delete(m.running, uid)
	case pod != nil && !running:
		work, stop := context.WithCancel(ctx)
		m.running[uid] = stop
		m.all.Go(func() { m.run(ctx, work, pod) })
	}
}

// Wait returns when no mover works any more, after the context given to Setup has ended.
func (m *Movers) Wait() { m.all.Wait() }

// run does what a pod has to do for as long as its work is wanted, and reports how that ended.
func (m *Movers) run(ctx, wanted context.Context, pod *corev1.Pod) {
	err := m.work(wanted, pod)
	if wanted.Err() != nil {
		return
	}
	for ctx.Err() == nil {
		reportErr := m.report(ctx, pod, err)
		if reportErr == nil {
			return
		}
		klog.InfoS("Mover's end not reported yet", "pod", klog.KObj(pod), "err", reportErr)
		pause(ctx, time.Second)
	}
}

func (m *Movers) work(ctx context.Context, pod *corev1.Pod) error {
	t, err := m.read(ctx, pod)
	if err != nil {
		return err
	}
	klog.InfoS("Mover begins", "pod", klog.KObj(pod), "source", t.source, "volume", t.handle, "address", t.address)
	if t.source {
		return m.send(ctx, t)
	}
	return m.listen(ctx, t)
}

// read finds out what a pod has to do.
func (m *Movers) read(ctx context.Context, pod *corev1.Pod) (task, error) {
	t := task{pod: pod, port: defaultPort, traffic: &traffic{}}
	for _, c := range pod.Spec.Containers {
		t.source = t.source || strings.Contains(strings.Join(c.Command, " "), sourceScript)
		for _, e := range c.Env {
			switch e.Name {
			case envAddress:
				t.address = e.Value
			case envPort:
				t.port, _ = strconv.Atoi(e.Value)
			}
		}
	}
	if t.source && t.address == "" {
		return t, fmt.Errorf("%s is not set", envAddress)
	}
	for _, v := range pod.Spec.Volumes {
		var err error
		switch {
		case v.Name == volumeData && v.PersistentVolumeClaim != nil:
			t.handle, err = m.volume(ctx, pod.Namespace, v.PersistentVolumeClaim.ClaimName)
		case v.Name == volumeKeys && v.Secret != nil:
			t.key, err = m.key(ctx, pod.Namespace, v.Secret.SecretName)
		}
		if err != nil {
			return t, err
		}
	}
	if t.handle == "" || len(t.key) == 0 {
		return t, fmt.Errorf("pod %s/%s mounts no volume %s or no Secret %s", pod.Namespace, pod.Name, volumeData, volumeKeys)
	}
	return t, nil
}

func (m *Movers) volume(ctx context.Context, namespace, claim string) (string, error) {
	handle, ok, err := claims.Handle(ctx, m.direct, m.Driver, types.NamespacedName{Namespace: namespace, Name: claim})
	if err == nil && !ok {
		err = fmt.Errorf("claim %s/%s has no volume of driver %s", namespace, claim, m.Driver)
	}
	return handle, err
}

// key reads the key that source and destination share: "identity:hexadecimal digits", of which stunnel wants 32 at least.
func (m *Movers) key(ctx context.Context, namespace, name string) ([]byte, error) {
	var secret corev1.Secret
	if err := m.direct.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &secret); err != nil {
		return nil, err
	}
	key := strings.TrimSpace(string(secret.Data[keyFile]))
	if _, digits, ok := strings.Cut(key, ":"); !ok || len(digits) < minDigits || strings.Trim(digits, hexDigits) != "" {
		return nil, fmt.Errorf("%s in Secret %s/%s is no identity:key", keyFile, namespace, name)
	}
	return []byte(key), nil
}

const (
	minDigits = 32
	hexDigits = "0123456789abcdefABCDEF"
)

// report makes a pod end as its container did.
func (m *Movers) report(ctx context.Context, pod *corev1.Pod, result error) error {
	var now corev1.Pod
	if err := m.direct.Get(ctx, client.ObjectKeyFromObject(pod), &now); err != nil {
		return client.IgnoreNotFound(err)
	}
	if now.UID != pod.UID {
		return nil
	}
	ended := &corev1.ContainerStateTerminated{Reason: "Completed", FinishedAt: metav1.Now()}
	now.Status.Phase = corev1.PodSucceeded
	if result != nil {
		ended.Reason, ended.ExitCode, ended.Message = "Error", 1, result.Error()
		now.Status.Phase = corev1.PodFailed
	}
	for i := range now.Status.ContainerStatuses {
		status := &now.Status.ContainerStatuses[i]
		status.Ready, status.State = false, corev1.ContainerState{Terminated: ended}
	}
	klog.InfoS("Mover ends", "pod", klog.KObj(pod), "err", result)
	return client.IgnoreNotFound(m.client.Status().Update(ctx, &now))
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
