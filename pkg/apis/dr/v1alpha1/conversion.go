// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
)

// Field selectors besides metadata.name and metadata.namespace, by kind.
const (
	// FieldClusterName selects VolumeReplicationGroups and MaintenanceModes by their cluster.
	FieldClusterName = "spec.clusterName"
	// FieldDRPolicyName selects DRPlacementControls by their policy.
	FieldDRPolicyName = "spec.drPolicyRef.name"
	// FieldPhase selects DRPlacementControls by their phase.
	FieldPhase = "status.phase"
	// FieldDRPlacementControl selects DRActions by what they act on.
	FieldDRPlacementControl = "spec.drPlacementControl"
)

var selectableFields = map[string][]string{
	"DRPlacementControl":     {FieldDRPolicyName, FieldPhase},
	"VolumeReplicationGroup": {FieldClusterName},
	"DRAction":               {FieldDRPlacementControl},
	"MaintenanceMode":        {FieldClusterName},
}

func init() {
	localSchemeBuilder.Register(addFieldLabelConversionFuncs)
}

func addFieldLabelConversionFuncs(scheme *runtime.Scheme) error {
	for kind, fields := range selectableFields {
		if err := scheme.AddFieldLabelConversionFunc(SchemeGroupVersion.WithKind(kind), fieldLabelConversion(kind, fields)); err != nil {
			return err
		}
	}
	return nil
}

func fieldLabelConversion(kind string, fields []string) runtime.FieldLabelConversionFunc {
	supported := map[string]bool{"metadata.name": true, "metadata.namespace": true}
	for _, field := range fields {
		supported[field] = true
	}
	return func(label, value string) (string, string, error) {
		if !supported[label] {
			return "", "", fmt.Errorf("field label %q is not supported for %s: use metadata.name, metadata.namespace or %v", label, kind, fields)
		}
		return label, value, nil
	}
}
