// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package volsync replicates volumes by VolSync: a ReplicationSource per claim on the primary, a ReplicationDestination per
// claim on the secondary, of the same name. What a claim is told is noted on it; what follows for VolSync's objects is
// planned by one pure function whenever something changes, and carried out.
package volsync

import (
	"context"
	"fmt"
	"sync"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Backend has VolSync replicate volumes.
type Backend struct {
	// Reader reads from a cache, Live past it.
	Reader, Live client.Reader
	// Client writes.
	Client client.Client
	// Key gets the key of a group from the hub, in hex.
	Key func(ctx context.Context, group types.NamespacedName) (string, error)
	// Groups is the version of VolumeGroupSnapshots that the cluster serves; false if none.
	Groups func() (schema.GroupVersionKind, bool)
	// Present tells whether VolSync is installed, Exports whether Services are made known to other clusters by ServiceExports.
	Present, Exports func() bool
	// Clock tells when a key is to be looked at again.
	Clock clock.PassiveClock

	lock  sync.Mutex
	keyed map[types.NamespacedName]time.Time
}

var (
	_ replication.Backend  = (*Backend)(nil)
	_ replication.Restorer = (*Backend)(nil)
)

// Method implements replication.Backend.
func (b *Backend) Method() v1alpha1.ReplicationMethod { return v1alpha1.MethodVolSync }

// Report implements replication.Backend.
func (b *Backend) Report(claim types.NamespacedName) (*replication.State, error) {
	ctx := context.Background()
	pvc := &corev1.PersistentVolumeClaim{}
	if err := b.Reader.Get(ctx, claim, pvc); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	role := pvc.Annotations[mark.VolSync]
	if role == "" || !b.Present() {
		return nil, nil
	}
	f := &Facts{Group: parseKey(pvc.Annotations[mark.Owner])}
	rs, rd, err := b.pair(ctx, claim)
	if err != nil {
		return nil, err
	}
	if pvc.Annotations[mark.Method] == string(v1alpha1.MethodVolSyncGroup) {
		return b.reportMember(ctx, pvc, rs, rd)
	}
	if f.Snapshots, err = b.imagesOf(ctx, rd); err != nil {
		return nil, err
	}
	return report(role, rs, rd, f.received(claim.Name, rd)), nil
}

// pair reads what there is of ours for a claim.
func (b *Backend) pair(ctx context.Context, claim types.NamespacedName) (*volsyncv1alpha1.ReplicationSource, *volsyncv1alpha1.ReplicationDestination, error) {
	rs, rd := &volsyncv1alpha1.ReplicationSource{}, &volsyncv1alpha1.ReplicationDestination{}
	hasSource, err := b.get(ctx, claim, rs)
	if err != nil {
		return nil, nil, err
	}
	hasDestination, err := b.get(ctx, claim, rd)
	if err != nil {
		return nil, nil, err
	}
	if !hasSource {
		rs = nil
	}
	if !hasDestination {
		rd = nil
	}
	return rs, rd, nil
}

func (b *Backend) get(ctx context.Context, key types.NamespacedName, object client.Object) (bool, error) {
	err := b.Reader.Get(ctx, key, object)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %s %s: %w", replication.Kind(object), key, err)
	}
	return ours(object, ""), nil
}

// Promote implements replication.Backend.
func (b *Backend) Promote(ctx context.Context, v replication.Volume, _ string) error {
	return b.note(ctx, v.PVC, rolePrimary)
}

// Demote implements replication.Backend.
func (b *Backend) Demote(ctx context.Context, v replication.Volume, _ string, how replication.Demotion) error {
	if how == replication.FinalSync {
		return b.note(ctx, v.PVC, finalRole(v.Rules.Epoch))
	}
	return b.note(ctx, v.PVC, roleSecondary)
}

// note puts down on a claim what it is told.
func (b *Backend) note(ctx context.Context, pvc *corev1.PersistentVolumeClaim, role string) error {
	if pvc.Annotations[mark.VolSync] == role {
		return nil
	}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, mark.VolSync, role)
	if err := b.Client.Patch(ctx, pvc.DeepCopy(), client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("noting on PersistentVolumeClaim %s/%s that it is %s: %w", pvc.Namespace, pvc.Name, role, err)
	}
	return nil
}

// Refresh implements replication.Backend. VolSync looks at its objects whenever something happens.
func (b *Backend) Refresh(context.Context, types.NamespacedName) error { return nil }

// Remove implements replication.Backend. The claim is told nothing any more once everything else of it is gone.
func (b *Backend) Remove(ctx context.Context, claim types.NamespacedName) (bool, error) {
	left, err := b.belongings(ctx, claim)
	if err != nil {
		return false, err
	}
	for _, object := range left {
		if err := b.delete(ctx, object); err != nil {
			return false, err
		}
	}
	if len(left) > 0 {
		return false, nil
	}
	pvc := &corev1.PersistentVolumeClaim{}
	if err := b.Reader.Get(ctx, claim, pvc); err != nil {
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	}
	if pvc.Annotations[mark.VolSync] == "" && pvc.Annotations[annotationStream] == "" && pvc.Labels[labelGroup] == "" {
		return true, nil
	}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:null,%q:null,%q:null},"labels":{%q:null}}}`,
		mark.VolSync, mark.Restored, annotationStream, labelGroup)
	err = b.Client.Patch(ctx, pvc.DeepCopy(), client.RawPatch(types.MergePatchType, patch))
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("taking the role off PersistentVolumeClaim %s: %w", claim, err)
	}
	return true, nil
}

// belongings are the objects that are there for a claim.
func (b *Backend) belongings(ctx context.Context, claim types.NamespacedName) ([]client.Object, error) {
	if !b.Present() {
		return nil, nil
	}
	rs, rd, err := b.pair(ctx, claim)
	if err != nil {
		return nil, err
	}
	var left []client.Object
	if rs != nil {
		left = append(left, rs)
	}
	if rd != nil {
		left = append(left, rd)
	}
	snapshots, err := b.snapshots(ctx, claim.Namespace)
	if err != nil {
		return nil, err
	}
	for _, s := range snapshots {
		if ours(s, "") && s.Annotations[annotationClaim] == claim.Name {
			left = append(left, s)
		}
	}
	return left, nil
}

// delete deletes what was made here. Jobs, Services and temporary claims go with their owners, by and by.
func (b *Backend) delete(ctx context.Context, object client.Object) error {
	if !object.GetDeletionTimestamp().IsZero() {
		return nil
	}
	if rd, ok := object.(*volsyncv1alpha1.ReplicationDestination); ok {
		if err := b.unexportOf(ctx, rd); err != nil {
			return err
		}
	}
	uid := object.GetUID()
	err := b.Client.Delete(ctx, object.DeepCopyObject().(client.Object), client.Preconditions{UID: &uid}, client.PropagationPolicy("Background"))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting %s %s/%s: %w", replication.Kind(object), object.GetNamespace(), object.GetName(), err)
	}
	return nil
}
