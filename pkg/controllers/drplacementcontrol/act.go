// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// act carries a decision out. The status is written before any group, for it is the commit point of what the groups are
// told; every write is refused by the server if what the decision rests on has changed since. It may stop after any
// write: the next decision finds what is left to do.
func (r *Reconciler) act(ctx context.Context, placement *v1alpha1.DRPlacementControl, d Decision) error {
	placement = placement.DeepCopy()
	if err := r.confirmFence(ctx, d.RestsOnFenceOf); err != nil {
		return err
	}
	if d.AddFinalizer {
		controllerutil.AddFinalizer(placement, Finalizer)
		if err := r.Client.Update(ctx, placement); err != nil {
			return fmt.Errorf("adding the finalizer: %w", err)
		}
		finalizerAdded.Hit(placement.Namespace)
	}
	if d.StatusChanged && !d.RemoveFinalizer {
		statusWrite.Hit(placement.Namespace)
		placement.Status = *d.Status.DeepCopy()
		if err := r.Client.Status().Update(ctx, placement); err != nil {
			return fmt.Errorf("writing status: %w", err)
		}
		statusWritten.Hit(placement.Namespace)
		r.written.at(client.ObjectKeyFromObject(placement), r.Clock.Now())
	}
	if err := r.actOnGroups(ctx, d); err != nil {
		return err
	}
	if d.RemoveFinalizer {
		controllerutil.RemoveFinalizer(placement, Finalizer)
		if err := r.Client.Update(ctx, placement); err != nil {
			return fmt.Errorf("removing the finalizer: %w", err)
		}
		finalizerRemoved.Hit(placement.Namespace)
	}
	return nil
}

func (r *Reconciler) actOnGroups(ctx context.Context, d Decision) error {
	for _, group := range d.Update {
		if err := r.Client.Update(ctx, group); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("updating VolumeReplicationGroup %s: %w", group.Name, err)
		}
		groupUpdated.Hit(group.Namespace)
	}
	for _, group := range d.Create {
		if err := r.Client.Create(ctx, group.DeepCopy()); err != nil {
			return fmt.Errorf("creating VolumeReplicationGroup %s: %w", group.Name, err)
		}
		groupCreated.Hit(group.Namespace)
	}
	for _, group := range d.Delete {
		preconditions := client.Preconditions{UID: ptr.To(group.UID)}
		if err := r.Client.Delete(ctx, group.DeepCopy(), preconditions); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting VolumeReplicationGroup %s: %w", group.Name, err)
		}
		groupDeleted.Hit(group.Namespace)
	}
	for _, group := range d.Release {
		if err := r.Client.Update(ctx, group); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("releasing VolumeReplicationGroup %s: %w", group.Name, err)
		}
		groupReleased.Hit(group.Namespace)
	}
	return nil
}

// confirmFence refuses a decision that rests on a fence that was lifted meanwhile. Who lifts it says so in the DRCluster
// first and then looks for actions that rest on it, so that one of the two sees the other.
func (r *Reconciler) confirmFence(ctx context.Context, name string) error {
	if name == "" {
		return nil
	}
	cluster := &v1alpha1.DRCluster{}
	if err := r.Live.Get(ctx, types.NamespacedName{Name: name}, cluster); err != nil {
		return fmt.Errorf("making sure that DRCluster %s is fenced: %w", name, err)
	}
	if !action.FenceOf(cluster).Fenced {
		return apierrors.NewConflict(v1alpha1.Resource("drclusters"), name, errors.New("it is not fenced any more"))
	}
	return nil
}

// outdated tells whether an error means that the decision rests on something that has changed since.
func outdated(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err)
}

// writes remembers when each placement's status was last written. Nothing depends on it but how often that is done.
type writes struct{ times sync.Map }

func (w *writes) at(key types.NamespacedName, now time.Time) { w.times.Store(key, now) }

func (w *writes) forget(key types.NamespacedName) { w.times.Delete(key) }

func (w *writes) of(key types.NamespacedName) time.Time {
	at, _ := w.times.Load(key)
	t, _ := at.(time.Time)
	return t
}
