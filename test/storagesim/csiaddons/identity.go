// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package csiaddons

import (
	"context"

	"github.com/csi-addons/spec/lib/go/identity"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Identity tells csi-addons what the driver can do.
type Identity struct {
	identity.UnimplementedIdentityServer
	// Driver is its name.
	Driver string
}

// version of the driver, which csi-addons wants to know.
const version = "v1"

// GetIdentity names the driver.
func (i *Identity) GetIdentity(context.Context, *identity.GetIdentityRequest) (*identity.GetIdentityResponse, error) {
	return &identity.GetIdentityResponse{Name: i.Driver, VendorVersion: version}, nil
}

// GetCapabilities says that it replicates volumes, and groups of them, and fences clusters off.
func (i *Identity) GetCapabilities(
	context.Context, *identity.GetCapabilitiesRequest,
) (*identity.GetCapabilitiesResponse, error) {
	return &identity.GetCapabilitiesResponse{Capabilities: []*identity.Capability{
		{Type: &identity.Capability_Service_{Service: &identity.Capability_Service{
			Type: identity.Capability_Service_CONTROLLER_SERVICE,
		}}},
		{Type: &identity.Capability_VolumeReplication_{VolumeReplication: &identity.Capability_VolumeReplication{
			Type: identity.Capability_VolumeReplication_VOLUME_REPLICATION,
		}}},
		{Type: &identity.Capability_VolumeGroup_{VolumeGroup: &identity.Capability_VolumeGroup{
			Type: identity.Capability_VolumeGroup_VOLUME_GROUP,
		}}},
		networkFence(identity.Capability_NetworkFence_NETWORK_FENCE),
		networkFence(identity.Capability_NetworkFence_GET_CLIENTS_TO_FENCE),
	}}, nil
}

func networkFence(t identity.Capability_NetworkFence_Type) *identity.Capability {
	return &identity.Capability{Type: &identity.Capability_NetworkFence_{NetworkFence: &identity.Capability_NetworkFence{Type: t}}}
}

// Probe says that it is ready.
func (i *Identity) Probe(context.Context, *identity.ProbeRequest) (*identity.ProbeResponse, error) {
	return &identity.ProbeResponse{Ready: wrapperspb.Bool(true)}, nil
}
