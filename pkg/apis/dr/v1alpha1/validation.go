// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"context"

	"k8s.io/apimachinery/pkg/api/operation"
	"k8s.io/apimachinery/pkg/api/safe"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func init() {
	localSchemeBuilder.Register(addValidationFuncs)
}

// addValidationFuncs has kinds validated by the rules that the tags on their specs express. What the server and agents
// report in a status has none.
func addValidationFuncs(scheme *runtime.Scheme) error {
	validateSpec(scheme, func(o *DRAction) *DRActionSpec { return &o.Spec }, Validate_DRActionSpec)
	validateSpec(scheme, func(o *DRCluster) *DRClusterSpec { return &o.Spec }, Validate_DRClusterSpec)
	validateSpec(scheme, func(o *DRClusterConfig) *DRClusterConfigSpec { return &o.Spec }, Validate_DRClusterConfigSpec)
	validateSpec(scheme, func(o *MaintenanceMode) *MaintenanceModeSpec { return &o.Spec }, Validate_MaintenanceModeSpec)
	validateSpec(scheme, func(o *DRPlacementControl) *DRPlacementControlSpec { return &o.Spec }, Validate_DRPlacementControlSpec)
	validateSpec(scheme, func(o *DRPolicy) *DRPolicySpec { return &o.Spec }, Validate_DRPolicySpec)
	validateSpec(scheme, func(o *VolumeReplicationGroup) *VolumeReplicationGroupSpec { return &o.Spec }, Validate_VolumeReplicationGroupSpec)
	return nil
}

func validateSpec[O, S any](scheme *runtime.Scheme, spec func(*O) *S,
	validate func(context.Context, operation.Operation, *field.Path, *S, *S) field.ErrorList,
) {
	kind := any(new(O)).(runtime.Object)
	scheme.AddValidationFunc(kind, func(ctx context.Context, op operation.Operation, obj, old any) field.ErrorList {
		return validate(ctx, op, field.NewPath("spec"), spec(obj.(*O)), safe.Field(safe.Cast[*O](old), spec))
	})
}
