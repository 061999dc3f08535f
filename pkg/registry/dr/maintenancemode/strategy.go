// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package maintenancemode keeps MaintenanceModes.
package maintenancemode

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

// strategy decides what a writer of MaintenanceModes may do to all but status.
type strategy struct {
	base.Strategy
}

func newStrategy(scheme *runtime.Scheme) strategy {
	return strategy{Strategy: base.NewStrategy(scheme, false)}
}

// GetResetFields says that status is not written here.
func (strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return base.ResetFields([]any{"status"})
}

// PrepareForCreate begins with no status.
func (strategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	mode := obj.(*dr.MaintenanceMode)
	mode.Status = dr.MaintenanceModeStatus{}
	mode.Generation = 1
}

// PrepareForUpdate keeps status as it was and counts changes of spec.
func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	mode, before := obj.(*dr.MaintenanceMode), old.(*dr.MaintenanceMode)
	mode.Status = before.Status
	base.BumpGeneration(&mode.ObjectMeta, before.ObjectMeta, mode.Spec, before.Spec)
}

// Validate refuses what can't work.
func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateMaintenanceMode(obj.(*dr.MaintenanceMode))
}

// ValidateUpdate refuses nothing: what can't change, the tags on the types say.
func (strategy) ValidateUpdate(context.Context, runtime.Object, runtime.Object) field.ErrorList {
	return nil
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
	mode, before := obj.(*dr.MaintenanceMode), old.(*dr.MaintenanceMode)
	mode.Spec = before.Spec
	metav1.ResetObjectMetaForStatus(&mode.ObjectMeta, &before.ObjectMeta)
}

// ValidateUpdate refuses nothing: what is found is what is found.
func (statusStrategy) ValidateUpdate(context.Context, runtime.Object, runtime.Object) field.ErrorList {
	return nil
}

// AllowUnconditionalUpdate is false: a status is written over the one it was derived from or not at all.
func (statusStrategy) AllowUnconditionalUpdate(context.Context) bool { return false }
