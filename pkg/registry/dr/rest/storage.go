// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package rest puts together what the server serves under dr.ramen.io.
package rest

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/registry/dr/draction"
	"github.com/ramendr/dr-apiserver/pkg/registry/dr/drcluster"
	"github.com/ramendr/dr-apiserver/pkg/registry/dr/drclusterconfig"
	"github.com/ramendr/dr-apiserver/pkg/registry/dr/drplacementcontrol"
	"github.com/ramendr/dr-apiserver/pkg/registry/dr/drpolicy"
	"github.com/ramendr/dr-apiserver/pkg/registry/dr/maintenancemode"
	"github.com/ramendr/dr-apiserver/pkg/registry/dr/protectedvolume"
	"github.com/ramendr/dr-apiserver/pkg/registry/dr/replicationgroupdestination"
	"github.com/ramendr/dr-apiserver/pkg/registry/dr/replicationgroupsource"
	"github.com/ramendr/dr-apiserver/pkg/registry/dr/volumereplicationgroup"
)

// Storage is all storages of the group.
type Storage struct {
	Placements     *drplacementcontrol.REST
	Actions        *draction.REST
	Groups         *volumereplicationgroup.REST
	Keys           *volumereplicationgroup.KeyREST
	Policies       *drpolicy.REST
	Clusters       *drcluster.REST
	ClusterConfigs *drclusterconfig.REST

	resources map[string]rest.Storage
}

// NewStorage returns all storages, backed by what getter says.
func NewStorage(scheme *runtime.Scheme, getter generic.RESTOptionsGetter, heartbeats drplacementcontrol.Heartbeats) (*Storage, error) {
	placements, placementStatus, err := drplacementcontrol.NewREST(scheme, getter, heartbeats)
	if err != nil {
		return nil, err
	}
	actions, actionStatus, err := draction.NewREST(scheme, getter)
	if err != nil {
		return nil, err
	}
	groups, groupStatus, err := volumereplicationgroup.NewREST(scheme, getter)
	if err != nil {
		return nil, err
	}
	keys := volumereplicationgroup.NewKeyREST(groups)
	policies, policyStatus, err := drpolicy.NewREST(scheme, getter, placements.Store)
	if err != nil {
		return nil, err
	}
	clusters, clusterStatus, err := drcluster.NewREST(scheme, getter, heartbeats, policies.Store)
	if err != nil {
		return nil, err
	}
	configs, configStatus, err := drclusterconfig.NewREST(scheme, getter)
	if err != nil {
		return nil, err
	}

	modes, modeStatus, err := maintenancemode.NewREST(scheme, getter)
	if err != nil {
		return nil, err
	}

	records := drplacementcontrol.Records{Actions: actions, Status: actionStatus}
	sources := drplacementcontrol.Sources{Policies: policies.Store, Clusters: clusters.Store, Configs: configs.Store, Groups: groups.Store, Heartbeats: heartbeats}
	fenceSources := drcluster.Sources{
		Clusters: clusters.Store, Configs: configs.Store, Policies: policies.Store, Placements: placements.Store, Groups: groups.Store,
		Heartbeats: heartbeats,
	}
	return &Storage{
		Placements: placements, Actions: actions, Groups: groups, Keys: keys, Policies: policies, Clusters: clusters, ClusterConfigs: configs,
		resources: map[string]rest.Storage{
			"drplacementcontrols":                    placements,
			"drplacementcontrols/status":             placementStatus,
			"drplacementcontrols/failover":           drplacementcontrol.NewBeginREST(placements, records, sources, v1alpha1.ActionFailover),
			"drplacementcontrols/relocate":           drplacementcontrol.NewBeginREST(placements, records, sources, v1alpha1.ActionRelocate),
			"drplacementcontrols/abort":              drplacementcontrol.NewAbortREST(placements, records),
			"dractions":                              actions,
			"dractions/status":                       actionStatus,
			"volumereplicationgroups":                groups,
			"volumereplicationgroups/status":         groupStatus,
			"volumereplicationgroups/replicationkey": keys,
			"protectedvolumes":                       protectedvolume.NewREST(groups.Store, heartbeats),
			"replicationgroupsources":                replicationgroupsource.NewREST(groups.Store, heartbeats),
			"replicationgroupdestinations":           replicationgroupdestination.NewREST(groups.Store, heartbeats),
			"drpolicies":                             policies,
			"drpolicies/status":                      policyStatus,
			"drclusters":                             clusters,
			"drclusters/status":                      clusterStatus,
			"drclusters/fence":                       drcluster.NewFenceREST(clusters, fenceSources, v1alpha1.FenceStateFenced),
			"drclusters/unfence":                     drcluster.NewFenceREST(clusters, fenceSources, v1alpha1.FenceStateUnfenced),
			"drclusterconfigs":                       configs,
			"drclusterconfigs/status":                configStatus,
			"maintenancemodes":                       modes,
			"maintenancemodes/status":                modeStatus,
		},
	}, nil
}

// APIGroupInfo is what a generic API server is told to install.
func (s *Storage) APIGroupInfo(scheme *runtime.Scheme, codecs serializer.CodecFactory, parameters runtime.ParameterCodec) *genericapiserver.APIGroupInfo {
	info := genericapiserver.NewDefaultAPIGroupInfo(v1alpha1.GroupName, scheme, parameters, codecs)
	info.NegotiatedSerializer = withoutProtobuf{codecs}
	info.VersionedResourcesStorageMap[v1alpha1.SchemeGroupVersion.Version] = s.resources
	return &info
}

// withoutProtobuf keeps clients that would rather have protobuf, as the controllers do that clean up namespaces, from being
// promised what these types can't be written in.
type withoutProtobuf struct {
	runtime.NegotiatedSerializer
}

// SupportedMediaTypes are all but protobuf.
func (s withoutProtobuf) SupportedMediaTypes() []runtime.SerializerInfo {
	return slices.DeleteFunc(slices.Clone(s.NegotiatedSerializer.SupportedMediaTypes()), func(info runtime.SerializerInfo) bool {
		return info.MediaType == runtime.ContentTypeProtobuf
	})
}
