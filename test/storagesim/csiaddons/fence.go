// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package csiaddons

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ramendr/dr-apiserver/test/storagesim/csiaddons/sidecarpb"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/shared"
)

// Fence serves csi-addons' fencing operations, for all storage that the clusters' simulators have.
type Fence struct {
	sidecarpb.UnimplementedNetworkFenceServer
	Store  *shared.Store
	Faults *faults.Injector
}

// FenceClusterNetwork has storage refuse addresses.
func (f *Fence) FenceClusterNetwork(ctx context.Context, req *sidecarpb.NetworkFenceRequest) (*sidecarpb.NetworkFenceResponse, error) {
	return &sidecarpb.NetworkFenceResponse{}, f.between(ctx, "fence", req, f.Store.Fence)
}

// UnFenceClusterNetwork has storage serve addresses again.
func (f *Fence) UnFenceClusterNetwork(ctx context.Context, req *sidecarpb.NetworkFenceRequest) (*sidecarpb.NetworkFenceResponse, error) {
	return &sidecarpb.NetworkFenceResponse{}, f.between(ctx, "unfence", req, f.Store.Unfence)
}

// GetFenceClients says from which addresses this cluster reaches the storage.
func (f *Fence) GetFenceClients(context.Context, *sidecarpb.FenceClientsRequest) (*sidecarpb.FenceClientsResponse, error) {
	return &sidecarpb.FenceClientsResponse{Clients: []*sidecarpb.ClientDetails{{Id: "storagesim", Cidrs: []string{f.Store.Own()}}}}, nil
}

// between runs one operation between its points.
func (f *Fence) between(ctx context.Context, name string, req *sidecarpb.NetworkFenceRequest, change func([]string) error) error {
	if len(req.GetCidrs()) == 0 {
		return status.Error(codes.InvalidArgument, "no CIDRs")
	}
	if err := f.Faults.At(ctx, name+".before", faults.Volume{}); err != nil {
		return statusOf(err)
	}
	if err := change(req.GetCidrs()); err != nil {
		return statusOf(err)
	}
	return statusOf(f.Faults.At(ctx, name+".after", faults.Volume{}))
}
