// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"cmp"
	"fmt"

	genericvalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

// ValidateDRPlacementControl refuses what can't be protected as written.
func ValidateDRPlacementControl(placement *dr.DRPlacementControl) field.ErrorList {
	errs := genericvalidation.ValidateObjectMeta(&placement.ObjectMeta, true, placementName, field.NewPath("metadata"))
	return append(errs, validatePlacementSpec(&placement.Spec, field.NewPath("spec"))...)
}

// placementName accepts what may be a label's value, since the groups of a placement carry its name as a label, and part
// of their names.
func placementName(name string, prefix bool) []string {
	problems := genericvalidation.NameIsDNSSubdomain(name, prefix)
	if len(name) > validation.LabelValueMaxLength {
		problems = append(problems, fmt.Sprintf("has %d characters; a DRPlacementControl's name has at most %d, since it is put into a label",
			len(name), validation.LabelValueMaxLength))
	}
	return problems
}

func validatePlacementSpec(spec *dr.DRPlacementControlSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if spec.FailoverCluster != "" && spec.FailoverCluster == spec.PreferredCluster {
		errs = append(errs, field.Invalid(path.Child("failoverCluster"), spec.FailoverCluster,
			"is the preferredCluster too; name the policy's other cluster, or leave it out"))
	}
	if spec.ReplicationState == dr.Secondary {
		errs = append(errs, field.Invalid(path.Child("replicationState"), spec.ReplicationState,
			"the role of each cluster follows from the actions; leave it out"))
	}
	errs = append(errs, validateSelector(&spec.PVCSelector, path.Child("pvcSelector"))...)
	if spec.VolSyncSpec != nil {
		errs = append(errs, validateMovers(spec.VolSyncSpec.MoverConfig, path.Child("volSyncSpec", "moverConfig"))...)
	}
	return append(errs, validateKubeObjectProtection(spec.KubeObjectProtection, path.Child("kubeObjectProtection"))...)
}

// validateMovers wants one entry for each claim, and one for all others.
func validateMovers(movers []dr.VolSyncMoverConfig, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, m := range movers {
		if seen[m.PVCName] {
			errs = append(errs, field.Duplicate(path.Index(i).Child("pvcName"), m.PVCName))
		}
		seen[m.PVCName] = true
	}
	return errs
}

// ValidateDRPlacementControlUpdate refuses to make of it what can't be protected.
func ValidateDRPlacementControlUpdate(placement *dr.DRPlacementControl) field.ErrorList {
	return validatePlacementSpec(&placement.Spec, field.NewPath("spec"))
}

// ValidateDRPlacementControlStatusUpdate refuses a status that would turn time back.
func ValidateDRPlacementControlStatusUpdate(placement, old *dr.DRPlacementControl) field.ErrorList {
	return epochNotBelow(placement.Status.Epoch, old.Status.Epoch, field.NewPath("status", "epoch"))
}

// DRPlacementControlWarnings says what a writer of the spec may not have meant.
func DRPlacementControlWarnings(placement *dr.DRPlacementControl) []string {
	var warnings []string
	if selector := placement.Spec.PVCSelector; len(selector.MatchLabels)+len(selector.MatchExpressions) == 0 {
		warnings = append(warnings, "spec.pvcSelector: empty, so every PersistentVolumeClaim of the namespace is protected")
	}
	if placement.Spec.DRPolicyRef.Namespace != "" {
		warnings = append(warnings, "spec.drPolicyRef.namespace: ignored, DRPolicies are cluster-scoped")
	}
	if placement.Spec.ReplicationState != "" {
		warnings = append(warnings, "spec.replicationState: ignored, the role of each cluster follows from the actions")
	}
	if ref := placement.Spec.PlacementRef; ref != nil {
		warnings = append(warnings, fmt.Sprintf("spec.placementRef: ignored, no %s is changed; where the application runs follows from the actions, "+
			"which restore its objects on the target: do not let %[1]s %s place them too", cmp.Or(ref.Kind, "Placement"), ref.Name))
	}
	return warnings
}
