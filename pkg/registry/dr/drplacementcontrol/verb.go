// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/operation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	storeerr "k8s.io/apiserver/pkg/storage/errors"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/validation"
)

// verb is what the subresources have in common that take and return a DRAction and change the placement in one guarded
// update, as pods/binding and pods/eviction change a pod.
type verb struct {
	placements *registry.Store
	records    Records
	now        func() time.Time
}

// New returns the empty DRAction that a request's body is read into.
func (verb) New() runtime.Object { return &dr.DRAction{} }

// Destroy does nothing: the placement's own storage cleans up.
func (verb) Destroy() {}

// GroupVersionKind says that the subresource speaks of DRActions.
func (verb) GroupVersionKind(schema.GroupVersion) schema.GroupVersionKind {
	return v1alpha1.SchemeGroupVersion.WithKind("DRAction")
}

// PreserveRequestObjectMetaSystemFieldsOnSubresourceCreate keeps the UID of a request's body, a precondition.
func (verb) PreserveRequestObjectMetaSystemFieldsOnSubresourceCreate() bool { return true }

// admit returns the request's DRAction once admission and validation have let it pass.
func admit(ctx context.Context, name string, obj runtime.Object, createValidation rest.ValidateObjectFunc, actionType dr.ActionType) (*dr.DRAction, error) {
	requested, ok := obj.(*dr.DRAction)
	if !ok {
		return nil, apierrors.NewBadRequest("the body is no DRAction")
	}
	errs, err := validate(ctx, requested, actionType, name)
	if err != nil {
		return nil, err
	}
	if len(errs) > 0 {
		return nil, apierrors.NewInvalid(dr.Kind("DRAction"), requested.Name, errs)
	}
	if createValidation != nil {
		if err := createValidation(ctx, requested.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	return requested, nil
}

// validate says what is wrong with the request whatever the state of the application.
func validate(ctx context.Context, requested *dr.DRAction, actionType dr.ActionType, placement string) (field.ErrorList, error) {
	versioned := &v1alpha1.DRAction{}
	if err := v1alpha1.Convert_dr_DRAction_To_v1alpha1_DRAction(requested, versioned, nil); err != nil {
		return nil, err
	}
	declared := v1alpha1.Validate_DRActionSpec(ctx, operation.Operation{Type: operation.Create}, field.NewPath("spec"), &versioned.Spec, nil)
	return append(validation.ValidateDRActionRequest(requested, actionType, placement), validation.WithRemedies("DRAction", versioned, declared)...), nil
}

// update changes the placement in one guarded update. The change may be called several times, each time with the newest
// placement; what it returns an error for is not stored. The body's UID and resourceVersion, if any, have to be the
// placement's.
func (v verb) update(ctx context.Context, name string, body metav1.ObjectMeta, dryRun bool,
	change func(*v1alpha1.DRPlacementControl) error,
) error {
	key, err := v.placements.KeyFunc(ctx, name)
	if err != nil {
		return err
	}
	tryUpdate := storage.SimpleUpdate(func(obj runtime.Object) (runtime.Object, error) {
		placement := &v1alpha1.DRPlacementControl{}
		// The conversion shares memory, and what is stored must not change under the storage's feet.
		current := obj.(*dr.DRPlacementControl).DeepCopy()
		if err := v1alpha1.Convert_dr_DRPlacementControl_To_v1alpha1_DRPlacementControl(current, placement, nil); err != nil {
			return nil, err
		}
		if err := change(placement); err != nil {
			return nil, err
		}
		actionAccept.Hit(placement.Namespace)
		updated := &dr.DRPlacementControl{}
		return updated, v1alpha1.Convert_v1alpha1_DRPlacementControl_To_dr_DRPlacementControl(placement, updated, nil)
	})
	err = v.placements.Storage.GuaranteedUpdate(ctx, key, &dr.DRPlacementControl{}, false, preconditions(body), tryUpdate, dryRun, nil)
	return storeerr.InterpretUpdateError(err, dr.Resource("drplacementcontrols"), name)
}

func preconditions(body metav1.ObjectMeta) *storage.Preconditions {
	conditions := &storage.Preconditions{}
	if body.UID != "" {
		conditions.UID = new(types.UID)
		*conditions.UID = body.UID
	}
	if body.ResourceVersion != "" {
		conditions.ResourceVersion = &body.ResourceVersion
	}
	return conditions
}

func userName(ctx context.Context) string {
	if user, ok := genericapirequest.UserFrom(ctx); ok {
		return user.GetName()
	}
	return ""
}
