// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"k8s.io/apimachinery/pkg/api/meta"
	genericvalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

const maxReasonLength = 1024

// ValidateDRActionRequest refuses requests that make no sense whatever the state of the application. The verb is the
// type of action that the subresource stands for, empty for an abort.
func ValidateDRActionRequest(action *dr.DRAction, verb dr.ActionType, placement string) field.ErrorList {
	path := field.NewPath("spec")
	var errs field.ErrorList
	if action.Name != "" {
		errs = append(errs, validateSubdomain(action.Name, field.NewPath("metadata", "name"), "a DRAction")...)
	}
	if given := action.Spec.Type; given != "" && verb != "" && given != verb {
		errs = append(errs, field.Invalid(path.Child("type"), given, "POST it to the subresource of that action, or leave it out"))
	}
	if given := action.Spec.DRPlacementControl; given != "" && given != placement {
		errs = append(errs, field.Invalid(path.Child("drPlacementControl"), given, "POST it to that DRPlacementControl, or leave it out"))
	}
	if action.Spec.TargetCluster != "" {
		errs = append(errs, validateClusterName(action.Spec.TargetCluster, path.Child("targetCluster"))...)
	}
	for i, ack := range action.Spec.Acknowledgements {
		if ack != dr.AckSourceMayStillWrite {
			errs = append(errs, field.NotSupported(path.Child("acknowledgements").Index(i), ack,
				[]dr.Acknowledgement{dr.AckSourceMayStillWrite}))
		}
	}
	return append(errs, validateReason(action.Spec.Reason, path.Child("reason"))...)
}

func validateReason(reason string, path *field.Path) field.ErrorList {
	if len(reason) > maxReasonLength {
		return field.ErrorList{field.TooLong(path, "", maxReasonLength)}
	}
	return nil
}

// ValidateDRAction refuses records that do not say what they record.
func ValidateDRAction(action *dr.DRAction) field.ErrorList {
	path := field.NewPath("spec")
	errs := genericvalidation.ValidateObjectMeta(&action.ObjectMeta, true, genericvalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	if action.Spec.Type != dr.ActionFailover && action.Spec.Type != dr.ActionRelocate {
		errs = append(errs, field.NotSupported(path.Child("type"), action.Spec.Type,
			[]dr.ActionType{dr.ActionFailover, dr.ActionRelocate}))
	}
	if action.Spec.DRPlacementControl == "" {
		errs = append(errs, field.Required(path.Child("drPlacementControl"),
			"DRActions are records; POST to the failover or relocate subresource of a DRPlacementControl to begin an action"))
	}
	errs = append(errs, requireClusterName(action.Spec.TargetCluster, path.Child("targetCluster"))...)
	if action.Spec.Epoch < 1 {
		errs = append(errs, field.Invalid(path.Child("epoch"), action.Spec.Epoch, "an action begins an epoch; the server counts them from 1"))
	}
	return append(errs, validateReason(action.Spec.Reason, path.Child("reason"))...)
}

// ValidateDRActionUpdate refuses any change of what was asked for.
func ValidateDRActionUpdate(action, old *dr.DRAction) field.ErrorList {
	if acknowledgedFurther(action.Spec, old.Spec) && !complete(old) {
		return nil
	}
	return immutable(action.Spec, old.Spec, field.NewPath("spec"), "a DRAction records what was asked for; ask anew for something else")
}

// acknowledgedFurther tells whether nothing but further acknowledgements was added, as a repeated request does.
func acknowledgedFurther(spec, old dr.DRActionSpec) bool {
	before := len(old.Acknowledgements)
	if len(spec.Acknowledgements) <= before || !apiequality.Semantic.DeepEqual(spec.Acknowledgements[:before:before], old.Acknowledgements) {
		return false
	}
	spec.Acknowledgements = old.Acknowledgements
	return apiequality.Semantic.DeepEqual(spec, old)
}

// ValidateDRActionStatusUpdate refuses changes of an ended action but for the time the application was protected again.
func ValidateDRActionStatusUpdate(action, old *dr.DRAction) field.ErrorList {
	if !complete(old) {
		return nil
	}
	status, before := action.Status, old.Status
	if before.ProtectedTime == nil {
		status.ProtectedTime = nil
	}
	if apiequality.Semantic.DeepEqual(status, before) {
		return nil
	}
	return field.ErrorList{field.Forbidden(field.NewPath("status"),
		"the action has ended; of its record only protectedTime may still be filled in, once")}
}

func complete(action *dr.DRAction) bool {
	return meta.IsStatusConditionTrue(action.Status.Conditions, dr.ConditionComplete)
}
