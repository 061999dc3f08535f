// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/agent/workload"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// superseded are the group's claims of an earlier stay here that the application no longer had when it was captured: it has
// none of the name, or made it anew with another volume. They would come back to life with it, with nothing to replicate
// them, or stand in the way of the new ones. Only such as have volumes that outlive them are. Captured has the name of each
// captured claim's volume, empty where what replicates it has another one here. What a cluster's own capture, which nobody has
// taken another after, does not have is newer than that, and the application's.
func (f *Facts) superseded(captured map[types.NamespacedName]string, takenHere bool) []*Volume {
	var out []*Volume
	for i := range f.Volumes {
		v := &f.Volumes[i]
		if !f.own(v) || !v.Selected || !v.Claimed || v.going() {
			continue
		}
		if volume, has := captured[v.Key()]; !has && !takenHere || volume != "" && volume != v.PV.Name {
			out = append(out, v)
		}
	}
	return out
}

// removeSuperseded deletes the claims that are superseded, but for those that somebody uses. Their volumes are retained, with what is in them.
func (a *Agent) removeSuperseded(ctx context.Context, f *Facts, captured map[types.NamespacedName]string, takenHere bool) error {
	var errs []error
	for _, v := range f.superseded(captured, takenHere) {
		users, err := workload.Users(ctx, a.local, f.Key.Namespace, sets.New(v.PVC.Name))
		if err != nil {
			return err
		}
		if len(users) > 0 {
			continue
		}
		if err := a.deleteClaim(ctx, f.Key, v.PVC, "the application no longer has"); err != nil {
			errs = append(errs, fmt.Errorf("deleting PersistentVolumeClaim %s, which the application no longer has: %w", v.Key(), err))
		}
	}
	return errors.Join(errs...)
}

// deleteClaim deletes a claim, whose volume is retained, unless it is gone, or another has its name by now.
func (a *Agent) deleteClaim(ctx context.Context, group types.NamespacedName, claim *corev1.PersistentVolumeClaim, which string) error {
	err := a.local.Delete(ctx, claim.DeepCopy(), client.Preconditions{UID: ptr.To(claim.UID)})
	if err == nil {
		klog.FromContext(ctx).Info("Deleted a claim that "+which+"; its volume is retained",
			"volumeReplicationGroup", group, "persistentVolumeClaim", klog.KObj(claim), "persistentVolume", claim.Spec.VolumeName)
	}
	if apierrors.IsConflict(err) {
		return nil
	}
	return client.IgnoreNotFound(err)
}

// giveUpSuperseded ends the replication of claims that are being deleted, so that they can go.
func (d *decider) giveUpSuperseded() {
	d.giveUp(func(v *Volume) bool { return !d.madeAnew(v) })
}

// giveUpDeleted ends the replication of claims that somebody deletes where the application was failed away from, before they
// are secondary: the new primary has nothing for them any more. A copy is kept although its claim is deleted, unless it is known
// that the application has no such claim.
func (d *decider) giveUpDeleted() {
	d.giveUp(func(v *Volume) bool {
		return v.State != nil && !v.secondary() && !d.sentByVolSync(v) && d.supersededBy(v) == nil
	})
}

// supersededBy is what the hub says of a volume from when this cluster was primary that the application, where it runs now, no
// longer has; nil if nothing, or that it has come to have that very volume again.
func (d *decider) supersededBy(v *Volume) *v1alpha1.SupersededVolume {
	if by := d.toldOf(v); by != nil && by.NewVolumeHandle != v.Handle() {
		return by
	}
	return nil
}

// returned tells whether the application has a volume again that the hub had said it no longer has.
func (d *decider) returned(v *Volume) bool {
	by := d.toldOf(v)
	return by != nil && by.NewVolumeHandle == v.Handle()
}

// toldOf is what the hub says of a volume that the application did not have at some time since this cluster was primary. While
// this cluster hands over it is the one that says what the application has.
func (d *decider) toldOf(v *Volume) *v1alpha1.SupersededVolume {
	handsOver := d.spec.Action == v1alpha1.VRGActionRelocate && (d.Checkpoint == nil || d.Checkpoint.Token == nil)
	if d.spec.ReplicationState != v1alpha1.Secondary || d.spec.Action == "" || handsOver || !d.own(v) || v.Handle() == "" {
		return nil
	}
	i := slices.IndexFunc(d.spec.Superseded, func(s v1alpha1.SupersededVolume) bool {
		return s.Name == v.PVC.Name && s.VolumeHandle == v.Handle()
	})
	if i < 0 {
		return nil
	}
	return &d.spec.Superseded[i]
}

// endSuperseded ends the replication of volumes that the application no longer has, but for those that are in sync and hold nothing
// up. Claims and volumes stay: they may be the last to hold what somebody wants. Claims that somebody deletes may go.
func (d *decider) endSuperseded() {
	d.giveUp(func(v *Volume) bool { return d.supersededBy(v) != nil })
	for i := range d.Volumes {
		v := &d.Volumes[i]
		if d.supersededBy(v) != nil && !v.going() && !(v.secondary() && v.State.InSync) {
			d.out.End = append(d.out.End, v)
		}
	}
}

// followReturned has volumes replicated from the new primary again whose replication was ended while the application did not have
// them. That it has them again the hub has to say: that it says nothing of one may be because it was restored from an older state.
func (d *decider) followReturned() {
	for i := range d.Volumes {
		if v := &d.Volumes[i]; d.awaitsReturn(v) && v.Problem == nil {
			d.out.Demote, d.out.How = append(d.out.Demote, v), replication.Resync
		}
	}
}

// awaitsReturn tells whether a volume that the application has again is not replicated here.
func (d *decider) awaitsReturn(v *Volume) bool { return d.returned(v) && v.State == nil && !v.going() }

// returnedProtected is the row of such a volume.
func (d *decider) returnedProtected(v *Volume) status.Condition {
	message := d.waitingFor(v, fmt.Sprintf("was not replicated while the application did not have it, and is to be resynced from %s again",
		cmp.Or(replication.PeerCluster(v.Volume), "the primary")))
	if v.Problem != nil {
		message += ": " + v.Problem.Message
	}
	return status.False("Resyncing", message)
}

// supersededReady is the row of a volume that the application no longer has.
func (d *decider) supersededReady(v *Volume, by *v1alpha1.SupersededVolume) status.Condition {
	where, has := cmp.Or(replication.PeerCluster(v.Volume), "the other cluster"), "no such claim"
	if by.NewVolumeHandle != "" {
		has = fmt.Sprintf("another volume (%s) under that name", by.NewVolumeHandle)
	}
	message := fmt.Sprintf("PersistentVolumeClaim %s: the application has %s on %s, where it runs; the claim on %s is kept until the application comes back, "+
		"and PersistentVolume %s beyond that; if nobody needs what it holds, the claim can be deleted now (on %s: kubectl delete pvc -n %s %s)",
		v.Key(), has, where, d.Cluster, v.PV.Name, d.Cluster, v.PVC.Namespace, v.PVC.Name)
	if v.State != nil && v.State.Ending && v.State.Message != "" {
		message += "; its replication has not ended yet: " + v.State.Message
	}
	return status.True(v1alpha1.ReasonSuperseded, message)
}

// giveUp ends the replication of those of the group's claims that are being deleted and may go.
func (d *decider) giveUp(may func(*Volume) bool) {
	for i := range d.Volumes {
		if v := &d.Volumes[i]; d.own(v) && v.going() && may(v) {
			d.out.Release = append(d.out.Release, v)
		}
	}
}

// madeAnew tells whether a claim goes only to be made of the last complete image, which would go with its replication. Where the
// failover goes on without it, so would the image, until that is nobody's.
func (d *decider) madeAnew(v *Volume) bool {
	found := d.Restore.Found
	left := d.goesOnWithout(v.PVC.Name) && slices.Contains(d.Restore.Behind, v.PVC.Name)
	return d.sentByVolSync(v) && !left && (found == nil || slices.ContainsFunc(found.Content.Volumes, func(c archive.Volume) bool {
		return client.ObjectKeyFromObject(&c.PVC) == v.Key()
	}))
}

// ceded tells whether a volume is a copy that is on its way out: it says nothing of the application.
func (v *Volume) ceded() bool {
	return v.going() && v.State != nil && v.State.Wanted == replication.Secondary
}
