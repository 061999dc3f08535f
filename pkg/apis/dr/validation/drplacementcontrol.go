// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
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
	policy := path.Child("drPolicyRef", "name")
	if spec.DRPolicyRef.Name == "" {
		errs = append(errs, field.Required(policy, "name a DRPolicy; `kubectl get drpolicies` lists them"))
	} else {
		errs = append(errs, validateSubdomain(spec.DRPolicyRef.Name, policy, "a DRPolicy")...)
	}
	errs = append(errs, requireClusterName(spec.PreferredCluster, path.Child("preferredCluster"))...)
	if spec.FailoverCluster != "" {
		errs = append(errs, validateClusterName(spec.FailoverCluster, path.Child("failoverCluster"))...)
		if spec.FailoverCluster == spec.PreferredCluster {
			errs = append(errs, field.Invalid(path.Child("failoverCluster"), spec.FailoverCluster,
				"is the preferredCluster too; name the policy's other cluster, or leave it out"))
		}
	}
	if spec.ReplicationState != "" && spec.ReplicationState != dr.Primary {
		errs = append(errs, field.Invalid(path.Child("replicationState"), spec.ReplicationState,
			"the role of each cluster follows from the actions; leave it out"))
	}
	errs = append(errs, validateSelector(&spec.PVCSelector, path.Child("pvcSelector"))...)
	return append(errs, validateKubeObjectProtection(spec.KubeObjectProtection, path.Child("kubeObjectProtection"))...)
}

// ValidateDRPlacementControlUpdate refuses changes of what the application's protection was built on.
func ValidateDRPlacementControlUpdate(placement, old *dr.DRPlacementControl) field.ErrorList {
	path := field.NewPath("spec")
	const remedy = "delete the DRPlacementControl, which leaves the application alone, and create it anew"
	errs := validatePlacementSpec(&placement.Spec, path)
	errs = append(errs, immutable(placement.Spec.DRPolicyRef.Name, old.Spec.DRPolicyRef.Name, path.Child("drPolicyRef", "name"), remedy)...)
	return append(errs, immutable(placement.Spec.PVCSelector, old.Spec.PVCSelector, path.Child("pvcSelector"), remedy)...)
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
	return warnings
}
