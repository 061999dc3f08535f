// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"context"

	csi "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// CreateSnapshot takes a snapshot of a volume.
func (c *Controller) CreateSnapshot(ctx context.Context, req *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	set, err := c.Engine.TakeSnapshot(ctx, req.GetName(), req.GetSourceVolumeId())
	if err != nil {
		return nil, statusOf(err)
	}
	return &csi.CreateSnapshotResponse{Snapshot: describe(set)[0]}, nil
}

// DeleteSnapshot removes a snapshot.
func (c *Controller) DeleteSnapshot(ctx context.Context, req *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	return &csi.DeleteSnapshotResponse{}, statusOf(c.Engine.DeleteSnapshot(ctx, req.GetSnapshotId()))
}

// ListSnapshots lists snapshots: all, one, or those of a volume.
func (c *Controller) ListSnapshots(_ context.Context, req *csi.ListSnapshotsRequest) (*csi.ListSnapshotsResponse, error) {
	resp := &csi.ListSnapshotsResponse{}
	for _, set := range c.Engine.SnapshotSets() {
		for _, s := range describe(set) {
			if (req.GetSnapshotId() == "" || req.GetSnapshotId() == s.GetSnapshotId()) &&
				(req.GetSourceVolumeId() == "" || req.GetSourceVolumeId() == s.GetSourceVolumeId()) {
				resp.Entries = append(resp.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: s})
			}
		}
	}
	return resp, nil
}

func describe(set *layout.SnapshotSet) []*csi.Snapshot {
	var snapshots []*csi.Snapshot
	for _, s := range set.Snapshots {
		d := &csi.Snapshot{
			SnapshotId: s.ID, SourceVolumeId: s.Volume, SizeBytes: s.Capacity, CreationTime: timestamppb.New(set.Time), ReadyToUse: true,
		}
		if set.Group {
			d.GroupSnapshotId = set.ID
		}
		snapshots = append(snapshots, d)
	}
	return snapshots
}

// GroupController serves CSI's group snapshots.
type GroupController struct {
	csi.UnimplementedGroupControllerServer
	Engine *engine.Engine
}

// GroupControllerGetCapabilities says that group snapshots can be taken and removed.
func (g *GroupController) GroupControllerGetCapabilities(
	context.Context, *csi.GroupControllerGetCapabilitiesRequest,
) (*csi.GroupControllerGetCapabilitiesResponse, error) {
	rpc := &csi.GroupControllerServiceCapability_RPC{
		Type: csi.GroupControllerServiceCapability_RPC_CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT,
	}
	return &csi.GroupControllerGetCapabilitiesResponse{Capabilities: []*csi.GroupControllerServiceCapability{
		{Type: &csi.GroupControllerServiceCapability_Rpc{Rpc: rpc}},
	}}, nil
}

// CreateVolumeGroupSnapshot takes snapshots of several volumes at one point in time.
func (g *GroupController) CreateVolumeGroupSnapshot(
	ctx context.Context, req *csi.CreateVolumeGroupSnapshotRequest,
) (*csi.CreateVolumeGroupSnapshotResponse, error) {
	set, err := g.Engine.TakeGroupSnapshot(ctx, req.GetName(), req.GetSourceVolumeIds())
	if err != nil {
		return nil, statusOf(err)
	}
	return &csi.CreateVolumeGroupSnapshotResponse{GroupSnapshot: describeGroup(set)}, nil
}

// DeleteVolumeGroupSnapshot removes a group snapshot and its members.
func (g *GroupController) DeleteVolumeGroupSnapshot(
	ctx context.Context, req *csi.DeleteVolumeGroupSnapshotRequest,
) (*csi.DeleteVolumeGroupSnapshotResponse, error) {
	err := g.Engine.DeleteGroupSnapshot(ctx, req.GetGroupSnapshotId())
	return &csi.DeleteVolumeGroupSnapshotResponse{}, statusOf(err)
}

// GetVolumeGroupSnapshot finds a group snapshot.
func (g *GroupController) GetVolumeGroupSnapshot(
	_ context.Context, req *csi.GetVolumeGroupSnapshotRequest,
) (*csi.GetVolumeGroupSnapshotResponse, error) {
	set := g.Engine.SnapshotSet(req.GetGroupSnapshotId())
	if set == nil || !set.Group {
		return nil, status.Errorf(codes.NotFound, "there is no group snapshot %s", req.GetGroupSnapshotId())
	}
	return &csi.GetVolumeGroupSnapshotResponse{GroupSnapshot: describeGroup(set)}, nil
}

func describeGroup(set *layout.SnapshotSet) *csi.VolumeGroupSnapshot {
	return &csi.VolumeGroupSnapshot{
		GroupSnapshotId: set.ID, Snapshots: describe(set), CreationTime: timestamppb.New(set.Time), ReadyToUse: true,
	}
}
