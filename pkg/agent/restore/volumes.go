// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package restore puts captured volumes and objects in place. It destroys nothing but what the application had here and gave up
// elsewhere: what exists and is not the application's own is left as it is and named.
package restore

import (
	"context"
	"errors"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/parallel"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// ErrConflict means that something exists that a restore may not replace.
var ErrConflict = errors.New("conflict")

func conflictf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrConflict, fmt.Sprintf(format, args...))
}

// Restorer restores on one cluster.
type Restorer struct {
	// Client writes, and reads volumes and namespaces; a cache may do the reading.
	Client client.Client
	// Live reads what a cache may not have yet.
	Live client.Reader
	// Dynamic writes the application's objects.
	Dynamic dynamic.Interface
	// Exists tells of objects that are known to be there, so that creating them need not be tried. It may be nil.
	Exists func(resource schema.GroupVersionResource, namespace, name string) bool
	// Served returns a resource in the version to ask for it, if it is one that captures have. It may be nil.
	Served func(resource schema.GroupResource) (schema.GroupVersionResource, bool)
	// AwaitBound, if set, returns when the cluster's volume controller has found that a PersistentVolume is bound to the
	// claim of that UID.
	AwaitBound func(ctx context.Context, volume string, claim types.UID) error
}

// Volumes creates the namespace, PersistentVolumes and PersistentVolumeClaims for owner, all volumes at once, and binds them
// to each other. The cluster's volume controller, which looks at one claim after the other, has but to agree; the caller
// waits for that. Volumes that are in place stay as they are.
func (r *Restorer) Volumes(ctx context.Context, owner types.NamespacedName, volumes []archive.Volume, namespace *archive.Object) error {
	if err := r.namespace(ctx, owner.Namespace, namespace); err != nil {
		return err
	}
	steps := make([]func() error, 0, len(volumes))
	for i := range volumes {
		v := &volumes[i]
		steps = append(steps, func() error { return OfClaim(v.PVC.Name, r.volumeAndClaim(ctx, owner, v)) })
	}
	return parallel.Run(steps)
}

// volumeAndClaim creates the claim, then the volume that names it by its UID, and then tells that they are bound. Told
// sooner, the controller would take the claim for one that has lost its volume.
func (r *Restorer) volumeAndClaim(ctx context.Context, owner types.NamespacedName, v *archive.Volume) error {
	if err := checkVolume(owner, v); err != nil {
		return err
	}
	claim, err := r.claim(ctx, owner, v)
	if err != nil {
		return err
	}
	claimRestored.Hit(owner.Namespace)
	if err := r.volume(ctx, v, claim.UID); err != nil {
		return err
	}
	volumeRestored.Hit(owner.Namespace)
	if claim.Status.Phase == corev1.ClaimBound {
		return nil
	}
	if r.AwaitBound != nil {
		if err := r.AwaitBound(ctx, v.PV.Name, claim.UID); err != nil {
			return err
		}
	}
	err = r.Client.Patch(ctx, claim.DeepCopy(), client.RawPatch(types.MergePatchType, bindCompleted))
	return wrap(err, "binding PersistentVolumeClaim %s/%s", claim.Namespace, claim.Name)
}

// bindCompleted is what the volume controller notes on a claim that is bound.
var bindCompleted = []byte(`{"metadata":{"annotations":{"pv.kubernetes.io/bind-completed":"yes"}}}`)

func (r *Restorer) namespace(ctx context.Context, name string, captured *archive.Object) error {
	var existing corev1.Namespace
	err := r.Client.Get(ctx, client.ObjectKey{Name: name}, &existing)
	if err == nil && existing.DeletionTimestamp.IsZero() {
		return r.completeNamespace(ctx, &existing, captured)
	}
	if err == nil {
		return conflictf("Namespace %s is being deleted; wait until it is gone", name)
	}
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading Namespace %s: %w", name, err)
	}
	created := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if captured != nil {
		created.Labels, created.Annotations = captured.Object.GetLabels(), captured.Object.GetAnnotations()
	}
	if err := r.Client.Create(ctx, created); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating Namespace %s: %w", name, err)
	}
	return nil
}

// completeNamespace gives a namespace that an agent made to receive volumes in what the application's own had.
func (r *Restorer) completeNamespace(ctx context.Context, existing *corev1.Namespace, captured *archive.Object) error {
	if existing.Labels[mark.ManagedBy] != mark.Agent || captured == nil {
		return nil
	}
	completed := existing.DeepCopy()
	delete(completed.Labels, mark.ManagedBy)
	for key, value := range captured.Object.GetLabels() {
		completed.Labels[key] = value
	}
	for key, value := range captured.Object.GetAnnotations() {
		completed.Annotations = with(completed.Annotations, key, value)
	}
	err := r.Client.Patch(ctx, completed, client.MergeFrom(existing.DeepCopy()))
	return wrap(err, "completing Namespace %s", existing.Name)
}

func (r *Restorer) volume(ctx context.Context, v *archive.Volume, claim types.UID) error {
	pv := v.PV.DeepCopy()
	pv.Spec.ClaimRef.UID = claim
	if pv.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
		pv.Annotations = with(pv.Annotations, mark.ReclaimPolicy, string(pv.Spec.PersistentVolumeReclaimPolicy))
		pv.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimRetain
	}
	if err := r.ownSecrets(ctx, pv, client.ObjectKeyFromObject(&v.PVC)); err != nil {
		return err
	}
	existing := &corev1.PersistentVolume{}
	if err := r.create(ctx, pv, existing); err != nil {
		return wrap(err, "creating PersistentVolume %s", pv.Name)
	}
	if existing.Name == "" {
		return nil
	}
	return r.reuse(ctx, existing, v, claim)
}

// create creates an object unless it is there; existing is then what there is.
func (r *Restorer) create(ctx context.Context, object, existing client.Object) error {
	key := client.ObjectKeyFromObject(object)
	if r.Client.Get(ctx, key, existing) == nil {
		return nil
	}
	err := r.Client.Create(ctx, object)
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	return r.Live.Get(ctx, key, existing)
}

// reuse takes a volume that is there: the same bytes for the same claim. One that belonged to a former claim of that name
// is given to the restored one.
func (r *Restorer) reuse(ctx context.Context, existing *corev1.PersistentVolume, v *archive.Volume, claim types.UID) error {
	if existing.Spec.CSI == nil || v.PV.Spec.CSI == nil || existing.Spec.CSI.VolumeHandle != v.PV.Spec.CSI.VolumeHandle {
		return conflictf("PersistentVolume %s exists and is another volume; delete it", existing.Name)
	}
	ref := existing.Spec.ClaimRef
	switch {
	case ref == nil || ref.Namespace != v.PVC.Namespace || ref.Name != v.PVC.Name:
		return conflictf("PersistentVolume %s exists and belongs to another claim; release it", existing.Name)
	}
	if err := r.growVolume(ctx, existing, &v.PV); err != nil || ref.UID == claim {
		return err
	}
	patch := fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q},"spec":{"claimRef":{"uid":%q,"resourceVersion":null}}}`, existing.ResourceVersion, claim)
	err := r.Client.Patch(ctx, existing.DeepCopy(), client.RawPatch(types.MergePatchType, patch))
	return wrap(err, "giving PersistentVolume %s to its restored claim", existing.Name)
}

// claim returns the claim as it was created, or as it was there.
func (r *Restorer) claim(ctx context.Context, owner types.NamespacedName, v *archive.Volume) (*corev1.PersistentVolumeClaim, error) {
	pvc := v.PVC.DeepCopy()
	pvc.Annotations = with(pvc.Annotations, mark.Owner, owner.String())
	pvc.Spec.VolumeName = v.PV.Name
	existing := &corev1.PersistentVolumeClaim{}
	if err := r.create(ctx, pvc, existing); err != nil {
		return nil, wrap(err, "creating PersistentVolumeClaim %s/%s", pvc.Namespace, pvc.Name)
	}
	if existing.Name == "" {
		return pvc, nil
	}
	holder := existing.Annotations[mark.Owner]
	switch {
	case existing.Spec.VolumeName != v.PV.Name:
		return nil, conflictf("PersistentVolumeClaim %s/%s exists and has another volume than the captured one (%q, not %q); delete it once nobody needs what it holds",
			pvc.Namespace, pvc.Name, existing.Spec.VolumeName, v.PV.Name)
	case !existing.DeletionTimestamp.IsZero():
		return nil, conflictf("PersistentVolumeClaim %s/%s is being deleted; what holds it must let go first", pvc.Namespace, pvc.Name)
	case holder != "" && holder != owner.String():
		return nil, conflictf("PersistentVolumeClaim %s/%s is protected by VolumeReplicationGroup %s", pvc.Namespace, pvc.Name, holder)
	}
	if err := r.note(ctx, owner, existing, pvc.Annotations[mark.Method]); err != nil {
		return nil, err
	}
	return existing, r.growClaim(ctx, existing, pvc)
}

// note has a claim that was there say how it is replicated as the captured one did: what a claim got stays.
func (r *Restorer) note(ctx context.Context, owner types.NamespacedName, claim *corev1.PersistentVolumeClaim, method string) error {
	if method == "" || claim.Annotations[mark.Method] == method {
		return nil
	}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q,%q:%q}}}`, mark.Owner, owner.String(), mark.Method, method)
	return wrap(r.Client.Patch(ctx, claim.DeepCopy(), client.RawPatch(types.MergePatchType, patch)),
		"noting how PersistentVolumeClaim %s/%s is replicated", claim.Namespace, claim.Name)
}

func with(annotations map[string]string, key, value string) map[string]string {
	annotations = maps.Clone(annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[key] = value
	return annotations
}

func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
