// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package csiaddons

import (
	"context"

	"github.com/ramendr/dr-apiserver/test/storagesim/csiaddons/sidecarpb"
	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// VolumeGroups serves csi-addons' operations on groups of volumes. A group is known by its name.
type VolumeGroups struct {
	sidecarpb.UnimplementedVolumeGroupControllerServer
	Engine *engine.Engine
}

func groupOf(g layout.Group) *sidecarpb.VolumeGroup {
	return &sidecarpb.VolumeGroup{VolumeGroupId: g.ID, VolumeIds: g.Members}
}

// CreateVolumeGroup makes a group.
func (s *VolumeGroups) CreateVolumeGroup(
	ctx context.Context, req *sidecarpb.CreateVolumeGroupRequest,
) (*sidecarpb.CreateVolumeGroupResponse, error) {
	g, err := s.Engine.CreateGroup(ctx, req.GetName(), req.GetVolumeIds())
	return &sidecarpb.CreateVolumeGroupResponse{VolumeGroup: groupOf(g)}, statusOf(err)
}

// ModifyVolumeGroupMembership changes which volumes are in a group.
func (s *VolumeGroups) ModifyVolumeGroupMembership(
	ctx context.Context, req *sidecarpb.ModifyVolumeGroupMembershipRequest,
) (*sidecarpb.ModifyVolumeGroupMembershipResponse, error) {
	g, err := s.Engine.ModifyGroup(ctx, req.GetVolumeGroupId(), req.GetVolumeIds())
	return &sidecarpb.ModifyVolumeGroupMembershipResponse{VolumeGroup: groupOf(g)}, statusOf(err)
}

// DeleteVolumeGroup forgets a group.
func (s *VolumeGroups) DeleteVolumeGroup(
	ctx context.Context, req *sidecarpb.DeleteVolumeGroupRequest,
) (*sidecarpb.DeleteVolumeGroupResponse, error) {
	return &sidecarpb.DeleteVolumeGroupResponse{}, statusOf(s.Engine.DeleteGroup(ctx, req.GetVolumeGroupId()))
}

// ControllerGetVolumeGroup tells which volumes are in a group.
func (s *VolumeGroups) ControllerGetVolumeGroup(
	_ context.Context, req *sidecarpb.ControllerGetVolumeGroupRequest,
) (*sidecarpb.ControllerGetVolumeGroupResponse, error) {
	g, err := s.Engine.Group(req.GetVolumeGroupId())
	return &sidecarpb.ControllerGetVolumeGroupResponse{VolumeGroup: groupOf(g)}, statusOf(err)
}
