// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"

	genericvalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

// ValidateDRPolicy refuses policies that are not between exactly two clusters or whose interval can't be read.
func ValidateDRPolicy(policy *dr.DRPolicy) field.ErrorList {
	path := field.NewPath("spec")
	errs := genericvalidation.ValidateObjectMeta(&policy.ObjectMeta, false, genericvalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validatePair(policy.Spec.DRClusters, path.Child("drClusters"))...)
	if policy.Spec.SchedulingInterval != "" {
		errs = append(errs, validateSchedulingInterval(policy.Spec.SchedulingInterval, path.Child("schedulingInterval"))...)
	}
	errs = append(errs, validateSelector(policy.Spec.ReplicationClassSelector, path.Child("replicationClassSelector"))...)
	return append(errs, validateSelector(policy.Spec.VolumeSnapshotClassSelector, path.Child("volumeSnapshotClassSelector"))...)
}

func validatePair(clusters []string, path *field.Path) field.ErrorList {
	if len(clusters) != 2 {
		return field.ErrorList{field.Invalid(path, clusters, fmt.Sprintf("names %d clusters; a policy is between exactly 2 DRClusters", len(clusters)))}
	}
	errs := requireClusterName(clusters[0], path.Index(0))
	errs = append(errs, requireClusterName(clusters[1], path.Index(1))...)
	if len(errs) == 0 && clusters[0] == clusters[1] {
		errs = append(errs, field.Duplicate(path.Index(1), clusters[1]))
	}
	return errs
}

// ValidateDRPolicyUpdate refuses changes of what applications are protected by.
func ValidateDRPolicyUpdate(policy, old *dr.DRPolicy) field.ErrorList {
	path := field.NewPath("spec")
	const remedy = "create another DRPolicy"
	errs := immutable(policy.Spec.DRClusters, old.Spec.DRClusters, path.Child("drClusters"), remedy)
	errs = append(errs, immutable(policy.Spec.SchedulingInterval, old.Spec.SchedulingInterval, path.Child("schedulingInterval"), remedy)...)
	errs = append(errs, immutable(policy.Spec.ReplicationClassSelector, old.Spec.ReplicationClassSelector,
		path.Child("replicationClassSelector"), remedy)...)
	return append(errs, immutable(policy.Spec.VolumeSnapshotClassSelector, old.Spec.VolumeSnapshotClassSelector,
		path.Child("volumeSnapshotClassSelector"), remedy)...)
}

// ValidateDRCluster refuses clusters whose agent could not have their name, or that have no object store.
func ValidateDRCluster(cluster *dr.DRCluster) field.ErrorList {
	errs := genericvalidation.ValidateObjectMeta(&cluster.ObjectMeta, false, clusterName, field.NewPath("metadata"))
	if cluster.Spec.S3ProfileName == "" {
		errs = append(errs, field.Required(field.NewPath("spec", "s3ProfileName"), "name an s3ProfileName of the servers' configuration"))
	}
	return errs
}

// clusterName accepts no dots: a VolumeReplicationGroup is named <drplacementcontrol>.<cluster>.
func clusterName(name string, prefix bool) []string {
	return genericvalidation.NameIsDNSLabel(name, prefix)
}

// ValidateDRClusterUpdate refuses changes of where applications' captures are.
func ValidateDRClusterUpdate(cluster, old *dr.DRCluster) field.ErrorList {
	path := field.NewPath("spec")
	const remedy = "captures would not be found again; delete the DRCluster and create it anew"
	errs := immutable(cluster.Spec.S3ProfileName, old.Spec.S3ProfileName, path.Child("s3ProfileName"), remedy)
	return append(errs, immutable(cluster.Spec.Region, old.Spec.Region, path.Child("region"), "delete the DRCluster and create it anew")...)
}

// ValidateDRClusterConfig refuses reports that do not identify their cluster.
func ValidateDRClusterConfig(config *dr.DRClusterConfig) field.ErrorList {
	errs := genericvalidation.ValidateObjectMeta(&config.ObjectMeta, false, clusterName, field.NewPath("metadata"))
	if config.Spec.ClusterID == "" {
		errs = append(errs, field.Required(field.NewPath("spec", "clusterID"), "write the UID of the cluster's namespace kube-system"))
	}
	return errs
}

// ValidateDRClusterConfigUpdate refuses to let one cluster pass for another.
func ValidateDRClusterConfigUpdate(config, old *dr.DRClusterConfig) field.ErrorList {
	return immutable(config.Spec.ClusterID, old.Spec.ClusterID, field.NewPath("spec", "clusterID"),
		"the cluster of this name is another one now; delete the DRClusterConfig if that is meant")
}
