// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package csi makes the array a CSI driver that the real external-provisioner makes and removes volumes with, and the real
// external-snapshotter snapshots. A volume's
// handle is the name the provisioner gives it, so it is the same on both clusters, as with mirrored pools.
package csi

import (
	"context"
	"errors"

	csi "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

const (
	version         = "v1"
	defaultCapacity = 1 << 30

	// A StorageClass of this parameter and value is of the storage that all clusters reach.
	parameterStorage = "storage"
	storageShared    = "shared"

	// The provisioner passes these with --extra-create-metadata.
	parameterClaimName      = "csi.storage.k8s.io/pvc/name"
	parameterClaimNamespace = "csi.storage.k8s.io/pvc/namespace"
)

// Identity serves CSI's identity.
type Identity struct {
	csi.UnimplementedIdentityServer
	// Driver is its name.
	Driver string
}

// GetPluginInfo names the driver.
func (i *Identity) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: i.Driver, VendorVersion: version}, nil
}

// GetPluginCapabilities says that there is a controller of volumes, and one of groups of them.
func (i *Identity) GetPluginCapabilities(
	context.Context, *csi.GetPluginCapabilitiesRequest,
) (*csi.GetPluginCapabilitiesResponse, error) {
	resp := &csi.GetPluginCapabilitiesResponse{}
	for _, service := range []csi.PluginCapability_Service_Type{
		csi.PluginCapability_Service_CONTROLLER_SERVICE, csi.PluginCapability_Service_GROUP_CONTROLLER_SERVICE,
	} {
		resp.Capabilities = append(resp.Capabilities, &csi.PluginCapability{
			Type: &csi.PluginCapability_Service_{Service: &csi.PluginCapability_Service{Type: service}},
		})
	}
	return resp, nil
}

// Probe says that it is ready.
func (i *Identity) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{Ready: wrapperspb.Bool(true)}, nil
}

// Controller serves CSI's controller.
type Controller struct {
	csi.UnimplementedControllerServer
	Engine *engine.Engine
}

// ControllerGetCapabilities says that volumes and snapshots can be made and removed, and volumes made from either.
func (c *Controller) ControllerGetCapabilities(
	context.Context, *csi.ControllerGetCapabilitiesRequest,
) (*csi.ControllerGetCapabilitiesResponse, error) {
	resp := &csi.ControllerGetCapabilitiesResponse{}
	for _, rpc := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME, csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS, csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
	} {
		resp.Capabilities = append(resp.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: rpc}},
		})
	}
	return resp, nil
}

// CreateVolume makes a volume.
func (c *Controller) CreateVolume(ctx context.Context, req *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	if len(req.GetVolumeCapabilities()) == 0 {
		return nil, status.Error(codes.InvalidArgument, "volume capabilities are missing")
	}
	capacity := req.GetCapacityRange().GetRequiredBytes()
	if capacity == 0 {
		capacity = defaultCapacity
	}
	claim := layout.Claim{
		Namespace: req.GetParameters()[parameterClaimNamespace], Name: req.GetParameters()[parameterClaimName],
	}
	if err := c.create(ctx, req, capacity, claim); err != nil {
		return nil, statusOf(err)
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{
		VolumeId: req.GetName(), CapacityBytes: capacity, ContentSource: req.GetVolumeContentSource(),
	}}, nil
}

func (c *Controller) create(ctx context.Context, req *csi.CreateVolumeRequest, capacity int64, claim layout.Claim) error {
	source := req.GetVolumeContentSource()
	switch {
	case source.GetSnapshot() != nil:
		return c.Engine.CreateFromSnapshot(ctx, req.GetName(), capacity, claim, source.GetSnapshot().GetSnapshotId())
	case source.GetVolume() != nil:
		return c.Engine.CreateFromVolume(ctx, req.GetName(), capacity, claim, source.GetVolume().GetVolumeId())
	}
	if req.GetParameters()[parameterStorage] == storageShared {
		return c.Engine.CreateShared(ctx, req.GetName(), capacity, claim)
	}
	return c.Engine.Create(ctx, req.GetName(), capacity, claim)
}

// DeleteVolume removes a volume.
func (c *Controller) DeleteVolume(ctx context.Context, req *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	return &csi.DeleteVolumeResponse{}, statusOf(c.Engine.Delete(ctx, req.GetVolumeId()))
}

func statusOf(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, engine.ErrInvalid):
		return status.Error(codes.InvalidArgument, err.Error())
	case errors.Is(err, engine.ErrNotFound):
		return status.Error(codes.NotFound, err.Error())
	case errors.Is(err, engine.ErrExists):
		return status.Error(codes.AlreadyExists, err.Error())
	case errors.Is(err, engine.ErrBusy):
		return status.Error(codes.Aborted, err.Error())
	case errors.Is(err, engine.ErrPrecondition):
		return status.Error(codes.FailedPrecondition, err.Error())
	}
	return status.Error(codes.Internal, err.Error())
}
