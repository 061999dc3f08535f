// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"strings"

	genericvalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

// ValidateDRPolicy refuses policies whose interval or selectors can't be read, or that name clusters in two ways that
// contradict each other. Nothing in a policy's spec can be changed, so that updates need no more.
func ValidateDRPolicy(policy *dr.DRPolicy) field.ErrorList {
	path := field.NewPath("spec")
	errs := genericvalidation.ValidateObjectMeta(&policy.ObjectMeta, false, genericvalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validateClusterSet(policy.Spec.DRClusterSet, policy.Spec.DRClusters, path.Child("drClusterSet"))...)
	if policy.Spec.SchedulingInterval != "" {
		errs = append(errs, validateSchedulingInterval(policy.Spec.SchedulingInterval, path.Child("schedulingInterval"))...)
	}
	errs = append(errs, validateSelector(policy.Spec.ReplicationClassSelector, path.Child("replicationClassSelector"))...)
	errs = append(errs, validateSelector(policy.Spec.VolumeSnapshotClassSelector, path.Child("volumeSnapshotClassSelector"))...)
	return append(errs, validateSelector(policy.Spec.VolumeGroupSnapshotClassSelector, path.Child("volumeGroupSnapshotClassSelector"))...)
}

func validateClusterSet(set []dr.DRClusterSetMember, clusters []string, path *field.Path) field.ErrorList {
	names := sets.New[string]()
	for _, member := range set {
		names.Insert(member.Name)
	}
	if len(set) == 0 || names.Equal(sets.New(clusters...)) {
		return nil
	}
	listed := strings.Join(sets.List(names), ", ")
	return field.ErrorList{field.Invalid(path, listed, fmt.Sprintf(
		"contradicts spec.drClusters, which names %s; leave spec.drClusterSet out", strings.Join(clusters, ", ")))}
}

// DRPolicyWarnings says what a writer of the spec may not have meant.
func DRPolicyWarnings(policy *dr.DRPolicy) []string {
	var warnings []string
	if len(policy.Spec.DRClusterSet) > 0 {
		warnings = append(warnings, "spec.drClusterSet: of an early version of RamenDR and read for the names only; write spec.drClusters, a list of names")
	}
	for i, member := range policy.Spec.DRClusterSet {
		if member.Region != "" || member.S3ProfileName != "" {
			warnings = append(warnings, fmt.Sprintf(
				"spec.drClusterSet[%d]: region and s3ProfileName are ignored; they belong into the spec of DRCluster %s", i, member.Name))
		}
	}
	return warnings
}

// ValidateDRCluster refuses clusters whose agent could not have their name, or whose addresses can't be read.
func ValidateDRCluster(cluster *dr.DRCluster) field.ErrorList {
	errs := genericvalidation.ValidateObjectMeta(&cluster.ObjectMeta, false, clusterName, field.NewPath("metadata"))
	return append(errs, validateClusterSpec(&cluster.Spec)...)
}

// clusterName accepts no dots: a VolumeReplicationGroup is named <drplacementcontrol>.<cluster>.
func clusterName(name string, prefix bool) []string {
	return genericvalidation.NameIsDNSLabel(name, prefix)
}

// ValidateDRClusterUpdate refuses addresses that can't be read.
func ValidateDRClusterUpdate(cluster *dr.DRCluster) field.ErrorList {
	return validateClusterSpec(&cluster.Spec)
}

func validateClusterSpec(spec *dr.DRClusterSpec) field.ErrorList {
	var errs field.ErrorList
	for i, cidr := range spec.CIDRs {
		errs = append(errs, utilvalidation.IsValidCIDR(field.NewPath("spec", "cidrs").Index(i), cidr)...)
	}
	return errs
}

// ValidateDRClusterConfig refuses names that no cluster can have.
func ValidateDRClusterConfig(config *dr.DRClusterConfig) field.ErrorList {
	return genericvalidation.ValidateObjectMeta(&config.ObjectMeta, false, clusterName, field.NewPath("metadata"))
}

// ValidateMaintenanceMode refuses names that can't be.
func ValidateMaintenanceMode(mode *dr.MaintenanceMode) field.ErrorList {
	return genericvalidation.ValidateObjectMeta(&mode.ObjectMeta, false, genericvalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
}
