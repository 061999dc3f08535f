// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package writer plays the processes in the pods: a running pod that mounts volumes of the driver appends numbered
// records to each of them for as long as the storage lets it.
package writer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

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
	pods   map[types.NamespacedName]map[mount]context.CancelFunc
	active atomic.Int64
	all    sync.WaitGroup
}

// mount is one volume in one incarnation of a pod.
type mount struct {
	pod    types.UID
	claim  layout.Claim
	handle string
}

// set makes a pod write to these volumes and no others.
func (w *Writers) set(ctx context.Context, pod types.NamespacedName, wanted []mount) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pods == nil {
		w.pods = map[types.NamespacedName]map[mount]context.CancelFunc{}
	}
	running := w.pods[pod]
	next := map[mount]context.CancelFunc{}
	for _, m := range wanted {
		if stop, ok := running[m]; ok {
			next[m] = stop
			delete(running, m)
		} else {
			next[m] = w.start(ctx, pod.Name, m)
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

func (w *Writers) start(ctx context.Context, pod string, m mount) context.CancelFunc {
	ctx, stop := context.WithCancel(ctx)
	w.active.Add(1)
	w.all.Go(func() {
		defer w.active.Add(-1)
		if err := w.write(ctx, pod, m); err != nil {
			klog.ErrorS(err, "Writer ended", "pod", pod, "volume", m.handle)
		}
	})
	return stop
}

// write appends records until the context ends. It returns an error only if what was written can't be acknowledged.
func (w *Writers) write(ctx context.Context, pod string, m mount) error {
	acks, err := openAcks(w.AckDir, m.claim)
	if err != nil {
		return err
	}
	defer acks.close()
	if err := w.Engine.Claim(ctx, m.handle, m.claim); err != nil {
		klog.V(2).InfoS("Claim not recorded", "volume", m.handle, "err", err)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		timer.Reset(w.pause())
		r, err := w.Engine.Append(ctx, m.handle, pod)
		if err != nil {
			continue // read-only, for now or for good
		}
		if err := acks.add(r, m.handle); err != nil {
			return err
		}
	}
}

func (w *Writers) pause() time.Duration {
	return max(w.Interval, time.Duration(w.active.Load())*time.Second/maxPerSecond)
}

// Wait returns when nobody writes any more, after the context given to Setup has ended.
func (w *Writers) Wait() { w.all.Wait() }

// claims are the names of the claims that a pod mounts, if it runs.
func claims(pod *corev1.Pod) []string {
	if pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil {
		return nil
	}
	var names []string
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			names = append(names, v.PersistentVolumeClaim.ClaimName)
		}
	}
	return names
}

// handle is the handle of the volume a claim is bound to, if it is one of the driver's.
func handle(pvc *corev1.PersistentVolumeClaim, pv *corev1.PersistentVolume, driver string) (string, bool) {
	if pvc.Status.Phase != corev1.ClaimBound || pv.Spec.CSI == nil || pv.Spec.CSI.Driver != driver {
		return "", false
	}
	ref := pv.Spec.ClaimRef
	if ref == nil || ref.UID != pvc.UID {
		return "", false
	}
	return pv.Spec.CSI.VolumeHandle, true
}
