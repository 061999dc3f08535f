// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"slices"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	genericvalidation "k8s.io/apimachinery/pkg/api/validation"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

// ValidateDRActionRequest refuses requests that contradict the address they were sent to. The verb is the type of action
// that the subresource stands for, empty for an abort.
func ValidateDRActionRequest(action *dr.DRAction, verb dr.ActionType, placement string) field.ErrorList {
	path := field.NewPath("spec")
	var errs field.ErrorList
	if action.Name != "" {
		for _, problem := range utilvalidation.IsDNS1123Subdomain(action.Name) {
			errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), action.Name, "is no name of a DRAction: "+problem))
		}
	}
	if given := action.Spec.Type; given != "" && verb != "" && given != verb {
		errs = append(errs, field.Invalid(path.Child("type"), given, "POST it to the subresource of that action, or leave it out"))
	}
	if given := action.Spec.DRPlacementControl; given != "" && given != placement {
		errs = append(errs, field.Invalid(path.Child("drPlacementControl"), given, "POST it to that DRPlacementControl, or leave it out"))
	}
	if len(action.Spec.LeaveBehind) > 0 && verb == dr.ActionRelocate {
		errs = append(errs, field.Forbidden(path.Child("leaveBehind"), "a relocate loses nothing, and so leaves nothing behind; leave it out, or fail over"))
	}
	return errs
}

// ValidateDRAction refuses records that do not say what they record.
func ValidateDRAction(action *dr.DRAction) field.ErrorList {
	path := field.NewPath("spec")
	errs := genericvalidation.ValidateObjectMeta(&action.ObjectMeta, true, genericvalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	if action.Spec.Type == "" {
		errs = append(errs, field.Required(path.Child("type"), "DRActions are records, which name what was done"))
	}
	if action.Spec.DRPlacementControl == "" {
		errs = append(errs, field.Required(path.Child("drPlacementControl"),
			"DRActions are records; POST to the failover or relocate subresource of a DRPlacementControl to begin an action"))
	}
	if action.Spec.TargetCluster == "" {
		errs = append(errs, field.Required(path.Child("targetCluster"), "DRActions are records, which name where the application was moved to"))
	}
	if action.Spec.Epoch == 0 {
		errs = append(errs, field.Required(path.Child("epoch"), "an action begins an epoch; the server counts them from 1"))
	}
	return errs
}

// ValidateDRActionUpdate refuses any change of what was asked for.
func ValidateDRActionUpdate(action, old *dr.DRAction) field.ErrorList {
	if addedTo(action.Spec, old.Spec) && !complete(old) {
		return nil
	}
	if apiequality.Semantic.DeepEqual(action.Spec, old.Spec) {
		return nil
	}
	return field.ErrorList{field.Forbidden(field.NewPath("spec"), "a DRAction records what was asked for and can't be changed; ask anew for something else")}
}

// addedTo tells whether nothing but further acknowledgements and claims to leave behind were added, as a repeated request does.
func addedTo(spec, old dr.DRActionSpec) bool {
	if !beginsWith(spec.Acknowledgements, old.Acknowledgements) || !beginsWith(spec.LeaveBehind, old.LeaveBehind) {
		return false
	}
	spec.Acknowledgements, spec.LeaveBehind = old.Acknowledgements, old.LeaveBehind
	return apiequality.Semantic.DeepEqual(spec, old)
}

func beginsWith[T comparable](list, with []T) bool {
	return len(list) >= len(with) && slices.Equal(list[:len(with)], with)
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
