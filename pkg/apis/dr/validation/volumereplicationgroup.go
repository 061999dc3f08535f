// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"slices"

	genericvalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

var groupActions = []dr.VRGAction{dr.VRGActionFailover, dr.VRGActionRelocate, dr.VRGActionAbort}

// ValidateVolumeReplicationGroup refuses groups that no agent could act on.
func ValidateVolumeReplicationGroup(group *dr.VolumeReplicationGroup) field.ErrorList {
	errs := genericvalidation.ValidateObjectMeta(&group.ObjectMeta, true, genericvalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, validateGroupSpec(&group.Spec, field.NewPath("spec"))...)
}

func validateGroupSpec(spec *dr.VolumeReplicationGroupSpec, path *field.Path) field.ErrorList {
	errs := requireClusterName(spec.ClusterName, path.Child("clusterName"))
	errs = append(errs, validateSelector(&spec.PVCSelector, path.Child("pvcSelector"))...)
	if spec.ReplicationState != dr.Primary && spec.ReplicationState != dr.Secondary {
		errs = append(errs, field.NotSupported(path.Child("replicationState"), spec.ReplicationState,
			[]dr.ReplicationState{dr.Primary, dr.Secondary}))
	}
	if spec.Action != "" && !slices.Contains(groupActions, spec.Action) {
		errs = append(errs, field.NotSupported(path.Child("action"), spec.Action, groupActions))
	}
	if spec.Epoch < 0 {
		errs = append(errs, field.Invalid(path.Child("epoch"), spec.Epoch, "epochs are counted from 0"))
	}
	errs = append(errs, validateProfiles(spec.S3Profiles, path.Child("s3Profiles"))...)
	if spec.Async != nil {
		async := path.Child("async")
		errs = append(errs, validateSchedulingInterval(spec.Async.SchedulingInterval, async.Child("schedulingInterval"))...)
		errs = append(errs, validateSelector(spec.Async.ReplicationClassSelector, async.Child("replicationClassSelector"))...)
		errs = append(errs, validateSelector(spec.Async.VolumeSnapshotClassSelector, async.Child("volumeSnapshotClassSelector"))...)
	}
	return append(errs, validateKubeObjectProtection(spec.KubeObjectProtection, path.Child("kubeObjectProtection"))...)
}

func validateProfiles(profiles []string, path *field.Path) field.ErrorList {
	if len(profiles) == 0 {
		return field.ErrorList{field.Required(path, "name at least one s3ProfileName of the servers' configuration")}
	}
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, profile := range profiles {
		switch {
		case profile == "":
			errs = append(errs, field.Required(path.Index(i), "name an s3ProfileName of the servers' configuration"))
		case seen[profile]:
			errs = append(errs, field.Duplicate(path.Index(i), profile))
		}
		seen[profile] = true
	}
	return errs
}

// ValidateVolumeReplicationGroupUpdate refuses to give a group to another cluster or to turn its epoch back.
func ValidateVolumeReplicationGroupUpdate(group, old *dr.VolumeReplicationGroup) field.ErrorList {
	path := field.NewPath("spec")
	errs := validateGroupSpec(&group.Spec, path)
	if old.Spec.ClusterName != "" {
		errs = append(errs, immutable(group.Spec.ClusterName, old.Spec.ClusterName, path.Child("clusterName"),
			"another cluster's copy needs a VolumeReplicationGroup of its own")...)
	}
	return append(errs, epochNotBelow(group.Spec.Epoch, old.Spec.Epoch, path.Child("epoch"))...)
}
