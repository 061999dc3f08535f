// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"context"
	"fmt"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/parallel"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Apply carries a plan out: what is deleted first, then all else at once. What the cache has not shown yet may be asked for
// again; that is then refused, and nothing is lost.
func (b *Backend) Apply(ctx context.Context, group types.NamespacedName, plan Plan) error {
	if plan.Key || len(plan.Create) > 0 {
		if err := b.ensureNamespace(ctx, group.Namespace); err != nil {
			return err
		}
	}
	if plan.Key {
		if err := b.ensureKey(ctx, group); err != nil {
			return err
		}
	}
	if err := b.ensureCycleKeys(ctx, group, plan); err != nil {
		return err
	}
	var steps []func() error
	for _, object := range plan.Delete {
		steps = append(steps, func() error { return b.delete(ctx, object) })
	}
	if err := parallel.Run(steps); err != nil {
		return err
	}
	steps = nil
	for _, c := range plan.Label {
		steps = append(steps, func() error { return b.label(ctx, group.Namespace, c) })
	}
	for _, c := range plan.Unname {
		steps = append(steps, func() error { return b.unname(ctx, group.Namespace, c) })
	}
	for _, s := range plan.Snapshot {
		steps = append(steps, func() error { return b.snapshot(ctx, group, s) })
	}
	for _, s := range plan.Streams {
		steps = append(steps, func() error { return b.stream(ctx, group, s) })
	}
	for _, object := range plan.Create {
		steps = append(steps, func() error { return b.create(ctx, object) })
	}
	for _, object := range plan.Update {
		steps = append(steps, func() error { return b.update(ctx, object) })
	}
	for _, d := range plan.Expand {
		steps = append(steps, func() error { return b.expand(ctx, group, d) })
	}
	for _, rd := range plan.Export {
		steps = append(steps, func() error { return b.export(ctx, rd) })
	}
	if err := parallel.Run(steps); err != nil {
		return err
	}
	if plan.DropKey {
		return b.dropKey(ctx, group)
	}
	return nil
}

// ensureNamespace makes the application's namespace where it has never run. It is marked, so that what the application's own
// has besides is added should it be restored here.
func (b *Backend) ensureNamespace(ctx context.Context, name string) error {
	err := b.Reader.Get(ctx, client.ObjectKey{Name: name}, &corev1.Namespace{})
	if !apierrors.IsNotFound(err) {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{mark.ManagedBy: mark.Agent}}}
	if err := b.Client.Create(ctx, namespace); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating Namespace %s, to receive volumes in: %w", name, err)
	}
	return nil
}

func (b *Backend) create(ctx context.Context, object client.Object) error {
	err := b.Client.Create(ctx, object)
	if !apierrors.IsAlreadyExists(err) {
		return wrap(err, "creating", object)
	}
	existing := object.DeepCopyObject().(client.Object)
	if err := b.Live.Get(ctx, client.ObjectKeyFromObject(object), existing); err != nil {
		return client.IgnoreNotFound(err)
	}
	if left := object.GetAnnotations()[annotationLeft]; left != "" && left == existing.GetAnnotations()[annotationLeft] {
		return nil
	}
	return inTheWay(existing, object.GetAnnotations()[mark.Owner])
}

// inTheWay says so of an object that was not made here for the group.
func inTheWay(object client.Object, group string) error {
	if ours(object, group) {
		return nil
	}
	return fmt.Errorf("%s %s/%s exists and was not made by this agent for VolumeReplicationGroup %s; delete it, so that the volume can be protected",
		replication.Kind(object), object.GetNamespace(), object.GetName(), group)
}

func (b *Backend) update(ctx context.Context, object client.Object) error {
	if rs, ok := object.(*volsyncv1alpha1.ReplicationSource); ok && begins(rs) {
		if clean, err := b.cleaned(ctx, rs); err != nil || !clean {
			return err
		}
	}
	err := b.Client.Update(ctx, object)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		// What has changed meanwhile comes as an event, and is planned upon.
		return nil
	}
	return wrap(err, "updating", object)
}

// cleaned tells, past the cache, what Facts.cleaned does: what is sent may be the last of what was written. That the cache is behind
// shows in an event.
func (b *Backend) cleaned(ctx context.Context, rs *volsyncv1alpha1.ReplicationSource) (bool, error) {
	if rs.Spec.RsyncTLS.CopyMethod == volsyncv1alpha1.CopyMethodDirect {
		return true, nil
	}
	claim := &corev1.PersistentVolumeClaim{}
	err := b.Live.Get(ctx, client.ObjectKey{Namespace: rs.Namespace, Name: sentFrom(rs.Name)}, claim)
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading PersistentVolumeClaim %s/%s: %w", rs.Namespace, sentFrom(rs.Name), err)
	}
	return claim.Labels[labelCreatedBy] != createdByVolSync, nil
}

func wrap(err error, what string, object client.Object) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s %s/%s: %w", what, replication.Kind(object), object.GetNamespace(), object.GetName(), err)
}

// expand asks for as much room as the primary's volume has.
func (b *Backend) expand(ctx context.Context, group types.NamespacedName, d v1alpha1.VolSyncDestination) error {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: group.Namespace, Name: d.Name}}
	patch := fmt.Appendf(nil, `{"spec":{"resources":{"requests":{"storage":%q}}}}`, d.Capacity.String())
	err := b.Client.Patch(ctx, claim, client.RawPatch(types.MergePatchType, patch))
	return wrap(client.IgnoreNotFound(err), "expanding", claim)
}

// unname has VolSync name the next image of a claim anew.
func (b *Backend) unname(ctx context.Context, namespace string, c *Claim) error {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: c.Name}}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:null}}}`, annotationImage)
	err := b.Client.Patch(ctx, claim, client.RawPatch(types.MergePatchType, patch))
	return wrap(client.IgnoreNotFound(err), "taking the name of an image off", claim)
}
