// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/agent/workload"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

const (
	// refusalPatience is how long a volume may fail to be recovered before it is said that the failover can go on without it.
	refusalPatience = 30 * time.Second
	// slownessPatience is the same of one of which nothing is known to be wrong.
	slownessPatience = 2 * time.Minute
)

// without are the claims that a failover to here goes on without.
func (f *Facts) without() []string {
	if spec := f.spec(); spec.ReplicationState == v1alpha1.Primary && spec.Action == v1alpha1.VRGActionFailover {
		return spec.LeaveBehind
	}
	return nil
}

// leftHere are the claims that a failover away from here goes on without: what is in them is the application's no more, and
// somebody may want it.
func (f *Facts) leftHere() []string {
	if f.Checkpoint == nil || f.spec().ReplicationState != v1alpha1.Secondary || f.spec().Action != v1alpha1.VRGActionFailover {
		return nil
	}
	return f.spec().LeaveBehind
}

// goesOnWithout tells whether a claim is one of those.
func (f *Facts) goesOnWithout(claim string) bool { return slices.Contains(f.without(), claim) }

// restorable are the captured volumes but for those that the failover goes on without. It is asked where they are used, and not
// where the capture is found: there may be more to go on without by then.
func (f *Facts) restorable(found *archive.Found) []archive.Volume {
	return slices.DeleteFunc(slices.Clone(found.Content.Volumes), func(v archive.Volume) bool { return f.goesOnWithout(v.PVC.Name) })
}

// handlesWithout are what the storage knows the captured volumes by that the failover goes on without.
func (f *Facts) handlesWithout(found *archive.Found) sets.Set[string] {
	handles := sets.New[string]()
	for i := range found.Content.Volumes {
		if v := &found.Content.Volumes[i]; f.goesOnWithout(v.PVC.Name) && v.PV.Spec.CSI != nil {
			handles.Insert(v.PV.Spec.CSI.VolumeHandle)
		}
	}
	return handles
}

// removeLeftBehind deletes what the group has of the claims that the failover goes on without, be it from an earlier stay or
// restored before it was known, but for those that somebody uses. Their volumes are retained, and the images that others would
// be made of.
func (a *Agent) removeLeftBehind(ctx context.Context, f *Facts, found *archive.Found) error {
	for i := range found.Content.Volumes {
		claim := &found.Content.Volumes[i].PVC
		by, byItself := a.backends.For(v1alpha1.ReplicationMethod(claim.Annotations[mark.Method])).(replication.Restorer)
		if !byItself || !f.goesOnWithout(claim.Name) || claim.Namespace != f.Key.Namespace {
			continue
		}
		if err := by.Leave(ctx, f.restoration(claim)); err != nil {
			return err
		}
	}
	var errs []error
	for _, name := range f.without() {
		if err := a.removeClaim(ctx, f.Key, name); err != nil {
			errs = append(errs, fmt.Errorf("deleting PersistentVolumeClaim %s/%s, which is left behind: %w", f.Key.Namespace, name, err))
		}
	}
	return errors.Join(errs...)
}

func (a *Agent) removeClaim(ctx context.Context, group types.NamespacedName, name string) error {
	// It may have been restored a moment ago.
	claim := &corev1.PersistentVolumeClaim{}
	err := a.restorer.Live.Get(ctx, client.ObjectKey{Namespace: group.Namespace, Name: name}, claim)
	if err != nil || claim.Annotations[mark.Owner] != group.String() || !claim.DeletionTimestamp.IsZero() {
		return client.IgnoreNotFound(err)
	}
	users, err := workload.Users(ctx, a.local, group.Namespace, sets.New(name))
	if err != nil || len(users) > 0 {
		return err
	}
	if err := a.retain(ctx, group, claim); err != nil {
		return err
	}
	return a.deleteClaim(ctx, group, claim, "the failover goes on without")
}

// retain has the volume of one of the group's claims kept, should the claim go.
func (a *Agent) retain(ctx context.Context, group types.NamespacedName, claim *corev1.PersistentVolumeClaim) error {
	if claim.Spec.VolumeName == "" {
		return nil
	}
	pv := &corev1.PersistentVolume{}
	if err := a.restorer.Live.Get(ctx, client.ObjectKey{Name: claim.Spec.VolumeName}, pv); err != nil {
		return client.IgnoreNotFound(err)
	}
	if ref := pv.Spec.ClaimRef; ref == nil || ref.UID != claim.UID {
		// It is what is in the claim's way.
		return nil
	}
	v := &Volume{
		Volume: replication.Volume{PVC: claim, PV: pv}, Owner: group.String(),
		Method: v1alpha1.ReplicationMethod(claim.Annotations[mark.Method]),
	}
	return a.claim(ctx, group, v)
}

// toldMore tells whether the restore has not been told yet of all that it is to go on without.
func (d *decider) toldMore() bool {
	return !sets.New(d.Restore.Without...).Equal(sets.New(d.without()...))
}

// leaving tells whether a claim is on its way out that the failover goes on without.
func (d *decider) leaving(v *Volume) bool { return v.going() && d.goesOnWithout(v.PVC.Name) }

// missingRows are those of captured volumes of which there is no claim here yet.
func (d *decider) missingRows() {
	if d.Checkpoint.Settled || d.Restore.Found == nil {
		return
	}
	for _, v := range d.restorable(d.Restore.Found) {
		if d.volume(v.PVC.Namespace, v.PVC.Name) != nil {
			continue
		}
		wanted := status.False("Restoring", fmt.Sprintf("PersistentVolumeClaim %s/%s is not restored yet", v.PVC.Namespace, v.PVC.Name))
		method := v1alpha1.ReplicationMethod(v.PVC.Annotations[mark.Method])
		d.report.Volumes = append(d.report.Volumes, status.Volume{
			Namespace: v.PVC.Namespace, Name: v.PVC.Name, StorageClassName: ptr.Deref(v.PVC.Spec.StorageClassName, ""),
			Capacity: replication.Volume{PVC: &v.PVC}.Capacity(), AccessModes: v.PVC.Spec.AccessModes, VolumeMode: v.PVC.Spec.VolumeMode,
			Method: method, Ready: wanted, Protected: wanted,
		})
	}
}

// overdue tells of a volume that is being promoted whether that takes so long that somebody may want to go on without it.
func (d *decider) overdue(v *Volume) bool {
	if d.Checkpoint.Settled || d.Restore.Since.IsZero() || v.primary(false) {
		return false
	}
	patience := slownessPatience
	if v.Problem != nil || v.Awaited != "" || v.State != nil && v.State.Message != "" {
		patience = refusalPatience
	}
	return d.due(d.Restore.Since.Add(patience))
}

// holdingUp are the volumes whose promotion is overdue. Where some are not even replicated yet, the others of their group may
// be waiting for those.
func (d *decider) holdingUp() []string {
	var late, outside []string
	for _, wanted := range d.restorable(d.Restore.Found) {
		v := d.volume(wanted.PVC.Namespace, wanted.PVC.Name)
		if v == nil || !d.overdue(v) {
			continue
		}
		late = append(late, v.PVC.Name)
		if v.State == nil {
			outside = append(outside, v.PVC.Name)
		}
	}
	if len(outside) > 0 {
		return outside
	}
	return late
}

// orWithoutIt says of a volume that holds the failover up how to go on without it; empty if it does not.
func (d *decider) orWithoutIt(v *Volume) string {
	if !d.overdue(v) {
		return ""
	}
	holding := d.holdingUp()
	if !slices.Contains(holding, v.PVC.Name) || d.all(holding) {
		return ""
	}
	return d.orWithout(v.PVC.Name)
}

// all tells whether that is all that the application has of several volumes: then something else is wrong.
func (d *decider) all(claims []string) bool {
	return len(claims) > 1 && len(claims) >= len(d.restorable(d.Restore.Found))
}

// orWithout says how to go on without claims that hold a failover up, for a message.
func (d *decider) orWithout(claims ...string) string {
	if d.spec.Action != v1alpha1.VRGActionFailover || d.Checkpoint.Settled || d.Restore.Found == nil || len(claims) == 0 || d.all(claims) {
		return ""
	}
	names := strings.Join(claims, ",")
	if !d.Checkpoint.PeersRequired {
		return fmt.Sprintf(". The failover can go on without what is in there: add %s to spec.leaveBehind", names)
	}
	return fmt.Sprintf(". The failover can go on without what is in there: kubectl drpc failover %s -n %s --leave-behind=%s",
		d.Checkpoint.CaptureName, d.Key.Namespace, names)
}
