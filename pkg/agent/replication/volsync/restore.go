// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
)

// step is the next thing to do to put a claim in place.
type step string

const (
	stepDone       step = "done"
	stepTake       step = "take the claim as it is"
	stepKeep       step = "keep the image"
	stepStop       step = "stop receiving"
	stepDelete     step = "delete the claim"
	stepAwaitGone  step = "wait until the claim is gone"
	stepCreate     step = "create the claim"
	stepNoImage    step = "there is no image"
	stepConflict   step = "the claim is somebody else's"
	awaitGoneFor        = 20 * time.Second
	awaitGoneEvery      = 200 * time.Millisecond
	restoreRounds       = 10
	dataSourceKind      = "VolumeSnapshot"
)

// ErrNoImage means that nothing complete was ever received of a volume.
var ErrNoImage = errors.New("no complete copy was received")

// place is what there is where a claim is to be put.
type place struct {
	claim *corev1.PersistentVolumeClaim
	rd    *volsyncv1alpha1.ReplicationDestination
	// kept is the image kept for this epoch; image is the one to keep if none is.
	kept, image *snapshotv1.VolumeSnapshot
	// left is true once an image was left behind.
	left bool
}

// nextStep says how a claim gets what is to be recovered. A handover left in the claim what its image has: it is taken as
// it is. Otherwise, where something was received into it, nobody knows of what is in it whether that is complete: it is
// made anew of the image.
func nextStep(p place, r replication.Restoration) step {
	epoch := strconv.FormatInt(r.Epoch, 10)
	if c := p.claim; c != nil {
		switch {
		case !c.DeletionTimestamp.IsZero():
			return stepAwaitGone
		case c.Annotations[mark.Owner] != r.Group.String():
			return stepConflict
		case c.Annotations[mark.Restored] == epoch:
			return stepDone
		case p.kept == nil && (r.HandedOver || p.rd == nil):
			return stepTake
		}
	}
	switch {
	case p.kept == nil && p.image == nil:
		return stepNoImage
	case p.kept == nil:
		return stepKeep
	case p.claim == nil:
		return stepCreate
	case p.rd != nil:
		return stepStop
	default:
		return stepDelete
	}
}

// Restore implements replication.Restorer. It may be called again at any time, also half way through.
func (b *Backend) Restore(ctx context.Context, r replication.Restoration) error {
	if !b.Present() {
		return errors.New("VolSync is not installed on this cluster; install it, with the CRDs of snapshots")
	}
	for range restoreRounds {
		p, err := b.survey(ctx, r)
		if err != nil {
			return err
		}
		next := nextStep(p, r)
		if next == stepDone {
			return nil
		}
		if err := b.take(ctx, r, p, next); err != nil {
			return err
		}
	}
	return fmt.Errorf("PersistentVolumeClaim %s/%s is not in place yet", r.Claim.Namespace, r.Claim.Name)
}

// survey looks at what there is, past the cache: what is decided upon it can't be undone.
func (b *Backend) survey(ctx context.Context, r replication.Restoration) (place, error) {
	key := client.ObjectKeyFromObject(r.Claim)
	claim, rd := &corev1.PersistentVolumeClaim{}, &volsyncv1alpha1.ReplicationDestination{}
	var p place
	switch err := b.Live.Get(ctx, key, claim); {
	case err == nil:
		p.claim = claim
	case !apierrors.IsNotFound(err):
		return p, fmt.Errorf("reading PersistentVolumeClaim %s: %w", key, err)
	}
	switch err := b.Live.Get(ctx, key, rd); {
	case err == nil && ours(rd, r.Group.String()):
		p.rd = rd
	case client.IgnoreNotFound(err) != nil:
		return p, fmt.Errorf("reading ReplicationDestination %s: %w", key, err)
	}
	var snapshots snapshotv1.VolumeSnapshotList
	if err := b.Live.List(ctx, &snapshots, client.InNamespace(key.Namespace)); err != nil {
		return p, fmt.Errorf("listing VolumeSnapshots: %w", err)
	}
	f := &Facts{Group: r.Group, Without: r.Without, Snapshots: map[string]*snapshotv1.VolumeSnapshot{}}
	for i := range snapshots.Items {
		f.Snapshots[snapshots.Items[i].Name] = &snapshots.Items[i]
	}
	p.kept, p.image = f.choose(r, p.rd)
	p.left = f.left(r)
	return p, nil
}

// choose is the image that was kept in this epoch, and the one that is the best: the last that was received completely of a
// volume that is sent by itself, that of the last cycle of which all members arrived, or else what the claim held before it
// received anything.
func (f *Facts) choose(r replication.Restoration, rd *volsyncv1alpha1.ReplicationDestination) (kept, image *snapshotv1.VolumeSnapshot) {
	images := f.images(r.Claim.Name)
	for _, s := range images {
		if s.Annotations[annotationEpoch] == strconv.FormatInt(r.Epoch, 10) {
			return s, nil
		}
	}
	if receivedAlone(rd) {
		if image := f.latest(rd); image != nil {
			return nil, image
		}
	}
	if set := f.newestSet(r.Claim.Name); set != nil {
		return nil, set.images[r.Claim.Name]
	}
	for _, s := range images {
		if ready(s) && s.Annotations[annotationCycle] == "" {
			return nil, s
		}
	}
	return nil, nil
}

func (b *Backend) take(ctx context.Context, r replication.Restoration, p place, next step) error {
	name := client.ObjectKeyFromObject(r.Claim)
	switch next {
	case stepTake:
		if err := b.grow(ctx, p.claim, r.Claim); err != nil {
			return err
		}
		return b.mark(ctx, p.claim, r.Epoch)
	case stepKeep:
		return b.update(ctx, keep(r.Group, p.image, r.Claim.Name, strconv.FormatInt(r.Epoch, 10)))
	case stepCreate:
		return b.createClaim(ctx, r, p.kept)
	case stepStop:
		return b.delete(ctx, p.rd)
	case stepDelete:
		return b.deleteClaim(ctx, p.claim)
	case stepAwaitGone:
		return b.awaitGone(ctx, name)
	case stepConflict:
		return replication.Conflict(fmt.Sprintf("PersistentVolumeClaim %s exists and is not a copy of the application's; delete it once nobody needs what it holds", name))
	default:
		return fmt.Errorf("PersistentVolumeClaim %s: %w: VolSync has no image of it here", name, ErrNoImage)
	}
}

// grow asks for as much room for a claim that is there as the captured one had, unless its class does not let claims grow.
func (b *Backend) grow(ctx context.Context, claim, captured *corev1.PersistentVolumeClaim) error {
	wanted := captured.Spec.Resources.Requests[corev1.ResourceStorage]
	if has := claim.Spec.Resources.Requests[corev1.ResourceStorage]; has.Cmp(wanted) >= 0 {
		return nil
	}
	patch := fmt.Appendf(nil, `{"spec":{"resources":{"requests":{"storage":%q}}}}`, wanted.String())
	err := b.Client.Patch(ctx, claim, client.RawPatch(types.MergePatchType, patch))
	if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
		return nil
	}
	return wrap(err, "expanding", claim)
}

// mark says of a claim that is there that it is what is recovered.
func (b *Backend) mark(ctx context.Context, claim *corev1.PersistentVolumeClaim, epoch int64) error {
	patch := fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q,"annotations":{%q:"%d",%q:%q}}}`,
		claim.ResourceVersion, mark.Restored, epoch, mark.VolSync, rolePrimary)
	return wrap(b.Client.Patch(ctx, claim, client.RawPatch(types.MergePatchType, patch)), "taking", claim)
}

// createClaim makes the claim of an image. Its volume may be made when a pod wants it, and not before.
func (b *Backend) createClaim(ctx context.Context, r replication.Restoration, image *snapshotv1.VolumeSnapshot) error {
	claim := claimOf(r, image)
	err := b.Client.Create(ctx, claim)
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return wrap(err, "creating", claim)
}

// claimOf is the captured claim, to be filled from an image.
func claimOf(r replication.Restoration, image *snapshotv1.VolumeSnapshot) *corev1.PersistentVolumeClaim {
	claim := r.Claim.DeepCopy()
	claim.ResourceVersion, claim.UID = "", ""
	if claim.Annotations == nil {
		claim.Annotations = map[string]string{}
	}
	claim.Annotations[mark.Owner], claim.Annotations[mark.VolSync] = r.Group.String(), rolePrimary
	claim.Annotations[mark.Restored] = strconv.FormatInt(r.Epoch, 10)
	delete(claim.Annotations, annotationStream)
	group := snapshotv1.GroupName
	claim.Spec.VolumeName, claim.Spec.DataSource = "", nil
	claim.Spec.DataSourceRef = &corev1.TypedObjectReference{APIGroup: &group, Kind: dataSourceKind, Name: image.Name}
	wanted := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	if image.Status != nil && image.Status.RestoreSize != nil && image.Status.RestoreSize.Cmp(wanted) > 0 {
		if claim.Spec.Resources.Requests == nil {
			claim.Spec.Resources.Requests = corev1.ResourceList{}
		}
		claim.Spec.Resources.Requests[corev1.ResourceStorage] = image.Status.RestoreSize.DeepCopy()
	}
	return claim
}

// deleteClaim makes room for the claim that is made of the image. The volume it leaves, of which the image is, is no longer
// kept from what its storage class does with it.
func (b *Backend) deleteClaim(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if claim.Spec.VolumeName != "" {
		pv := &corev1.PersistentVolume{}
		err := b.Live.Get(ctx, types.NamespacedName{Name: claim.Spec.VolumeName}, pv)
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("reading PersistentVolume %s: %w", claim.Spec.VolumeName, err)
		}
		if policy := pv.Annotations[mark.ReclaimPolicy]; err == nil && policy != "" {
			patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:null}},"spec":{"persistentVolumeReclaimPolicy":%q}}`, mark.ReclaimPolicy, policy)
			if err := b.Client.Patch(ctx, pv, client.RawPatch(types.MergePatchType, patch)); client.IgnoreNotFound(err) != nil {
				return fmt.Errorf("giving PersistentVolume %s its reclaim policy back: %w", pv.Name, err)
			}
		}
	}
	return b.delete(ctx, claim)
}

func (b *Backend) awaitGone(ctx context.Context, name types.NamespacedName) error {
	claim := &corev1.PersistentVolumeClaim{}
	err := wait.PollUntilContextTimeout(ctx, awaitGoneEvery, awaitGoneFor, true, func(ctx context.Context) (bool, error) {
		err := b.Live.Get(ctx, name, claim)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	if err != nil {
		return fmt.Errorf("PersistentVolumeClaim %s is replaced by its last complete copy, but does not go: what its finalizers %q stand for must let go first: %w",
			name, claim.Finalizers, err)
	}
	return nil
}
