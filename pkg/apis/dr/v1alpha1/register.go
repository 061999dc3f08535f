// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group this package serves.
const GroupName = "dr.ramen.io"

// SchemeGroupVersion is the group and version of every type in this package.
var SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

var (
	// SchemeBuilder collects what registers this version with a scheme.
	SchemeBuilder      = runtime.NewSchemeBuilder(addKnownTypes)
	localSchemeBuilder = &SchemeBuilder
	// AddToScheme registers this version with a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

// Resource qualifies a resource name with the group.
func Resource(resource string) schema.GroupResource {
	return SchemeGroupVersion.WithResource(resource).GroupResource()
}

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(SchemeGroupVersion,
		&DRPlacementControl{}, &DRPlacementControlList{},
		&DRAction{}, &DRActionList{},
		&VolumeReplicationGroup{}, &VolumeReplicationGroupList{},
		&ReplicationKey{},
		&ProtectedVolume{}, &ProtectedVolumeList{},
		&ReplicationGroupSource{}, &ReplicationGroupSourceList{},
		&ReplicationGroupDestination{}, &ReplicationGroupDestinationList{},
		&DRPolicy{}, &DRPolicyList{},
		&DRCluster{}, &DRClusterList{},
		&DRClusterConfig{}, &DRClusterConfigList{},
		&ClusterFence{},
		&MaintenanceMode{}, &MaintenanceModeList{},
	)
	metav1.AddToGroupVersion(scheme, SchemeGroupVersion)
	return nil
}
