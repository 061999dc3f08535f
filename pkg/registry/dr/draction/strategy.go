// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package draction keeps DRActions.
package draction

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/validation"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

// strategy decides what a writer of DRActions may do to all but status.
type strategy struct {
	base.Strategy
}

func newStrategy(scheme *runtime.Scheme) strategy {
	return strategy{Strategy: base.NewStrategy(scheme, true)}
}

// GetResetFields says that status is not written here.
func (strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return base.ResetFields([]any{"status"})
}

// PrepareForCreate keeps status: a record is written with what it records, and only the server writes records.
func (strategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	obj.(*dr.DRAction).Generation = 1
}

// PrepareForUpdate keeps status as it was and counts changes of spec.
func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	action, before := obj.(*dr.DRAction), old.(*dr.DRAction)
	action.Status = before.Status
	base.BumpGeneration(&action.ObjectMeta, before.ObjectMeta, action.Spec, before.Spec)
}

// Validate refuses what can't work.
func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateDRAction(obj.(*dr.DRAction))
}

// ValidateUpdate refuses changes of what can't change.
func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateDRActionUpdate(obj.(*dr.DRAction), old.(*dr.DRAction))
}

// statusStrategy decides what a writer of status may do.
type statusStrategy struct {
	strategy
}

// GetResetFields says that spec is not written here.
func (statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return base.ResetFields([]any{"spec"})
}

// PrepareForUpdate keeps all but status as it was.
func (statusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	action, before := obj.(*dr.DRAction), old.(*dr.DRAction)
	action.Spec = before.Spec
	metav1.ResetObjectMetaForStatus(&action.ObjectMeta, &before.ObjectMeta)
}

// ValidateUpdate refuses to rewrite history.
func (statusStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateDRActionStatusUpdate(obj.(*dr.DRAction), old.(*dr.DRAction))
}

// AllowUnconditionalUpdate is false: a status is written over the one it was derived from or not at all.
func (statusStrategy) AllowUnconditionalUpdate(context.Context) bool { return false }
