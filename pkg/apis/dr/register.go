// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package dr

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group.
const GroupName = "dr.ramen.io"

// SchemeGroupVersion is the group and the internal version.
var SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: runtime.APIVersionInternal}

var (
	// SchemeBuilder collects what registers the internal version with a scheme.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)
	// AddToScheme registers the internal version with a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

// Kind qualifies a kind with the group.
func Kind(kind string) schema.GroupKind {
	return SchemeGroupVersion.WithKind(kind).GroupKind()
}

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
	return nil
}
