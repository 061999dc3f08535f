// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/workload"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// superseded are the group's claims of an earlier stay here that the application no longer had when it was captured: it has
// none of the name, or made it anew with another volume. They would come back to life with it, with nothing to replicate
// them, or stand in the way of the new ones. Only such as have volumes that outlive them are. Captured has the name of each
// captured claim's volume, empty where what replicates it has another one here.
func (f *Facts) superseded(captured map[types.NamespacedName]string) []*Volume {
	var out []*Volume
	for i := range f.Volumes {
		v := &f.Volumes[i]
		if !f.own(v) || !v.Selected || !v.Claimed || v.going() {
			continue
		}
		if volume, has := captured[v.Key()]; !has || volume != "" && volume != v.PV.Name {
			out = append(out, v)
		}
	}
	return out
}

// removeSuperseded deletes the claims that are superseded, but for those that somebody uses. Their volumes are retained, with what is in them.
func (a *Agent) removeSuperseded(ctx context.Context, f *Facts, captured map[types.NamespacedName]string) error {
	var errs []error
	for _, v := range f.superseded(captured) {
		users, err := workload.Users(ctx, a.local, f.Key.Namespace, sets.New(v.PVC.Name))
		if err != nil {
			return err
		}
		if len(users) > 0 {
			continue
		}
		err = a.local.Delete(ctx, v.PVC.DeepCopy(), client.Preconditions{UID: ptr.To(v.PVC.UID)})
		switch {
		case err == nil:
			klog.FromContext(ctx).Info("Deleted a claim that the application no longer has; its volume is retained",
				"volumeReplicationGroup", f.Key, "persistentVolumeClaim", v.Key(), "persistentVolume", v.PV.Name)
		case !apierrors.IsNotFound(err) && !apierrors.IsConflict(err):
			errs = append(errs, fmt.Errorf("deleting PersistentVolumeClaim %s, which the application no longer has: %w", v.Key(), err))
		}
	}
	return errors.Join(errs...)
}

// giveUpSuperseded ends the replication of claims that are being deleted, so that they can go.
func (d *decider) giveUpSuperseded() {
	d.giveUp(func(v *Volume) bool { return !d.madeAnew(v) })
}

// giveUpDeleted ends the replication of claims that somebody deletes where the application was failed away from, before they
// are secondary: the new primary has nothing for them any more. A copy is kept although its claim is deleted.
func (d *decider) giveUpDeleted() {
	d.giveUp(func(v *Volume) bool { return v.State != nil && !v.secondary() && !d.sentByVolSync(v) })
}

// giveUp ends the replication of those of the group's claims that are being deleted and may go.
func (d *decider) giveUp(may func(*Volume) bool) {
	for i := range d.Volumes {
		if v := &d.Volumes[i]; d.own(v) && v.going() && may(v) {
			d.out.Release = append(d.out.Release, v)
		}
	}
}

// madeAnew tells whether a claim goes only to be made of the last complete image, which would go with its replication.
func (d *decider) madeAnew(v *Volume) bool {
	found := d.Restore.Found
	return d.sentByVolSync(v) && (found == nil || slices.ContainsFunc(found.Content.Volumes, func(c archive.Volume) bool {
		return client.ObjectKeyFromObject(&c.PVC) == v.Key()
	}))
}

// ceded tells whether a volume is a copy that is on its way out: it says nothing of the application.
func (v *Volume) ceded() bool {
	return v.going() && v.State != nil && v.State.Wanted == replication.Secondary
}
