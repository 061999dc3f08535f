// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/util/dryrun"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/validation"
)

// NamespaceLock keeps replicas of the server from creating placements in one namespace at the same time. What it returns is a
// context that ends before anybody else can take the lock, and what lets go of it.
type NamespaceLock interface {
	Lock(ctx context.Context, namespace string) (context.Context, func(), error)
}

// ShareNamespaces has creations excluded by the lock from those of other replicas. It is called before anything is served.
func (r *REST) ShareNamespaces(lock NamespaceLock) { r.shared = lock }

// Create refuses a placement that may protect volumes which another one of the namespace protects.
func (r *REST) Create(ctx context.Context, obj runtime.Object, createValidation rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	ctx, release, err := r.enter(ctx, dryrun.IsDryRun(options.DryRun))
	if err != nil {
		return nil, err
	}
	defer release()
	created, err := r.Store.Create(ctx, obj, r.alone(createValidation), options)
	if err == nil {
		r.created.note(created)
	}
	return created, err
}

// Update refuses the same where server-side apply creates.
func (r *REST) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo, createValidation rest.ValidateObjectFunc,
	updateValidation rest.ValidateObjectUpdateFunc, forceAllowCreate bool, options *metav1.UpdateOptions,
) (runtime.Object, bool, error) {
	// Most of what is applied is there already.
	obj, created, err := r.Store.Update(ctx, name, objInfo, createValidation, updateValidation, false, options)
	if !forceAllowCreate || !apierrors.IsNotFound(err) {
		return obj, created, err
	}
	ctx, release, err := r.enter(ctx, dryrun.IsDryRun(options.DryRun))
	if err != nil {
		return nil, false, err
	}
	defer release()
	obj, created, err = r.Store.Update(ctx, name, objInfo, r.alone(createValidation), updateValidation, true, options)
	if err == nil && created {
		r.created.note(obj)
	}
	return obj, created, err
}

// enter keeps others from creating a placement in the namespace until it is released. Two that overlap would miss each other
// if both looked for others before either was stored.
func (r *REST) enter(ctx context.Context, dryRun bool) (context.Context, func(), error) {
	namespace := genericapirequest.NamespaceValue(ctx)
	leave := r.creating.lock(namespace)
	if r.shared == nil || dryRun {
		return ctx, leave, nil
	}
	within, release, err := r.shared.Lock(ctx, namespace)
	if err != nil {
		leave()
		return nil, nil, err
	}
	return within, func() {
		release()
		leave()
	}, nil
}

// alone adds to a validation that no other placement's selector may overlap. It runs last, when the selectors are valid.
func (r *REST) alone(next rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return func(ctx context.Context, obj runtime.Object) error {
		if next != nil {
			if err := next(ctx, obj); err != nil {
				return err
			}
		}
		others, err := r.Store.List(ctx, &metainternalversion.ListOptions{ResourceVersion: r.recent()})
		if err != nil {
			return fmt.Errorf("looking for other DRPlacementControls of the namespace: %w", err)
		}
		placement := obj.(*dr.DRPlacementControl)
		if errs := overlaps(placement, others.(*dr.DRPlacementControlList).Items); len(errs) > 0 {
			return apierrors.NewInvalid(dr.Kind("DRPlacementControl"), placement.Name, errs)
		}
		return nil
	}
}

// recent is the resourceVersion of a list that has all placements: where other replicas create some too, none but the newest
// will do.
func (r *REST) recent() string {
	if r.shared != nil {
		return ""
	}
	return r.created.resourceVersion()
}

// newest is the resourceVersion of the placement that this process created last. A list not older than that has all
// placements that it created, and the watch cache can answer it at once. Its zero value is ready for use.
type newest struct{ version atomic.Uint64 }

func (n *newest) note(obj runtime.Object) {
	version, err := storage.APIObjectVersioner{}.ObjectResourceVersion(obj)
	for err == nil {
		known := n.version.Load()
		if version <= known || n.version.CompareAndSwap(known, version) {
			return
		}
	}
}

func (n *newest) resourceVersion() string { return strconv.FormatUint(n.version.Load(), 10) }

func overlaps(placement *dr.DRPlacementControl, others []dr.DRPlacementControl) field.ErrorList {
	var errs field.ErrorList
	for i := range others {
		other := &others[i]
		if other.Name == placement.Name || validation.Disjoint(&placement.Spec.PVCSelector, &other.Spec.PVCSelector) {
			continue
		}
		errs = append(errs, field.Invalid(field.NewPath("spec", "pvcSelector"), metav1.FormatLabelSelector(&placement.Spec.PVCSelector),
			fmt.Sprintf("may select the same PersistentVolumeClaims as DRPlacementControl %s (%s); a volume has one protector: demand different values of the same label in both",
				other.Name, metav1.FormatLabelSelector(&other.Spec.PVCSelector))))
	}
	return errs
}
