// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package drplacementcontrol keeps DRPlacementControls.
package drplacementcontrol

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

// strategy decides what a writer of DRPlacementControls may do to all but status.
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

// PrepareForCreate begins with no status.
func (strategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	placement := obj.(*dr.DRPlacementControl)
	placement.Status = dr.DRPlacementControlStatus{}
	placement.Generation = 1
}

// PrepareForUpdate keeps status as it was and counts changes of spec.
func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	placement, before := obj.(*dr.DRPlacementControl), old.(*dr.DRPlacementControl)
	placement.Status = before.Status
	base.BumpGeneration(&placement.ObjectMeta, before.ObjectMeta, placement.Spec, before.Spec)
}

// Validate refuses what can't work.
func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateDRPlacementControl(obj.(*dr.DRPlacementControl))
}

// ValidateUpdate refuses what can't work. What can't change, the tags on the types say.
func (strategy) ValidateUpdate(_ context.Context, obj, _ runtime.Object) field.ErrorList {
	return validation.ValidateDRPlacementControlUpdate(obj.(*dr.DRPlacementControl))
}

// WarningsOnCreate says what the writer may not have meant.
func (strategy) WarningsOnCreate(_ context.Context, obj runtime.Object) []string {
	return validation.DRPlacementControlWarnings(obj.(*dr.DRPlacementControl))
}

// WarningsOnUpdate says it again when spec changes.
func (s strategy) WarningsOnUpdate(ctx context.Context, obj, old runtime.Object) []string {
	if obj.(*dr.DRPlacementControl).Generation == old.(*dr.DRPlacementControl).Generation {
		return nil
	}
	return s.WarningsOnCreate(ctx, obj)
}

// statusStrategy decides what a writer of status may do.
type statusStrategy struct {
	strategy
}

// GetResetFields says that spec is not written here.
func (statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return base.ResetFields([]any{"spec"})
}

// PrepareForUpdate keeps all but status as it was, and does not store what is computed when read.
func (statusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	placement, before := obj.(*dr.DRPlacementControl), old.(*dr.DRPlacementControl)
	placement.Spec = before.Spec
	metav1.ResetObjectMetaForStatus(&placement.ObjectMeta, &before.ObjectMeta)
	forgetComputed(placement)
}

// ValidateUpdate refuses to turn back the epoch.
func (statusStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateDRPlacementControlStatusUpdate(obj.(*dr.DRPlacementControl), old.(*dr.DRPlacementControl))
}

// WarningsOnUpdate has none: who writes status did not write spec.
func (statusStrategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

// AllowUnconditionalUpdate is false: a status is written over the one it was derived from or not at all.
func (statusStrategy) AllowUnconditionalUpdate(context.Context) bool { return false }
