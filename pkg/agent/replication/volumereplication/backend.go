// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package volumereplication replicates volumes through csi-addons VolumeReplication: one object per claim, of the same name.
package volumereplication

import (
	"context"
	"fmt"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Backend drives VolumeReplications.
type Backend struct {
	// Reader reads VolumeReplications and VolumeReplicationClasses, as a cache does; that nothing matches these where
	// csi-addons is not installed.
	Reader client.Reader
	// Client writes.
	Client client.Client
}

var _ replication.Backend = (*Backend)(nil)

// Method implements replication.Backend.
func (b *Backend) Method() v1alpha1.ReplicationMethod { return v1alpha1.MethodVolumeReplication }

// Class implements replication.Backend.
func (b *Backend) Class(v replication.Volume) (string, *replication.Problem) {
	var classes csiaddons.VolumeReplicationClassList
	if err := b.Reader.List(context.Background(), &classes); err != nil {
		return "", &replication.Problem{Reason: ReasonNoReplicationClass, Message: fmt.Sprintf(
			"PersistentVolumeClaim %s: VolumeReplicationClasses can't be read (%v); is csi-addons installed on this cluster?", v.Key(), err)}
	}
	return ChooseClass(v, classes.Items)
}

// Report implements replication.Backend.
func (b *Backend) Report(claim types.NamespacedName) (*replication.State, error) {
	vr, err := b.get(context.Background(), claim)
	if vr == nil || err != nil {
		return nil, err
	}
	return StateOf(vr), nil
}

// Promote implements replication.Backend. csi-addons escalates a promotion to a forced one by itself.
func (b *Backend) Promote(ctx context.Context, v replication.Volume, class string) error {
	return b.ensure(ctx, v, class, csiaddons.Primary, false)
}

// Demote implements replication.Backend. Resyncing by itself is asked for only where local writes are given up.
func (b *Backend) Demote(ctx context.Context, v replication.Volume, class string, how replication.Demotion) error {
	return b.ensure(ctx, v, class, csiaddons.Secondary, how == replication.Resync)
}

func (b *Backend) ensure(ctx context.Context, v replication.Volume, class string, state csiaddons.ReplicationState, resync bool) error {
	vr, err := b.get(ctx, v.Key())
	if err != nil {
		return err
	}
	if vr == nil {
		return b.create(ctx, v, class, state, resync)
	}
	if vr.Labels[mark.ManagedBy] != mark.Agent {
		return fmt.Errorf("VolumeReplication %s exists and was not made by this agent; delete it, so that the volume can be protected here", v.Key())
	}
	if vr.Spec.ReplicationState == state && vr.Spec.AutoResync == resync {
		return nil
	}
	if state == csiaddons.Primary && vr.Spec.ReplicationState != state && vr.Status.State == csiaddons.PrimaryState {
		if err := b.doubt(ctx, vr); err != nil {
			return err
		}
	}
	patch := fmt.Appendf(nil, `{"spec":{"replicationState":%q,"autoResync":%t}}`, state, resync)
	if err := b.Client.Patch(ctx, vr.DeepCopy(), client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("making VolumeReplication %s %s: %w", v.Key(), state, err)
	}
	return nil
}

// inDoubt says that it is not known whether a volume is primary.
var inDoubt = fmt.Appendf(nil, `{"status":{"state":%q}}`, csiaddons.UnknownState)

// doubt makes csi-addons promote a volume that it was told to demote and still takes for primary. It promotes none that it
// takes for primary, and it learns nothing of a demotion that the storage carried out while the call hung, while it was
// being restarted, or while it was told something else: such a volume would stay secondary for good.
func (b *Backend) doubt(ctx context.Context, vr *csiaddons.VolumeReplication) error {
	if err := b.Client.Status().Patch(ctx, vr.DeepCopy(), client.RawPatch(types.MergePatchType, inDoubt)); err != nil {
		return fmt.Errorf("making sure that VolumeReplication %s/%s is promoted again: %w", vr.Namespace, vr.Name, err)
	}
	return nil
}

func (b *Backend) create(ctx context.Context, v replication.Volume, class string, state csiaddons.ReplicationState, resync bool) error {
	vr := &csiaddons.VolumeReplication{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: v.PVC.Namespace,
			Name:      v.PVC.Name,
			Labels:    map[string]string{mark.ManagedBy: mark.Agent},
		},
		Spec: csiaddons.VolumeReplicationSpec{
			VolumeReplicationClass: class,
			ReplicationState:       state,
			AutoResync:             resync,
			DataSource:             corev1.TypedLocalObjectReference{Kind: "PersistentVolumeClaim", Name: v.PVC.Name},
		},
	}
	if err := b.Client.Create(ctx, vr); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating VolumeReplication %s: %w", v.Key(), err)
	}
	return nil
}

// Refresh implements replication.Backend.
func (b *Backend) Refresh(ctx context.Context, claim types.NamespacedName) error {
	vr, err := b.get(ctx, claim)
	if vr == nil || err != nil {
		return err
	}
	return Look(ctx, b.Client, vr)
}

// Either changes the generation where the other is the case, and nothing else.
var (
	withoutHandle = []byte(`{"spec":{"replicationHandle":null}}`)
	withNoHandle  = []byte(`{"spec":{"replicationHandle":""}}`)
)

// Look has csi-addons look at a VolumeReplication now, also at one that is being deleted. By itself it looks after 15 s, 30 s or half
// the sync interval, and where it has failed for long only after a quarter of an hour. It writes the field back as an empty
// string when it gets as far as asking the storage.
func Look(ctx context.Context, c client.Client, vr *csiaddons.VolumeReplication) error {
	for _, patch := range [][]byte{withoutHandle, withNoHandle} {
		looked := vr.DeepCopy()
		if err := c.Patch(ctx, looked, client.RawPatch(types.MergePatchType, patch)); err != nil {
			return client.IgnoreNotFound(err)
		}
		if looked.Generation != vr.Generation {
			return nil
		}
	}
	return nil
}

// Remove implements replication.Backend. Deleting a VolumeReplication disables replication of the volume.
func (b *Backend) Remove(ctx context.Context, claim types.NamespacedName) (bool, error) {
	vr, err := b.get(ctx, claim)
	if err != nil {
		return false, err
	}
	if vr == nil || vr.Labels[mark.ManagedBy] != mark.Agent {
		return true, nil
	}
	if !vr.DeletionTimestamp.IsZero() {
		return false, nil
	}
	if err := b.Client.Delete(ctx, vr, client.Preconditions{UID: &vr.UID}); err != nil && !apierrors.IsNotFound(err) {
		return false, fmt.Errorf("deleting VolumeReplication %s: %w", claim, err)
	}
	return false, nil
}

func (b *Backend) get(ctx context.Context, claim types.NamespacedName) (*csiaddons.VolumeReplication, error) {
	vr := &csiaddons.VolumeReplication{}
	err := b.Reader.Get(ctx, claim, vr)
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading VolumeReplication %s: %w", claim, err)
	}
	return vr, nil
}
