// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// remedy is what to do about a field's value that a tag on the type refuses.
type remedy struct {
	// value says what to write there, change what to do instead of changing it.
	value, change string
}

const (
	nameCluster = "name a DRCluster; `kubectl get drclusters` lists them"
	nameProfile = "name an s3ProfileName of the servers' configuration"
	anewPolicy  = "create another DRPolicy"
	anewCluster = "delete the DRCluster and create it anew"
	anewControl = "delete the DRPlacementControl, which leaves the application alone, and create it anew"
)

// remedies are by kind and field, list items like their list. The rules themselves are tags on the types.
var remedies = map[string]map[string]remedy{
	"DRAction": {
		"spec.targetCluster": {value: nameCluster},
		"spec.leaveBehind":   {value: "name PersistentVolumeClaims of the application, without their namespace"},
	},
	"DRCluster": {
		"spec.region":        {change: anewCluster},
		"spec.s3ProfileName": {value: nameProfile, change: "captures would not be found again; " + anewCluster},
	},
	"DRClusterConfig": {
		"spec.clusterID": {
			value:  "write the UID of the cluster's namespace kube-system",
			change: "the cluster of this name is another one now; delete the DRClusterConfig if that is meant",
		},
	},
	"DRPlacementControl": {
		"spec.drPolicyRef.name":    {value: "name a DRPolicy; `kubectl get drpolicies` lists them", change: anewControl},
		"spec.preferredCluster":    {value: nameCluster},
		"spec.failoverCluster":     {value: nameCluster + ", or leave it out"},
		"spec.pvcSelector":         {change: anewControl},
		"spec.protectedNamespaces": {value: "leave it out"},
	},
	"DRPolicy": {
		"spec.drClusters":                       {value: "a policy is between exactly 2 DRClusters; `kubectl get drclusters` lists them", change: anewPolicy},
		"spec.drClusterSet":                     {value: "write spec.drClusters, a list of names", change: anewPolicy},
		"spec.drClusterSet.name":                {value: nameCluster},
		"spec.schedulingInterval":               {change: anewPolicy},
		"spec.replicationClassSelector":         {change: anewPolicy},
		"spec.volumeSnapshotClassSelector":      {change: anewPolicy},
		"spec.volumeGroupSnapshotClassSelector": {change: anewPolicy},
		"spec.consistencyGroups":                {value: "leave it out to have volumes grouped wherever their storage can", change: anewPolicy},
	},
	"VolumeReplicationGroup": {
		"spec.clusterName":              {value: nameCluster, change: "another cluster's copy needs a VolumeReplicationGroup of its own"},
		"spec.replicationState":         {value: "write primary where the application runs, secondary elsewhere"},
		"spec.epoch":                    {value: "epochs are counted from 0"},
		"spec.s3Profiles":               {value: nameProfile},
		"spec.async.schedulingInterval": {value: "write a number followed by m, h or d, such as 5m"},
	},
}

const originImmutable = "immutable"

var index = regexp.MustCompile(`\[[^\]]*\]`)

// WithRemedies completes what the rules on the types say of an object of the kind, in the served version: a rule knows what is
// wrong, and not what to do about it; of a change, not even what it is.
func WithRemedies(kind string, obj runtime.Object, errs field.ErrorList) field.ErrorList {
	for _, err := range errs {
		of := remedies[kind][index.ReplaceAllString(err.Field, "")]
		advice := of.value
		if err.Origin == originImmutable {
			advice = of.change
			err.BadValue = valueAt(obj, err.Field)
		}
		switch {
		case advice == "":
		case err.Detail == "":
			err.Detail = advice
		default:
			err.Detail += "; " + advice
		}
	}
	return errs
}

// valueAt is what the object has in a field that is in no list.
func valueAt(obj runtime.Object, path string) any {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return nil
	}
	value, _, _ := unstructured.NestedFieldNoCopy(content, strings.Split(path, ".")...)
	return value
}
