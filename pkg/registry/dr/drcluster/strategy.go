// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package drcluster keeps DRClusters.
package drcluster

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

// strategy decides what a writer of DRClusters may do to all but status.
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
	cluster := obj.(*dr.DRCluster)
	cluster.Status = dr.DRClusterStatus{}
	cluster.Generation = 1
}

// PrepareForUpdate keeps status as it was and counts changes of spec.
func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	cluster, before := obj.(*dr.DRCluster), old.(*dr.DRCluster)
	cluster.Status = before.Status
	base.BumpGeneration(&cluster.ObjectMeta, before.ObjectMeta, cluster.Spec, before.Spec)
}

// Validate refuses what can't work.
func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateDRCluster(obj.(*dr.DRCluster))
}

// ValidateUpdate refuses what can't work. What can't change, the tags on the types say.
func (strategy) ValidateUpdate(_ context.Context, obj, _ runtime.Object) field.ErrorList {
	return validation.ValidateDRClusterUpdate(obj.(*dr.DRCluster))
}

// statusStrategy decides what a writer of status may do.
type statusStrategy struct {
	strategy
}

// GetResetFields says that spec is not written here, and what is computed when read nowhere.
func (statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return base.ResetFields([]any{"spec"}, []any{"status", "heartbeatAge"})
}

// PrepareForUpdate keeps all but status as it was, and does not store what is computed when read.
func (statusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	cluster, before := obj.(*dr.DRCluster), old.(*dr.DRCluster)
	cluster.Spec = before.Spec
	metav1.ResetObjectMetaForStatus(&cluster.ObjectMeta, &before.ObjectMeta)
	cluster.Status.HeartbeatAge = nil
}

// ValidateUpdate refuses nothing: what is found is what is found.
func (statusStrategy) ValidateUpdate(context.Context, runtime.Object, runtime.Object) field.ErrorList {
	return nil
}

// AllowUnconditionalUpdate is false: a status is written over the one it was derived from or not at all.
func (statusStrategy) AllowUnconditionalUpdate(context.Context) bool { return false }
