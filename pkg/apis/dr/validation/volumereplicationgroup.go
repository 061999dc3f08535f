// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	genericvalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

// ValidateVolumeReplicationGroup refuses selectors and intervals that can't be read.
func ValidateVolumeReplicationGroup(group *dr.VolumeReplicationGroup) field.ErrorList {
	errs := genericvalidation.ValidateObjectMeta(&group.ObjectMeta, true, genericvalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, validateGroupSpec(&group.Spec, field.NewPath("spec"))...)
}

func validateGroupSpec(spec *dr.VolumeReplicationGroupSpec, path *field.Path) field.ErrorList {
	errs := validateSelector(&spec.PVCSelector, path.Child("pvcSelector"))
	if spec.Async != nil {
		async := path.Child("async")
		if spec.Async.SchedulingInterval != "" {
			errs = append(errs, validateSchedulingInterval(spec.Async.SchedulingInterval, async.Child("schedulingInterval"))...)
		}
		errs = append(errs, validateSelector(spec.Async.ReplicationClassSelector, async.Child("replicationClassSelector"))...)
		errs = append(errs, validateSelector(spec.Async.VolumeSnapshotClassSelector, async.Child("volumeSnapshotClassSelector"))...)
		errs = append(errs, validateSelector(spec.Async.VolumeGroupSnapshotClassSelector, async.Child("volumeGroupSnapshotClassSelector"))...)
		if spec.Sync != nil {
			errs = append(errs, field.Forbidden(path.Child("sync"), "volumes are replicated at intervals (spec.async) or synchronously (spec.sync); leave one of them out"))
		}
	}
	return append(errs, validateKubeObjectProtection(spec.KubeObjectProtection, path.Child("kubeObjectProtection"))...)
}

// ValidateVolumeReplicationGroupUpdate refuses to turn the epoch back.
func ValidateVolumeReplicationGroupUpdate(group, old *dr.VolumeReplicationGroup) field.ErrorList {
	path := field.NewPath("spec")
	errs := validateGroupSpec(&group.Spec, path)
	return append(errs, epochNotBelow(group.Spec.Epoch, old.Spec.Epoch, path.Child("epoch"))...)
}

// VolumeReplicationGroupWarnings says what a writer of the spec may not have meant.
func VolumeReplicationGroupWarnings(group *dr.VolumeReplicationGroup) []string {
	var warnings []string
	if selector := group.Spec.PVCSelector; len(selector.MatchLabels)+len(selector.MatchExpressions) == 0 {
		warnings = append(warnings, "spec.pvcSelector: empty, so every PersistentVolumeClaim of the namespace is protected")
	}
	if group.Spec.ReplicationState == dr.Primary && group.Spec.Action == dr.VRGActionRelocate && group.Spec.HandoverToken == nil {
		warnings = append(warnings, "spec.action: Relocate contradicts the missing spec.handoverToken: the agent waits for the one "+
			"that the application's former cluster issues; leave spec.action out if the application already is on this cluster")
	}
	return warnings
}
