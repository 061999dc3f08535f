// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/pkg/agent/capture"
	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// takeCapture collects and encodes a capture once, then has each profile given it on its own.
func (a *Agent) takeCapture(ctx context.Context, f *Facts, m *memory, quiesced bool) {
	if !quiesced {
		a.roles.idle(ctx)
	}
	a.captures <- struct{}{}
	taken, sealed, objects, err := a.seal(ctx, f, quiesced)
	<-a.captures
	captureSealed.Hit(f.Key.Namespace)
	m.lock.Lock()
	m.capture.Running, m.capture.Err = false, err
	switch {
	case ctx.Err() != nil:
	case err != nil:
		m.captureTries++
		m.capture.Retry = a.clock.Now().Add(backoff(m.captureTries))
		klog.FromContext(ctx).Info("A capture has failed", "volumeReplicationGroup", f.Key, "reason", err.Error())
	default:
		m.captureTries = 0
		a.upload(f, m, taken, sealed, objects)
	}
	m.lock.Unlock()
	a.enqueue(f.Key)
}

func (a *Agent) seal(ctx context.Context, f *Facts, quiesced bool) (*checkpoint.Capture, *archive.Sealed, *capture.Collected, error) {
	now := a.clock.Now()
	collected, err := a.collect(ctx, f)
	if err != nil {
		return nil, nil, nil, err
	}
	gone, err := a.collector.Gone(ctx, f.Key.Namespace, f.Checkpoint.Given, collected)
	if err != nil {
		return nil, nil, nil, err
	}
	content := archive.Content{Objects: collected.Objects, Gone: gone}
	volumes := map[v1alpha1.ReplicationMethod][]replication.Volume{}
	for i := range f.Volumes {
		if v := &f.Volumes[i]; f.Captured(v) {
			content.Volumes = append(content.Volumes, capture.Volume(v.PVC, v.PV))
			volumes[v.Method] = append(volumes[v.Method], v.Volume)
		}
	}
	if content.Replication, err = a.backends.Carried(ctx, volumes); err != nil {
		return nil, nil, nil, err
	}
	sealed, err := archive.Seal(archive.Capture{
		Ref:   archive.Ref{Epoch: f.Checkpoint.Spec.Epoch, ID: archive.NewID(now, f.lastCaptureID())},
		Group: f.Checkpoint.Group(), Time: now.UTC(), Cluster: a.cluster, Content: content,
	})
	if err != nil {
		return nil, nil, nil, err
	}
	taken := &checkpoint.Capture{
		CaptureReference: v1alpha1.CaptureReference{
			ID: sealed.ID, Epoch: sealed.Epoch, Time: metav1.NewTime(now), Objects: int32(sealed.Objects), //nolint:gosec // far fewer
		},
		Digest: sealed.Digest, Volumes: f.volumesWord(), Quiesced: quiesced,
	}
	return taken, sealed, collected, nil
}

// lastCaptureID is the id that the next capture's must sort after.
func (f *Facts) lastCaptureID() string {
	last := ""
	if token := f.Checkpoint.Spec.HandoverToken; token != nil {
		last = token.CaptureID
	}
	if c := f.Checkpoint.LastCapture; c != nil {
		last = max(last, c.ID)
	}
	if c := f.Capture.Taken; c != nil {
		last = max(last, c.ID)
	}
	return last
}

// upload gives every profile a capture. What is still being put of the one before is given up.
func (a *Agent) upload(f *Facts, m *memory, taken *checkpoint.Capture, sealed *archive.Sealed, collected *capture.Collected) {
	if m.cancelUploads != nil {
		m.cancelUploads()
	}
	ctx, cancel := context.WithCancel(a.ctx)
	m.cancelUploads = cancel
	m.capture = CaptureFacts{Taken: taken, Objects: collected.UIDs, Failed: map[string]string{}}
	for _, profile := range f.Checkpoint.Spec.S3Profiles {
		go a.uploadTo(ctx, f, m, profile, sealed)
	}
}

// uploadTo puts a capture into one profile, trying until it succeeds or a newer one takes its place.
func (a *Agent) uploadTo(ctx context.Context, f *Facts, m *memory, profile string, sealed *archive.Sealed) {
	for tries := 1; ; tries++ {
		err := a.put(ctx, profile, sealed)
		capturePut.Hit(f.Key.Namespace)
		if ctx.Err() != nil {
			return
		}
		m.lock.Lock()
		if err != nil {
			m.capture.Failed[profile] = err.Error()
		} else {
			delete(m.capture.Failed, profile)
			m.capture.Put = append(m.capture.Put, profile)
			order := f.Checkpoint.Spec.S3Profiles
			slices.SortFunc(m.capture.Put, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
		}
		m.lock.Unlock()
		a.enqueue(f.Key)
		if err == nil {
			a.prune(ctx, f, profile, sealed)
			return
		}
		klog.FromContext(ctx).Info("A capture can't be put; trying again", "volumeReplicationGroup", f.Key, "reason", err.Error())
		select {
		case <-ctx.Done():
			return
		case <-a.clock.After(backoff(tries + 1)):
		}
	}
}

// put waits for its turn at the profile, so that one that hangs holds up its own captures only.
func (a *Agent) put(ctx context.Context, profile string, sealed *archive.Sealed) error {
	turn := a.turn(profile)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case turn <- struct{}{}:
	}
	defer func() { <-turn }()
	store, err := a.stores.Store(ctx, profile)
	if err != nil {
		return err
	}
	return archive.Put(ctx, store, sealed)
}

func (a *Agent) prune(ctx context.Context, f *Facts, profile string, sealed *archive.Sealed) {
	store, err := a.stores.Store(ctx, profile)
	if err == nil {
		err = archive.Prune(ctx, store, sealed.Group, sealed.Epoch)
	}
	if err != nil && ctx.Err() == nil {
		klog.FromContext(ctx).Info("Old captures can't be deleted; they are tried again after the next one", "volumeReplicationGroup", f.Key, "reason", err.Error())
	}
}

// clearCaptures deletes a group's captures from every profile that answers. A dead one does not hold deletion up.
func (a *Agent) clearCaptures(f *Facts, m *memory) {
	m.lock.Lock()
	if m.cancelUploads != nil {
		m.cancelUploads()
	}
	m.lock.Unlock()
	var wait sync.WaitGroup
	for _, profile := range f.Checkpoint.Spec.S3Profiles {
		wait.Go(func() {
			store, err := a.stores.Store(a.ctx, profile)
			if err == nil {
				err = archive.Clear(a.ctx, store, f.Checkpoint.Group())
			}
			if err != nil {
				klog.FromContext(a.ctx).Info("Captures of a deleted group stay behind; delete them by hand",
					"volumeReplicationGroup", f.Key, "prefix", f.Checkpoint.Group().String()+"/", "reason", err.Error())
			}
		})
	}
	wait.Wait()
	m.lock.Lock()
	m.clearing, m.cleared = false, true
	m.lock.Unlock()
	a.enqueue(f.Key)
}
