// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package volumereplicationgroup keeps VolumeReplicationGroups.
package volumereplicationgroup

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/validation"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

// strategy decides what a writer of VolumeReplicationGroups may do to all but status.
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
	group := obj.(*dr.VolumeReplicationGroup)
	group.Status = dr.VolumeReplicationGroupStatus{}
	group.Generation = 1
}

// PrepareForUpdate keeps status as it was and counts changes of what is wanted.
func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	group, before := obj.(*dr.VolumeReplicationGroup), old.(*dr.VolumeReplicationGroup)
	group.Status = before.Status
	base.BumpGeneration(&group.ObjectMeta, before.ObjectMeta, wanted(group.Spec), wanted(before.Spec))
}

// wanted is the spec without what the peer has said, which asks for nothing: a report is of the same command before and after
// that is told, and recovery is not refused meanwhile.
func wanted(spec dr.VolumeReplicationGroupSpec) dr.VolumeReplicationGroupSpec {
	if spec.VolSync == nil || len(spec.VolSync.Arrived) == 0 {
		return spec
	}
	volSync := *spec.VolSync
	volSync.Arrived, spec.VolSync = nil, &volSync
	if equality.Semantic.DeepEqual(volSync, dr.VRGVolSyncSpec{}) {
		spec.VolSync = nil
	}
	return spec
}

// Validate refuses what can't work.
func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateVolumeReplicationGroup(obj.(*dr.VolumeReplicationGroup))
}

// ValidateUpdate refuses changes of what can't change.
func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateVolumeReplicationGroupUpdate(obj.(*dr.VolumeReplicationGroup), old.(*dr.VolumeReplicationGroup))
}

// WarningsOnCreate says what the writer may not have meant.
func (strategy) WarningsOnCreate(_ context.Context, obj runtime.Object) []string {
	return validation.VolumeReplicationGroupWarnings(obj.(*dr.VolumeReplicationGroup))
}

// WarningsOnUpdate says it again when spec changes.
func (s strategy) WarningsOnUpdate(ctx context.Context, obj, old runtime.Object) []string {
	if obj.(*dr.VolumeReplicationGroup).Generation == old.(*dr.VolumeReplicationGroup).Generation {
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

// PrepareForUpdate keeps all but status as it was.
func (statusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	group, before := obj.(*dr.VolumeReplicationGroup), old.(*dr.VolumeReplicationGroup)
	group.Spec = before.Spec
	metav1.ResetObjectMetaForStatus(&group.ObjectMeta, &before.ObjectMeta)
}

// ValidateUpdate refuses nothing: what is found is what is found.
func (statusStrategy) ValidateUpdate(context.Context, runtime.Object, runtime.Object) field.ErrorList {
	return nil
}

// WarningsOnUpdate has none: who writes status did not write spec.
func (statusStrategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

// AllowUnconditionalUpdate is false: a status is written over the one it was derived from or not at all.
func (statusStrategy) AllowUnconditionalUpdate(context.Context) bool { return false }
