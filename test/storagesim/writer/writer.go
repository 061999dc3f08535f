// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package writer plays the processes in the pods: a running pod that mounts volumes of the driver appends numbered
// records to each of them for as long as the storage lets it, each volume on its own or, if the pod is annotated so, all at
// once.
package writer

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/claims"
	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// maxPerSecond is how many records are written at most by one simulator: with many volumes each is written to less often.
const maxPerSecond = 500

// Writers are the processes in a cluster's pods.
type Writers struct {
	// Engine is the storage.
	Engine *engine.Engine
	// AckDir is where is kept what was acknowledged to them.
	AckDir string
	// Interval between two records of a volume.
	Interval time.Duration

	mu     sync.Mutex
	pods   map[types.NamespacedName]map[string]context.CancelFunc
	active atomic.Int64
	all    sync.WaitGroup
}

// mount is one volume in one incarnation of a pod.
type mount struct {
	pod    types.UID
	claim  layout.Claim
	handle string
}

// batch are volumes that one process writes to at once. Each gets its record, or none of them does.
type batch []mount

func (b batch) key() string { return fmt.Sprint([]mount(b)) }

func (b batch) handles() []string {
	handles := make([]string, 0, len(b))
	for _, m := range b {
		handles = append(handles, m.handle)
	}
	return handles
}

// set makes a pod write to these volumes and no others.
func (w *Writers) set(ctx context.Context, pod types.NamespacedName, wanted []batch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pods == nil {
		w.pods = map[types.NamespacedName]map[string]context.CancelFunc{}
	}
	running := w.pods[pod]
	next := map[string]context.CancelFunc{}
	for _, b := range wanted {
		key := b.key()
		if stop, ok := running[key]; ok {
			next[key] = stop
			delete(running, key)
		} else {
			next[key] = w.start(ctx, pod.Name, b)
		}
	}
	for _, stop := range running {
		stop()
	}
	w.pods[pod] = next
	if len(next) == 0 {
		delete(w.pods, pod)
	}
}

func (w *Writers) start(ctx context.Context, pod string, b batch) context.CancelFunc {
	ctx, stop := context.WithCancel(ctx)
	w.active.Add(int64(len(b)))
	w.all.Go(func() {
		defer w.active.Add(-int64(len(b)))
		if err := w.write(ctx, pod, b); err != nil {
			klog.ErrorS(err, "Writer ended", "pod", pod, "volumes", b.handles())
		}
	})
	return stop
}

// write appends records until the context ends. It returns an error only if what was written can't be acknowledged.
func (w *Writers) write(ctx context.Context, pod string, b batch) error {
	files, err := w.open(ctx, b)
	defer closeAll(files)
	if err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	handles := b.handles()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		timer.Reset(w.pause())
		records, err := w.Engine.AppendTogether(ctx, handles, pod)
		if err != nil {
			continue // read-only, for now or for good
		}
		for n := range records {
			if err := files[n].add(records[n]); err != nil {
				return err
			}
		}
	}
}

// open opens the acknowledgements of each volume, and says whose they are.
func (w *Writers) open(ctx context.Context, b batch) ([]*acks, error) {
	var files []*acks
	for _, m := range b {
		file, err := openAcks(w.AckDir, m.claim)
		if err != nil {
			return files, err
		}
		files = append(files, file)
		if err := w.Engine.Claim(ctx, m.handle, m.claim); err != nil {
			klog.V(2).InfoS("Claim not recorded", "volume", m.handle, "err", err)
		}
	}
	return files, nil
}

func (w *Writers) pause() time.Duration {
	return max(w.Interval, time.Duration(w.active.Load())*time.Second/maxPerSecond)
}

// Wait returns when nobody writes any more, after the context given to Setup has ended.
func (w *Writers) Wait() { w.all.Wait() }

// moverComponent is what the pods of VolSync's movers are called, which write no records.
const moverComponent = "rsync-tls-mover"

// claimsOf are the names of the claims that a pod writes to, if it runs.
func claimsOf(pod *corev1.Pod) []string {
	if pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil ||
		pod.Labels["app.kubernetes.io/component"] == moverComponent {
		return nil
	}
	return claims.Mounted(pod)
}
