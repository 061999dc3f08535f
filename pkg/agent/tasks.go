// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/capture"
	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/handover"
	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/restore"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// errTokenInvalid means that a handover token does not fit what it was issued for.
var errTokenInvalid = errors.New("the handover token is invalid")

// startTasks begins what takes longer than a look at a group should: what waits for object stores or makes many
// requests. What became of it is remembered and the group looked at again.
func (a *Agent) startTasks(f *Facts, m *memory, d *Decision) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if d.Wait && !m.queued {
		m.queued = true
		go a.takeTurn(m.ctx, f, m)
	}
	switch {
	case d.RestoreVolumes && !m.restore.Running:
		m.restore.Running = true
		go a.restoreVolumes(m.ctx, f, m)
	case d.RestoreObjects && !m.restore.Running:
		m.restore.Running = true
		go a.restoreObjects(m.ctx, f, m)
	}
	if d.Remember && !m.listing {
		m.listing = true
		go a.remember(m.ctx, f, m)
	}
	if d.Capture && !m.capture.Running {
		m.capture.Running = true
		go a.takeCapture(m.ctx, f, m, d.Quiesced)
	}
	if d.Clear && !m.clearing {
		m.clearing = true
		go a.clearCaptures(f, m)
	}
}

func (a *Agent) takeTurn(ctx context.Context, f *Facts, m *memory) {
	end, err := a.roles.take(ctx)
	if err != nil {
		return
	}
	m.lock.Lock()
	if ctx.Err() == nil {
		m.turn, m.endTurn = true, end
	}
	m.lock.Unlock()
	a.enqueue(f.Key)
}

func (a *Agent) restoreVolumes(ctx context.Context, f *Facts, m *memory) {
	found, err := f.Restore.Found, error(nil)
	if found == nil {
		found, err = a.findCapture(ctx, f)
	}
	if err == nil {
		err = a.restoreEach(ctx, f, found)
	}
	a.restored(ctx, f, m, err, func(r *RestoreFacts) { r.Found, r.Volumes = found, err == nil })
}

// restoreEach puts all volumes of a capture in place at once: those the storage has here as they were captured, others as
// their backends have them.
func (a *Agent) restoreEach(ctx context.Context, f *Facts, found *archive.Found) error {
	var captured []archive.Volume
	var others []func() error
	volumes := map[types.NamespacedName]string{}
	for i := range found.Content.Volumes {
		v := found.Content.Volumes[i]
		by, byItself := a.backends.For(v1alpha1.ReplicationMethod(v.PVC.Annotations[mark.Method])).(replication.Restorer)
		if !byItself {
			captured = append(captured, v)
			volumes[client.ObjectKeyFromObject(&v.PVC)] = v.PV.Name
			continue
		}
		volumes[client.ObjectKeyFromObject(&v.PVC)] = ""
		others = append(others, func() error { return a.restoreOne(ctx, f, &v.PVC, by) })
	}
	if err := a.removeSuperseded(ctx, f, volumes); err != nil {
		return err
	}
	rules, err := rulesOf(f)
	if err != nil {
		return err
	}
	if err := a.backends.Receive(ctx, rules, found.Content.Replication); err != nil {
		return err
	}
	if err := a.restorer.Volumes(ctx, f.Key, captured, restore.Namespace(found.Content.Objects)); err != nil {
		return err
	}
	errs := make([]error, len(others))
	var wait sync.WaitGroup
	for i, other := range others {
		wait.Go(func() { errs[i] = other() })
	}
	wait.Wait()
	return errors.Join(errs...)
}

// restoreOne puts a claim in place that its backend does not have the captured volume of.
func (a *Agent) restoreOne(ctx context.Context, f *Facts, claim *corev1.PersistentVolumeClaim, by replication.Restorer) error {
	if claim.Namespace != f.Key.Namespace || claim.Name == "" {
		return replication.Conflict(fmt.Sprintf("the captured PersistentVolumeClaim %s/%s is not of namespace %s", claim.Namespace, claim.Name, f.Key.Namespace))
	}
	return by.Restore(ctx, replication.Restoration{
		Claim: claim, Group: f.Key, Epoch: f.Checkpoint.Spec.Epoch, HandedOver: f.Checkpoint.Spec.Action == v1alpha1.VRGActionRelocate,
	})
}

func (a *Agent) restoreObjects(ctx context.Context, f *Facts, m *memory) {
	err := a.restorer.Objects(ctx, f.Key, sets.New(f.Checkpoint.Objects...), f.Restore.Found.Content.Objects)
	a.restored(ctx, f, m, err, func(r *RestoreFacts) { r.Objects = err == nil })
}

// restored remembers what became of a part of a restore, unless the role has changed meanwhile.
func (a *Agent) restored(ctx context.Context, f *Facts, m *memory, err error, done func(*RestoreFacts)) {
	m.lock.Lock()
	if ctx.Err() == nil {
		r := &m.restore
		r.Running, r.Err = false, err
		m.restoreTries++
		if err == nil {
			m.restoreTries = 0
		} else {
			r.Retry = a.clock.Now().Add(backoff(m.restoreTries))
			klog.FromContext(ctx).Info("A restore has not succeeded yet", "volumeReplicationGroup", f.Key, "reason", err.Error())
		}
		done(r)
	}
	m.lock.Unlock()
	a.enqueue(f.Key)
}

// findCapture reads the capture that the command is about: for a relocate the one that the token names, for a failover
// the newest complete one of an earlier epoch.
func (a *Agent) findCapture(ctx context.Context, f *Facts) (*archive.Found, error) {
	spec, group := f.Checkpoint.Spec, f.Checkpoint.Group()
	if spec.Action != v1alpha1.VRGActionRelocate {
		return archive.Newest(ctx, a.stores, spec.S3Profiles, group, func(r archive.Ref) bool { return r.Epoch < spec.Epoch })
	}
	token := spec.HandoverToken
	if err := handover.Verify(token, spec.Epoch, a.cluster); err != nil {
		return nil, fmt.Errorf("%w: %w", errTokenInvalid, err)
	}
	found, err := archive.Read(ctx, a.stores, spec.S3Profiles, group, archive.Ref{Epoch: token.Epoch, ID: token.CaptureID})
	if err != nil {
		return nil, err
	}
	if err := handover.VerifyCapture(token, found.Digest, handles(found.Content.Volumes)); err != nil {
		return nil, fmt.Errorf("%w: %w", errTokenInvalid, err)
	}
	return found, nil
}

func handles(volumes []archive.Volume) []v1alpha1.HandoverVolume {
	out := make([]v1alpha1.HandoverVolume, 0, len(volumes))
	for _, v := range volumes {
		handle := ""
		if v.PV.Spec.CSI != nil {
			handle = v.PV.Spec.CSI.VolumeHandle
		}
		out = append(out, v1alpha1.HandoverVolume{Namespace: v.PVC.Namespace, Name: v.PVC.Name, VolumeHandle: handle})
	}
	return out
}

// remember lists the application's objects on a cluster that ceases to be primary.
func (a *Agent) remember(ctx context.Context, f *Facts, m *memory) {
	collected, err := a.collect(ctx, f)
	m.lock.Lock()
	m.listing = false
	if err == nil && ctx.Err() == nil {
		m.stop.Listed, m.stop.Remembered = true, collected.UIDs
	}
	m.lock.Unlock()
	if err != nil {
		klog.FromContext(ctx).Info("The application's objects can't be listed; trying again", "volumeReplicationGroup", f.Key, "reason", err.Error())
		a.queue.AddAfter(f.Key, 10*time.Second)
		return
	}
	a.enqueue(f.Key)
}

func (a *Agent) collect(ctx context.Context, f *Facts) (*capture.Collected, error) {
	selector, err := objectSelector(f)
	if err != nil {
		return nil, err
	}
	return a.collector.Collect(ctx, f.Key.Namespace, selector)
}

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
	content := archive.Content{Objects: collected.Objects}
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
