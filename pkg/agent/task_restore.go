// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/handover"
	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/parallel"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/restore"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// errTokenInvalid means that a handover token does not fit what it was issued for.
var errTokenInvalid = errors.New("the handover token is invalid")

func (a *Agent) restoreVolumes(ctx context.Context, f *Facts, m *memory) {
	found, err := f.Restore.Found, error(nil)
	if found == nil {
		found, err = a.findCapture(ctx, f)
	}
	behind := f.Restore.Behind
	if err == nil {
		if err = a.removeLeftBehind(ctx, f, found); err == nil {
			behind = f.without()
			err = a.restoreEach(ctx, f, found)
		}
	}
	a.restored(ctx, f, m, err, func(r *RestoreFacts) {
		r.Found, r.Volumes, r.Without, r.Behind = found, err == nil, f.without(), behind
		if err == nil {
			r.Since = a.clock.Now()
		}
	})
}

// restoreEach puts all volumes of a capture in place at once that are to be: those the storage has here as they were captured,
// others as their backends have them.
func (a *Agent) restoreEach(ctx context.Context, f *Facts, found *archive.Found) error {
	var captured []archive.Volume
	var others []func() error
	volumes := map[types.NamespacedName]string{}
	for _, v := range f.restorable(found) {
		by, byItself := a.backends.For(v1alpha1.ReplicationMethod(v.PVC.Annotations[mark.Method])).(replication.Restorer)
		if !byItself {
			captured = append(captured, v)
			volumes[client.ObjectKeyFromObject(&v.PVC)] = v.PV.Name
			continue
		}
		volumes[client.ObjectKeyFromObject(&v.PVC)] = ""
		others = append(others, func() error { return restore.OfClaim(v.PVC.Name, a.restoreOne(ctx, f, &v.PVC, by)) })
	}
	if err := a.removeSuperseded(ctx, f, volumes, found.Cluster == a.cluster); err != nil {
		return err
	}
	rules, err := rulesOf(f)
	if err != nil {
		return err
	}
	if err := a.backends.Receive(ctx, rules, found.Content.Replication, f.handlesWithout(found)); err != nil {
		return err
	}
	if err := a.restorer.Volumes(ctx, f.Key, captured, restore.Namespace(found.Content.Objects)); err != nil {
		return err
	}
	return parallel.Run(others)
}

// restoreOne puts a claim in place that its backend does not have the captured volume of.
func (a *Agent) restoreOne(ctx context.Context, f *Facts, claim *corev1.PersistentVolumeClaim, by replication.Restorer) error {
	if claim.Namespace != f.Key.Namespace || claim.Name == "" {
		return replication.Conflict(fmt.Sprintf("the captured PersistentVolumeClaim %s/%s is not of namespace %s", claim.Namespace, claim.Name, f.Key.Namespace))
	}
	return by.Restore(ctx, f.restoration(claim))
}

func (f *Facts) restoration(claim *corev1.PersistentVolumeClaim) replication.Restoration {
	return replication.Restoration{
		Claim: claim, Group: f.Key, Epoch: f.Checkpoint.Spec.Epoch, HandedOver: f.Checkpoint.Spec.Action == v1alpha1.VRGActionRelocate,
		Without: f.without(),
	}
}

func (a *Agent) restoreObjects(ctx context.Context, f *Facts, m *memory) {
	removal, err := a.removeGone(ctx, f)
	err = errors.Join(err, a.restorer.Objects(ctx, f.Key, sets.New(f.Checkpoint.Objects...), f.Restore.Found.Content.Objects))
	a.restored(ctx, f, m, err, func(r *RestoreFacts) {
		r.Objects = err == nil
		r.Removed, r.Left = append(r.Removed, removal.Deleted...), removal.Left
	})
}

// restored remembers what became of a part of a restore, unless the role has changed meanwhile.
func (a *Agent) restored(ctx context.Context, f *Facts, m *memory, err error, done func(*RestoreFacts)) {
	m.lock.Lock()
	if ctx.Err() == nil {
		r := &m.restore
		r.Running = false
		if err != nil && r.Err == nil {
			r.Failing = a.clock.Now()
		}
		r.Err = err
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
